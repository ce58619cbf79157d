// A frontend for tests, run in a container by its engine: the file it is given is a list of lines, and each word does
// one thing. `run COMMAND` on what is there, `copy FILE` from the context, `say TEXT` to standard error, `warn TEXT`,
// `try COMMAND` in a container whose output becomes a file, `fail TEXT`, `exit CODE`, `hang`, `other` to be built by
// "dockerfile.v0", `steal REF` to speak of another build.

import { Duplex } from "node:stream";
import { GrpcClient } from "../../src/build/buildkit/grpc/client.ts";
import { CODE, GrpcError } from "../../src/build/buildkit/grpc/status.ts";
import { statusOf } from "../../src/build/buildkit/grpc/status-message.ts";
import { LLBBridge, type SolveResponse } from "../../src/build/buildkit/proto/gen/gateway_pb.ts";
import { busybox, files, marshal, type Node, run, source } from "./llb-ops.ts";

const signal = new AbortController().signal;
const options = new Map(
  Object.entries(process.env).flatMap(([name, value = ""]) => {
    if (!name.startsWith("BUILDKIT_FRONTEND_OPT_")) return [];
    const at = value.indexOf("=");
    return [[value.slice(0, at), value.slice(at + 1)] as const];
  }),
);
const socket = new Duplex({
  read: () => undefined,
  write(chunk: Uint8Array, _encoding, done) {
    process.stdout.write(chunk, () => done());
  },
});
process.stdin.on("data", (data) => socket.push(data));
const client = new GrpcClient(socket, () => undefined);
const { method } = LLBBridge;

const solve = async (target: Node): Promise<string> =>
  idOf(await client.unary(method.solve, { definition: marshal(target), evaluate: true }, { signal }));

function idOf({ result }: SolveResponse): string {
  return result?.result.case === "ref" ? result.result.value.id : "";
}

async function inContainer(resultId: string, line: string): Promise<string> {
  const containerId = "look";
  const mounts = [{ input: -1n, output: -1n, dest: "/", resultId }];
  await client.unary(method.newContainer, { containerId, mounts, network: 2 }, { signal });
  const stream = client.open(method.execProcess, { signal });
  const meta = { args: ["/bin/sh", "-c", line], env: ["PATH=/bin"], cwd: "/" };
  await stream.send({ processId: "p", input: { case: "init", value: { containerId, meta, fds: [1] } } });
  let text = "";
  for await (const { input } of stream.answers) {
    if (input.case === "file") text += Buffer.from(input.value.data).toString();
    if (input.case === "done") break;
  }
  stream.cancel();
  await client.unary(method.releaseContainer, { containerId }, { signal });
  return text;
}

async function main(): Promise<void> {
  await client.unary(method.ping, {}, { signal });
  const name = options.get("filename") ?? "Dockerfile";
  const definition = await solve(source("local://dockerfile", { "local.includepattern": JSON.stringify([name]) }));
  const { data } = await client.unary(method.readFile, { ref: definition, filePath: name }, { signal });
  const context = source("local://context");
  const asked = { ref: "docker.io/library/busybox:latest", resolveMode: "default" };
  const base = await client.unary(method.resolveImageConfig, asked, { signal });
  const config = JSON.parse(Buffer.from(base.config).toString());
  let tree = busybox();
  const lines = Buffer.from(data).toString().split("\n");
  for (const line of lines.filter((each) => each !== "" && !each.startsWith("#"))) {
    const [word = "", ...rest] = line.split(" ");
    const text = rest.join(" ").replace("$WHO", options.get("build-arg:WHO") ?? "nobody");
    const timestamp = -1n;
    const write = (path: string, content: string) => {
      const value = { path, mode: 0o644, data: Buffer.from(content), timestamp };
      tree = files([tree], { input: 0n, secondaryInput: -1n, output: 0n, action: { case: "mkfile", value } });
    };
    if (word === "run") tree = run(tree, text);
    else if (word === "copy") {
      const value = { src: `/${text}`, dest: `/${text}`, mode: -1, timestamp, createDestPath: true };
      tree = files([tree, context], { input: 0n, secondaryInput: 1n, output: 0n, action: { case: "copy", value } });
    } else if (word === "say") console.error(text);
    else if (word === "warn") await client.unary(method.warn, { short: Buffer.from(text) }, { signal });
    else if (word === "try") write("/tried", await inContainer(await solve(tree), text));
    else if (word === "fail") throw new GrpcError(CODE.unknown, text);
    else if (word === "exit") process.exit(Number(text));
    else if (word === "hang") await new Promise<void>((resolve) => setTimeout(resolve, 1_000_000));
    else if (word === "steal") {
      const metadata = new Map([["buildkit-controlapi-buildid", [text]]]);
      await client.unary(method.statFile, { ref: text, path: "/" }, { signal, metadata });
    } else if (word === "other") {
      const frontendOpt = { filename: text, cmdline: "x" };
      const { result } = await client.unary(method.solve, { frontend: "dockerfile.v0", frontendOpt }, { signal });
      await client.unary(method.return, { result: result ?? {} }, { signal });
      process.exit(0);
    }
  }
  const id = await solve(tree);
  const labels = { made: "by-a-frontend" };
  const metadata = {
    "containerimage.config": Buffer.from(JSON.stringify({ ...config, config: { ...config.config, Labels: labels } })),
  };
  await client.unary(method.return, { result: { result: { case: "ref", value: { id } }, metadata } }, { signal });
  process.exit(0);
}

main().catch(async (thrown: unknown) => {
  const error = thrown instanceof GrpcError ? thrown : new GrpcError(CODE.unknown, String(thrown));
  await client.unary(method.return, { error: statusOf(error) }, { signal });
  process.exit(1);
});
