// The client's directories, lent to a build: fsutil's DiffCopy as the one who sends. Everything is listed, then the
// engine asks for the contents it lacks, by their places in the list.

import { closeSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { HoyError } from "../../../base/error.ts";
import type { Metadata } from "../../../build/buildkit/grpc/metadata.ts";
import { type ServiceTable, service } from "../../../build/buildkit/grpc/service.ts";
import { CODE, GrpcError } from "../../../build/buildkit/grpc/status.ts";
import { Packet_PacketType as Kind, type Packet } from "../../../build/buildkit/proto/gen/fsutil_pb.ts";
import { FileSync } from "../../../build/buildkit/proto/gen/session_pb.ts";
import { goMode } from "../../../build/buildkit/session/go-mode.ts";
import { type Listed, listDirectory, type Selection } from "./directory.ts";

/** What a name stands for: a directory here, or one that is made up of one file. */
export type LentDirectory =
  | { readonly kind: "directory"; readonly root: string }
  | { readonly kind: "file"; readonly name: string; readonly data: Uint8Array };

const PIECE = 256 * 1024;

export function fileService(directories: ReadonlyMap<string, LentDirectory>): ServiceTable {
  return service(FileSync, {
    async *diffCopy(requests, { metadata }) {
      const [name = ""] = valuesOf(metadata, "dir-name");
      const directory = directories.get(name);
      if (directory === undefined)
        throw new GrpcError(CODE.notFound, `no access allowed to dir ${JSON.stringify(name)}`);
      yield* directory.kind === "file" ? sendOne(directory, requests) : sendAll(directory.root, metadata, requests);
    },
  });
}

async function* sendAll(root: string, metadata: Metadata, requests: AsyncIterable<Packet>) {
  const selection: Selection = {
    include: valuesOf(metadata, "include-patterns"),
    exclude: valuesOf(metadata, "exclude-patterns"),
    follow: valuesOf(metadata, "followpaths"),
  };
  const files: string[] = [];
  try {
    for (const listed of listDirectory(root, selection)) {
      files.push(listed.path);
      yield { type: Kind.PACKET_STAT, stat: statOf(listed) };
    }
  } catch (thrown) {
    yield { type: Kind.PACKET_ERR, data: Buffer.from(thrown instanceof Error ? thrown.message : String(thrown)) };
    return;
  }
  yield { type: Kind.PACKET_STAT };
  for await (const { type, id } of requests) {
    if (type === Kind.PACKET_FIN) break;
    if (type !== Kind.PACKET_REQ) continue;
    const path = files[id];
    if (path === undefined) throw new GrpcError(CODE.invalidArgument, `invalid file id ${id}`);
    yield* contentOf(join(root, path), id);
  }
  yield { type: Kind.PACKET_FIN };
}

/** Read at once: a context is many small files, and a promise for each costs more than the reading. */
function* contentOf(path: string, id: number) {
  const file = openSync(path, "r");
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafe(PIECE);
      const length = readSync(file, buffer);
      if (length > 0) yield { type: Kind.PACKET_DATA, id, data: buffer.subarray(0, length) };
      if (length === 0) break;
    }
  } finally {
    closeSync(file);
  }
  yield { type: Kind.PACKET_DATA, id };
}

async function* sendOne({ name, data }: Extract<LentDirectory, { kind: "file" }>, requests: AsyncIterable<Packet>) {
  yield { type: Kind.PACKET_STAT, stat: { path: name, mode: goMode("file", 0o644), size: BigInt(data.length) } };
  yield { type: Kind.PACKET_STAT };
  for await (const { type, id } of requests) {
    if (type === Kind.PACKET_FIN) break;
    if (type !== Kind.PACKET_REQ) continue;
    for (let at = 0; at < data.length; at += PIECE) {
      yield { type: Kind.PACKET_DATA, id, data: data.subarray(at, at + PIECE) };
    }
    yield { type: Kind.PACKET_DATA, id };
  }
  yield { type: Kind.PACKET_FIN };
}

function statOf({ path, stat, linkname }: Listed) {
  const type = stat.isDirectory()
    ? "dir"
    : stat.isSymbolicLink()
      ? "symlink"
      : stat.isFile()
        ? "file"
        : stat.isFIFO()
          ? "fifo"
          : stat.isCharacterDevice()
            ? "char"
            : "block";
  const device = type === "char" || type === "block" ? deviceOf(stat.rdev) : { devmajor: 0n, devminor: 0n };
  return {
    path,
    mode: goMode(type, Number(stat.mode) & 0o7777),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: type === "file" ? stat.size : 0n,
    modTime: stat.mtimeNs,
    linkname,
    ...device,
  };
}

/** glibc's makedev(3): the numbers are interleaved. */
function deviceOf(rdev: bigint) {
  return {
    devmajor: ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn),
    devminor: (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn),
  };
}

/**
 * All values of a name. Several headers of one name may come as one, apart by commas; what holds a comma itself comes
 * encoded then (Go's url.QueryEscape), as what is not ASCII does.
 */
export function valuesOf(metadata: Metadata, name: string): string[] {
  const values = (metadata.get(name) ?? []).flatMap((value) => value.split(/, */));
  if (metadata.get(`${name}-encoded`)?.[0] === undefined) return values;
  return values.map((value) => {
    try {
      return decodeURIComponent(value.replaceAll("+", " "));
    } catch (cause) {
      throw new HoyError("invalid", `the engine asked for a path that can't be read: ${value}`, { cause });
    }
  });
}
