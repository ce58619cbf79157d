// A client that has LLB built, as a frontend that runs in the client does.

import { randomUUID } from "node:crypto";
import { parseEndpoint } from "../../src/api/client/endpoint.ts";
import { Transport } from "../../src/api/client/transport.ts";
import type { GrpcClient } from "../../src/build/buildkit/grpc/client.ts";
import { Control } from "../../src/build/buildkit/proto/gen/control_pb.ts";
import { LLBBridge } from "../../src/build/buildkit/proto/gen/gateway_pb.ts";
import { connectBuild } from "../../src/cli/build/connection.ts";
import { fileService } from "../../src/cli/build/lend/files.ts";
import { marshal, type Node } from "./llb-ops.ts";

/** One build that a frontend here drives; the history does not know it. */
export interface LlbBuild extends AsyncDisposable {
  /** Builds it. @returns its handle */
  solve(target: Node): Promise<string>;
  /** The text of a file in it. */
  read(target: Node | string, path: string): Promise<string>;
  list(target: Node, path: string): Promise<string[]>;
  readonly control: GrpcClient;
  /** Its client's, by which other builds may have its directories too. */
  readonly session: string;
  readonly metadata: Map<string, string[]>;
}

export async function openLlb(socket: string, directories: Readonly<Record<string, string>> = {}): Promise<LlbBuild> {
  const engine = new Transport(parseEndpoint(`unix://${socket}`));
  const lent = new Map(Object.entries(directories).map(([name, root]) => [name, { kind: "directory", root } as const]));
  const stop = new AbortController();
  const { signal } = stop;
  const session = randomUUID();
  const connection = await connectBuild(
    engine,
    { id: session, sharedKey: "", takesDirect: false },
    [fileService(lent)],
    signal,
  );
  const { control } = connection;
  const ref = randomUUID().replaceAll("-", "");
  const metadata = new Map([["buildkit-controlapi-buildid", [ref]]]);
  const solving = control.unary(Control.method.solve, { ref, session, internal: true }, { signal });
  solving.catch(() => undefined);
  const call = { signal, metadata };
  const solve = async (target: Node) => {
    const asked = { definition: marshal(target), evaluate: true };
    const { result } = await control.unary(LLBBridge.method.solve, asked, call);
    if (result?.result.case !== "ref") throw new Error("the definition has no single result");
    return result.result.value.id;
  };
  return {
    control,
    session,
    metadata,
    solve,
    async read(target, filePath) {
      const handle = typeof target === "string" ? target : await solve(target);
      const { data } = await control.unary(LLBBridge.method.readFile, { ref: handle, filePath }, call);
      return Buffer.from(data).toString();
    },
    async list(target, dirPath) {
      const asked = { ref: await solve(target), dirPath };
      const { entries } = await control.unary(LLBBridge.method.readDir, asked, call);
      return entries.map(({ path }) => path);
    },
    async [Symbol.asyncDispose]() {
      await control.unary(LLBBridge.method.return, { result: {} }, call);
      await solving;
      connection[Symbol.dispose]();
    },
  };
}
