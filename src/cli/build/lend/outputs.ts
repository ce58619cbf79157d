// Where a build's results go at the client: a file, standard output, or a directory. The engine says by a number which
// of the build's outputs it sends; a directory comes as fsutil's packets, all else as bytes.

import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Metadata } from "../../../build/buildkit/grpc/metadata.ts";
import { methodPath, type Served, type ServiceTable } from "../../../build/buildkit/grpc/service.ts";
import { CODE, GrpcError } from "../../../build/buildkit/grpc/status.ts";
import type { Packet } from "../../../build/buildkit/proto/gen/fsutil_pb.ts";
import { type BytesMessage, FileSend, FileSync } from "../../../build/buildkit/proto/gen/session_pb.ts";
import type { CliIo } from "../../io.ts";
import { receiveDirectory } from "./receive.ts";

export type Destination =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "stdout" }
  | { readonly kind: "directory"; readonly path: string };

const EXPORTER = "buildkit-attachable-exporter-id";

/** @param destinations by the output's number; none for those that stay at the engine */
export function outputService(destinations: ReadonlyMap<number, Destination>, io: CliIo): ServiceTable {
  const choose = (metadata: Metadata): Served => {
    // An engine that does not say has one output only.
    const said = metadata.get(EXPORTER)?.[0];
    const destination =
      destinations.get(Number(said ?? 0)) ?? (said === undefined ? [...destinations.values()][0] : undefined);
    if (destination === undefined) throw new GrpcError(CODE.notFound, "there is no such output");
    if (destination.kind === "directory") {
      const handler = (packets: AsyncIterable<Packet>) => receiveDirectory(destination.path, packets);
      return { method: FileSync.method.diffCopy, handler };
    }
    const handler = async function* (messages: AsyncIterable<BytesMessage>) {
      if (destination.kind === "stdout") for await (const { data } of messages) await io.stdout.write(data);
      else await writeBeside(destination.path, messages);
      yield* [];
    };
    return { method: FileSend.method.diffCopy, handler };
  };
  return new Map([[methodPath(FileSend.method.diffCopy), choose]]);
}

/** Whole or not at all. */
async function writeBeside(path: string, messages: AsyncIterable<BytesMessage>): Promise<void> {
  const beside = join(dirname(path), `.${basename(path)}.${process.pid}`);
  try {
    await using file = await open(beside, "wx", 0o644);
    for await (const { data } of messages) await file.writeFile(data);
    await file.sync();
    await rename(beside, path);
  } finally {
    await rm(beside, { force: true });
  }
}
