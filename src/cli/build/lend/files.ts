// The client's directories, lent to a build: fsutil's DiffCopy as the one who sends. Everything is listed, then the
// engine asks for the contents it lacks, by their places in the list.

import { type BigIntStats, closeSync, openSync, readSync } from "node:fs";
import { HoyError } from "../../../base/error.ts";
import type { Metadata } from "../../../build/buildkit/grpc/metadata.ts";
import { bytesService, type ServiceTable } from "../../../build/buildkit/grpc/service.ts";
import { CODE, GrpcError } from "../../../build/buildkit/grpc/status.ts";
import { PacketWriter } from "../../../build/buildkit/proto/packet-writer.ts";
import { PACKET, readPacket } from "../../../build/buildkit/proto/packets.ts";
import { PATHS } from "../../../build/buildkit/proto/paths.ts";
import { goMode } from "../../../build/buildkit/session/go-mode.ts";
import type { DialDirect, DirectSender } from "./direct.ts";
import { type Listed, listDirectory, type Selection } from "./directory.ts";

/** What a name stands for: a directory here, or one that is made up of one file. */
export type LentDirectory =
  | { readonly kind: "directory"; readonly root: string }
  | { readonly kind: "file"; readonly name: string; readonly data: Uint8Array };

const PIECE = 256 * 1024;

/** @param dial for contents on a connection of their own; undefined: they go on the call */
export function fileService(directories: ReadonlyMap<string, LentDirectory>, dial?: DialDirect): ServiceTable {
  return bytesService(PATHS.diffCopy, async function* (requests, { metadata }) {
    const [name = ""] = valuesOf(metadata, "dir-name");
    const directory = directories.get(name);
    if (directory === undefined) throw new GrpcError(CODE.notFound, `no access allowed to dir ${JSON.stringify(name)}`);
    yield* directory.kind === "file" ? sendOne(directory, requests) : sendAll(directory.root, metadata, requests, dial);
  });
}

type Requests = AsyncIterable<readonly Uint8Array[]>;

async function* sendAll(
  root: string,
  metadata: Metadata,
  requests: Requests,
  dial: DialDirect | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const selection: Selection = {
    include: valuesOf(metadata, "include-patterns"),
    exclude: valuesOf(metadata, "exclude-patterns"),
    follow: valuesOf(metadata, "followpaths"),
  };
  const files: string[] = [];
  const out = new PacketWriter(PIECE);
  try {
    for (const listed of listDirectory(root, selection)) {
      files.push(listed.path);
      out.stat(statOf(listed));
      if (out.length > LISTED) yield out.take();
    }
  } catch (thrown) {
    out.packet(PACKET.error, 0, Buffer.from(thrown instanceof Error ? thrown.message : String(thrown)));
    yield out.take();
    return;
  }
  const pathOf = (id: number) => {
    const path = files[id];
    if (path === undefined) throw new GrpcError(CODE.invalidArgument, `invalid file id ${id}`);
    return `${root}/${path}`;
  };
  const direct = dial === undefined ? undefined : { dial, pathOf };
  yield* answer(out, requests, (id) => contentOf(pathOf(id)), direct);
}

/** Bytes of the list that go out together: the engine reads while we still walk. */
const LISTED = 32 * 1024;

/** Ends the list, gives contents as they are asked for, and ends. What is asked for at once is answered together. */
async function* answer(
  out: PacketWriter,
  requests: Requests,
  contents: (id: number) => Iterable<Uint8Array>,
  direct?: { readonly dial: DialDirect; readonly pathOf: (id: number) => string },
): AsyncGenerator<Uint8Array, void, void> {
  out.packet(PACKET.stat, 0);
  yield out.take();
  let sender: DirectSender | undefined;
  try {
    for await (const batch of requests) {
      for (const message of batch) {
        const { type, id, data } = readPacket(message);
        if (type === PACKET.fin) {
          out.packet(PACKET.fin, 0);
          yield out.take();
          return;
        }
        if (type === PACKET.direct) {
          sender = await direct?.dial(Buffer.from(data).toString());
          // Not taken: they go on here.
          if (sender === undefined) out.packet(PACKET.direct, 0);
        }
        if (type !== PACKET.request) continue;
        if (sender !== undefined) {
          const full = sender.put(id, direct?.pathOf(id) ?? "");
          if (full !== undefined) await full;
          continue;
        }
        for (const piece of contents(id)) {
          if (out.length > 0 && out.length + piece.length > PIECE) yield out.take();
          out.packet(PACKET.data, id, piece);
        }
        out.packet(PACKET.data, id);
      }
      if (out.length > 0) yield out.take();
      await sender?.flush();
    }
  } finally {
    sender?.close();
  }
}

/** Every file is read into it: what is read is sent on before the next is. */
const buffer = Buffer.allocUnsafe(PIECE);

/** Read at once: a context is many small files, and a promise for each costs more than the reading. */
function* contentOf(path: string): Generator<Uint8Array, void, void> {
  const file = openSync(path, "r");
  try {
    for (;;) {
      const length = readSync(file, buffer);
      if (length > 0) yield buffer.subarray(0, length);
      // A file gives less than what was asked for only at its end.
      if (length < buffer.length) return;
    }
  } finally {
    closeSync(file);
  }
}

function sendOne({ name, data }: Extract<LentDirectory, { kind: "file" }>, requests: Requests) {
  const out = new PacketWriter();
  const plain = { uid: 0, gid: 0, modTime: 0n, linkname: "", devmajor: 0, devminor: 0 };
  out.stat({ ...plain, path: name, mode: goMode("file", 0o644), size: data.length });
  return answer(out, requests, function* () {
    for (let at = 0; at < data.length; at += PIECE) yield data.subarray(at, at + PIECE);
  });
}

function statOf({ path, stat, linkname }: Listed) {
  const type = typeOf(stat);
  const device = type === "char" || type === "block" ? deviceOf(stat.rdev) : NO_DEVICE;
  return {
    path,
    mode: goMode(type, Number(stat.mode) & 0o7777),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: type === "file" ? Number(stat.size) : 0,
    modTime: stat.mtimeNs,
    linkname,
    devmajor: device.devmajor,
    devminor: device.devminor,
  };
}

const NO_DEVICE = { devmajor: 0, devminor: 0 };

function typeOf(stat: BigIntStats) {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "dir";
  if (stat.isSymbolicLink()) return "symlink";
  if (stat.isFIFO()) return "fifo";
  return stat.isCharacterDevice() ? "char" : "block";
}

/** glibc's makedev(3): the numbers are interleaved. */
function deviceOf(rdev: bigint) {
  return {
    devmajor: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn)),
    devminor: Number((rdev & 0xffn) | ((rdev >> 12n) & ~0xffn)),
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
