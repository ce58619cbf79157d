// The frontend "gateway.v0": one that is an image. It runs in a container as a command of the build does, speaks
// LLBBridge over its standard input and output (HTTP/2 with prior knowledge), and what it gives back is the result. It
// can speak of this build only, and it is killed when the build ends (BuildKit, frontend/gateway/gateway.go).

import * as http2 from "node:http2";
import { HoyError } from "../../../base/error.ts";
import { within } from "../../../base/within.ts";
import type { ImageConfigFile } from "../../../image/config.ts";
import { hostPlatform } from "../../../image/platform.ts";
import { canonicalString, parseReference, withDefaultTag } from "../../../image/reference.ts";
import { type ExecOp, vertex } from "../../graph.ts";
import type { StepProcess } from "../../needs.ts";
import type { Build } from "../control/build.ts";
import { workerRecord } from "../control/worker.ts";
import { Containers } from "../gateway/containers.ts";
import { processSocket } from "../gateway/process-socket.ts";
import { gatewayService } from "../gateway/service.ts";
import { GrpcServer } from "../grpc/server.ts";
import { CODE, GrpcError } from "../grpc/status.ts";
import { missing } from "../llb/values.ts";
import type { BuildkitNeeds } from "../needs.ts";
import type { Definition } from "../proto/gen/ops_pb.ts";
import type { BuildResult } from "../result.ts";
import type { Attributes } from "./attributes.ts";

/** Frontends that ask for frontends. */
const MAX_DEPTH = 5;
/** Bytes of attributes, which are variables of its process. */
const MAX_ATTRS = 512 * 1024;
/** Milliseconds from its answer to its end. */
const PATIENCE = 10_000;
/** What images say they understand (BuildKit, frontend/gateway, getCaps). */
const CAPS_LABEL = "moby.buildkit.frontend.caps";
const NO_NETWORK_LABEL = "moby.buildkit.frontend.network.none";
const INPUTS_CAP = "moby.buildkit.frontend.inputs";

export interface GatewayRequest {
  readonly attrs: Attributes;
  readonly inputs: Readonly<Record<string, Definition>>;
  readonly depth: number;
}

/** @throws GrpcError that the frontend gave back, HoyError. */
export async function runGateway(request: GatewayRequest, build: Build, needs: BuildkitNeeds): Promise<BuildResult> {
  if (request.depth > MAX_DEPTH) throw new HoyError("invalid", `more than ${MAX_DEPTH} frontends call one another`);
  const { solver } = needs;
  const { ref, config } = await solver.imageConfig(imageOf(request.attrs), hostPlatform, "default", build.options);
  checkCaps(request, config, ref);
  const op = commandOf(request, config, build, needs);
  const source = { kind: "source", type: "image", ref, mode: "default" } as const;
  const image = vertex(source, [], {
    platform: hostPlatform,
    name: `load the frontend ${ref}`,
    ignoreCache: false,
    lines: undefined,
  });
  const { diffIds } = await solver.solve({ vertex: image, output: 0 }, build.options);
  return await build.events.step(`run the frontend ${ref}`, async ({ log }) => {
    await using container = await solver.needs.steps.open({
      op,
      env: op.env,
      lowers: await solver.needs.layers.mount(diffIds),
      readonlyRoot: false,
      mounts: [],
      limits: build.session.limits,
      signal: build.signal,
      terminal: false,
      stdin: true,
    });
    await using containers = new Containers(build, needs);
    return await answerOf(container.first, { request, build, containers, needs, log });
  });
}

interface Serving {
  readonly request: GatewayRequest;
  readonly build: Build;
  readonly containers: Containers;
  readonly needs: BuildkitNeeds;
  readonly log: (data: Uint8Array) => void;
}

/** What it gives back, or why it did not: an error that it tells goes before how it ended. */
async function answerOf(
  process: StepProcess,
  { request, build, containers, needs, log }: Serving,
): Promise<BuildResult> {
  const returned = Promise.withResolvers<BuildResult>();
  returned.promise.catch(() => undefined);
  const { inputs, depth } = request;
  const bridge = {
    build,
    containers,
    inputs,
    depth,
    giveBack: (result: BuildResult | GrpcError) =>
      result instanceof Error ? returned.reject(result) : returned.resolve(result),
  };
  const service = gatewayService(async () => {
    build.signal.throwIfAborted();
    return bridge;
  }, needs);
  const server = new GrpcServer({
    services: [service],
    failed: (path, error) => needs.log.debug("a call of a frontend failed", { path, error: String(error) }),
  });
  const socket = processSocket(process, log);
  const door = http2.createServer({ settings: { maxConcurrentStreams: 100 }, maxSessionMemory: 10 });
  door.on("stream", (stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders) => {
    stream.on("error", () => undefined);
    server.serve(stream, headers);
  });
  door.on("sessionError", () => socket.destroy());
  door.emit("connection", socket);
  try {
    const ended = process.exited.then(({ code, oomKilled }) => {
      build.signal.throwIfAborted();
      const why = oomKilled ? `exit code ${code}, out of memory` : `exit code ${code}`;
      throw new GrpcError(CODE.unknown, `the frontend ended without a result (${why})`);
    });
    ended.catch(() => undefined);
    // The answer may have come with its last breath.
    const result = await Promise.race([returned.promise, ended.catch(() => Promise.race([returned.promise, ended]))]);
    await within(process.exited, PATIENCE);
    return result;
  } finally {
    socket.destroy();
  }
}

/** The image that is named, or what a named context puts in its place. */
function imageOf(attrs: Attributes): string {
  const { source = "" } = attrs;
  if (attrs["gateway-devel"] !== undefined) throw missing("a frontend that is built first");
  if (source === "") throw new HoyError("invalid", "no source specified for gateway");
  const instead = attrs[`context:${source}`];
  const image = instead === undefined ? source : /^docker-image:\/\/(.+)$/s.exec(instead)?.[1];
  if (image === undefined) throw missing("a frontend from a context that is no image");
  return canonicalString(withDefaultTag(parseReference(image)));
}

/** What is asked of it must be something that it says it understands. */
function checkCaps({ attrs, inputs }: GatewayRequest, { config }: ImageConfigFile, ref: string): void {
  const names = (text = "") => text.split(",").map((each) => each.split("+")[0] ?? "");
  const has = new Set(names(config?.Labels?.[CAPS_LABEL]));
  const wanted = [...names(attrs["frontend.caps"]), ...(Object.keys(inputs).length > 0 ? [INPUTS_CAP] : [])];
  const lacks = wanted.find((name) => name !== "" && !has.has(name));
  if (lacks !== undefined) throw new HoyError("not-implemented", `the frontend ${ref} does not know ${lacks}`);
}

function commandOf({ attrs }: GatewayRequest, file: ImageConfigFile, build: Build, needs: BuildkitNeeds): ExecOp {
  const { config } = file;
  const given = Object.entries(attrs);
  if (given.reduce((sum, [name, value]) => sum + name.length + value.length, 0) > MAX_ATTRS) {
    throw new HoyError("too-large", `attributes of more than ${MAX_ATTRS} bytes for a frontend`);
  }
  const { id, labels, platforms } = workerRecord(needs);
  const env = [
    ...(config?.Env ?? []),
    ...given.map(([name, value], index) => `BUILDKIT_FRONTEND_OPT_${index}=${name}=${value}`),
    `BUILDKIT_SESSION_ID=${build.session.id}`,
    `BUILDKIT_WORKERS=${JSON.stringify([{ ID: id, Labels: labels, Platforms: platforms }])}`,
    "BUILDKIT_EXPORTEDPRODUCT=hoy",
  ];
  const alone = /^(?:1|t|true)$/i.test(config?.Labels?.[NO_NETWORK_LABEL] ?? "");
  const entrypoint = config?.Entrypoint ?? [];
  return {
    kind: "exec",
    args: entrypoint.length > 0 ? entrypoint : ["/run"],
    env,
    cwd: config?.WorkingDir || "/",
    user: config?.User ?? "",
    hostname: "",
    network: alone ? "none" : "sandbox",
    insecure: false,
    extraHosts: [],
    ulimits: [],
    shmSize: 0,
    cgroupParent: attrs["cgroup-parent"] ?? "",
    proxyEnv: [],
    secretEnv: [],
    mounts: [{ input: 0, selector: "", target: "/", readonly: false, output: -1, detail: { type: "bind" } }],
  };
}
