// The service moby.buildkit.v1.frontend.LLBBridge: a frontend has parts built, looks into them, and gives back a result
// made of them. It runs in the client (buildx's builds all do, if only to ask for "dockerfile.v0" here), or in a
// container here (frontend/gateway.ts).

import { writeConfig } from "../../../image/config.ts";
import { openLayers } from "../../ops/tree/read-file.ts";
import type { Build } from "../control/build.ts";
import { workerRecord } from "../control/worker.ts";
import { type CallContext, type ServiceTable, service } from "../grpc/service.ts";
import { errorOf } from "../grpc/status-message.ts";
import { platformOf } from "../llb/definition.ts";
import { missing } from "../llb/values.ts";
import type { BuildkitNeeds } from "../needs.ts";
import { LLBBridge, type Result } from "../proto/gen/gateway_pb.ts";
import { type BuildRef, type BuildResult, definitionOf, ONLY } from "../result.ts";
import type { Bridge } from "./bridge.ts";
import { CAPS } from "./caps.ts";
import { readDir, readFile, statFile } from "./files.ts";
import { runProcesses } from "./processes.ts";

/** Bytes of a warning that is not ours. */
const WARNING_LIMIT = 16 * 1024;

/** @param bridgeOf of whose build the caller may speak */
export function gatewayService(
  bridgeOf: (context: CallContext) => Promise<Bridge>,
  needs: BuildkitNeeds,
): ServiceTable {
  const buildOf = async (context: CallContext): Promise<Build> => (await bridgeOf(context)).build;
  const look = async <T>(
    context: CallContext,
    ref: string,
    work: (root: Awaited<ReturnType<typeof openLayers>>) => T,
  ) => {
    const build = await buildOf(context);
    const tree = await build.tree(build.find(ref));
    using root = await openLayers(needs.solver.needs.layers, tree.diffIds);
    return await work(root);
  };
  return service(LLBBridge, {
    async ping(_, context) {
      await buildOf(context);
      return { frontendApiCaps: CAPS.frontend, llbCaps: CAPS.llb, workers: [workerRecord(needs)] };
    },
    async solve(request, context) {
      if (request.sourcePolicies.length > 0) throw missing("a source policy");
      const { build, depth } = await bridgeOf(context);
      const { definition, frontend, frontendOpt: attrs, frontendInputs: inputs } = request;
      const result = await build.run({ definition, frontend, attrs, inputs }, depth);
      if (request.evaluate) await Promise.all([...result.refs.values()].map((ref) => build.solve(ref)));
      return { result: wireResult(result) };
    },
    async evaluate({ ref }, context) {
      const build = await buildOf(context);
      await build.solve(build.find(ref));
      return {};
    },
    async return({ result, error }, context) {
      const bridge = await bridgeOf(context);
      if (error !== undefined && error.code !== 0) bridge.giveBack(errorOf(error));
      else bridge.giveBack(readResult(result, bridge.build));
      return {};
    },
    async inputs(_, context) {
      return { definitions: { ...(await bridgeOf(context)).inputs } };
    },
    async resolveImageConfig({ ref, platform, resolveMode }, context) {
      return resolveImage(await buildOf(context), ref, platform, resolveMode, needs);
    },
    async resolveSourceMeta({ source, platform, resolveMode }, context) {
      const ref = /^docker-image:\/\/(.*)$/s.exec(source?.identifier ?? "")?.[1];
      // Of others there is nothing to say before they are fetched.
      if (source === undefined || ref === undefined) return { source };
      const { digest, config } = await resolveImage(await buildOf(context), ref, platform, resolveMode, needs);
      return { source, image: { digest, config } };
    },
    async readFile({ ref, filePath, range }, context) {
      return { data: await look(context, ref, (root) => readFile(root, filePath, range, context.signal)) };
    },
    async readDir({ ref, dirPath, includePattern }, context) {
      return { entries: await look(context, ref, (root) => readDir(root, dirPath, includePattern)) };
    },
    async statFile({ ref, path }, context) {
      return { stat: await look(context, ref, (root) => statFile(root, path)) };
    },
    async newContainer(request, context) {
      (await bridgeOf(context)).containers.create(request);
      return {};
    },
    async releaseContainer({ containerId }, context) {
      await (await bridgeOf(context)).containers.release(containerId);
      return {};
    },
    async *execProcess(requests, context) {
      const { containers, build } = await bridgeOf(context);
      const either = AbortSignal.any([context.signal, build.signal]);
      yield* runProcesses(requests, (init) => containers.start(init), either);
    },
    async warn({ short, url, ranges }, context) {
      const build = await buildOf(context);
      const start = ranges[0]?.start?.line ?? 0;
      const lines = start > 0 ? { start, end: Math.max(start, ranges[0]?.end?.line ?? start) } : undefined;
      const message = Buffer.from(short).toString().slice(0, WARNING_LIMIT);
      build.events.warning({ rule: "", message, url: url.slice(0, 1000), lines });
      return {};
    },
  });
}

async function resolveImage(
  build: Build,
  ref: string,
  platform: Parameters<typeof platformOf>[0],
  mode: string,
  { solver }: BuildkitNeeds,
) {
  const how = mode === "pull" || mode === "local" ? mode : "default";
  const found = await solver.imageConfig(ref, platformOf(platform), how, build.options);
  return { digest: found.digest as string, ref: found.ref, config: writeConfig(found.config) };
}

function wireResult({ refs, metadata }: BuildResult) {
  const only = refs.get(ONLY);
  const wire = (ref: BuildRef) => (ref.input === undefined ? { id: "" } : { id: ref.id, def: definitionOf(ref) });
  const result =
    only !== undefined || refs.size === 0
      ? { case: "ref" as const, value: only === undefined ? { id: "" } : wire(only) }
      : {
          case: "refs" as const,
          value: { refs: Object.fromEntries([...refs].map(([name, ref]) => [name, wire(ref)])) },
        };
  return { result, metadata: Object.fromEntries(metadata) };
}

function readResult(result: Result | undefined, build: Build): BuildResult {
  const refs = new Map<string, BuildRef>();
  const add = (name: string, id: string) => {
    if (id !== "") refs.set(name, build.find(id));
  };
  const { result: given } = result ?? {};
  switch (given?.case) {
    case "ref":
      add(ONLY, given.value.id);
      break;
    case "refDeprecated":
      add(ONLY, given.value);
      break;
    case "refs":
      for (const [name, { id }] of Object.entries(given.value.refs)) add(name, id);
      break;
    case "refsDeprecated":
      for (const [name, id] of Object.entries(given.value.refs)) add(name, id);
      break;
    default:
      break;
  }
  for (const { attestation } of Object.values(result?.attestations ?? {})) {
    if (attestation.length > 0) throw missing("an attestation of a result");
  }
  return { refs, metadata: new Map(Object.entries(result?.metadata ?? {})) };
}
