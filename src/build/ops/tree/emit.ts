// Writes a draft as a layer's tar: sorted by name, parents before what is in them, whiteouts where the base has to be
// hidden. The same draft gives the same bytes.

import { setImmediate } from "node:timers/promises";
import { HoyError } from "../../../base/error.ts";
import { mayGo } from "../../../base/passing.ts";
import { O, OwnedFd, openat2, RESOLVE } from "../../../linux/open.ts";
import { ArchiveWriter } from "../../../storage/tar/archive-writer.ts";
import { type RawText, rawBytes, rawToText } from "../../../storage/tar/entry.ts";
import { ToldTar } from "../../../storage/tar/told.ts";
import type { TarHeader } from "../../../storage/tar/writer.ts";
import { reopen } from "../../../storage/tree/walk.ts";
import { type Attributes, NO_XATTRS } from "./attributes.ts";
import { readFrom, SMALL } from "./data.ts";
import { type Content, type DraftDirectory, type DraftInode, NO_DEVICE } from "./draft.ts";

export interface EmitOptions {
  /** ns; later times become it. */
  readonly clamp: bigint | undefined;
  readonly signal: AbortSignal;
  /** The root itself was changed: its own entry comes first. */
  readonly root?: boolean;
}

/** @throws HoyError "invalid" for a name that would hide something in an image. */
export function emitDraft(root: DraftDirectory, options: EmitOptions): ToldTar {
  return new ToldTar(async function* (tell) {
    const out = new ArchiveWriter(tell);
    const writer = new DraftWriter(out, options);
    if (options.root) writer.header("./", "dir", root.attributes);
    for (const many of writer.contents(root, "")) {
      if (many !== undefined) yield* out.through(many);
      if (!out.isFull) continue;
      yield out.take();
      options.signal.throwIfAborted();
      // A reader that is always ready would keep all other work waiting for the whole tree.
      await setImmediate();
    }
    yield out.end();
  });
}

class DraftWriter {
  readonly #out: ArchiveWriter;
  readonly #options: EmitOptions;
  /** First names of files that have several. */
  readonly #names = new Map<DraftInode, RawText>();

  constructor(out: ArchiveWriter, options: EmitOptions) {
    this.#out = out;
    this.#options = options;
  }

  /** Stops after each file, or within it where its bytes are to be read one after the other. */
  *contents(
    directory: DraftDirectory,
    prefix: RawText,
  ): Generator<AsyncIterable<Uint8Array> | Iterable<Uint8Array> | undefined, void, void> {
    if (directory.opaque) this.#marker(`${prefix}.wh..wh..opq`);
    for (const name of [...directory.children.keys()].sort()) {
      const node = directory.children.get(name);
      if (node === undefined) continue;
      const path = prefix + name;
      if (name.startsWith(".wh.")) throw whiteoutName(path);
      if (node.kind === "gone") this.#marker(`${prefix}.wh.${name}`);
      else if (node.kind === "leaf") {
        const many = this.#leaf(path, node.inode);
        if (many !== undefined) {
          yield many;
          this.#out.padding(node.inode.size);
        }
      } else {
        this.header(`${path}/`, "dir", node.attributes);
        yield* this.contents(node, `${path}/`);
      }
      yield;
    }
  }

  header(
    name: RawText,
    type: TarHeader["type"],
    attributes: Attributes,
    { linkname, size, device }: Pick<TarHeader, "linkname" | "size" | "device"> = EMPTY,
  ): void {
    const { clamp } = this.#options;
    const { mode, uid, gid, xattrs } = attributes;
    const mtime = clamp !== undefined && attributes.mtime > clamp ? clamp : attributes.mtime;
    const kept = type === "hardlink" ? NO_XATTRS : xattrs;
    this.#out.header({ name, type, mode, uid, gid, mtime, xattrs: kept, linkname, size, device });
  }

  #marker(name: RawText): void {
    this.#out.header({ name, type: "file", mode: 0o600, uid: 0, gid: 0, mtime: 0n, xattrs: NO_XATTRS, ...EMPTY });
  }

  /** @returns its bytes where they are many; they are then to be padded */
  #leaf(path: RawText, inode: DraftInode): AsyncIterable<Uint8Array> | Iterable<Uint8Array> | undefined {
    const first = this.#names.get(inode);
    if (first !== undefined) {
      this.header(path, "hardlink", inode.attributes, { linkname: first, size: 0, device: NO_DEVICE });
      return undefined;
    }
    this.#names.set(inode, path);
    const { type, target, device, size, content } = inode;
    this.header(path, type, inode.attributes, { linkname: target, device, size });
    if (type !== "file" || size === 0 || content === undefined) return undefined;
    const many = this.#content(content, size);
    if (many === undefined) this.#out.padding(size);
    return many;
  }

  /** Exactly `size` bytes: a file that shrank is filled up, one that grew is cut. Few are written at once. */
  #content(content: Content, size: number): AsyncIterable<Uint8Array> | Iterable<Uint8Array> | undefined {
    const { signal } = this.#options;
    if (content.kind === "bytes") return [content.data];
    if (content.kind === "piece") {
      if (content.segments !== undefined || size > SMALL) return pieceOf(content, size, signal);
      this.#out.read(content.file.fd, content.offset, size);
      return undefined;
    }
    const file = openContent(content.directory, content.path);
    if (size > SMALL) return largeFile(file, size, signal);
    using owned = file;
    this.#out.read(owned.fd, 0, size);
    return undefined;
  }
}

const EMPTY = { linkname: "", size: 0, device: NO_DEVICE };

function whiteoutName(path: RawText): HoyError {
  return new HoyError("invalid", `a file named ${JSON.stringify(rawToText(path))} can't be in an image`, {
    hint: 'names that begin with ".wh." say in a layer that a file was removed',
  });
}

async function* pieceOf(
  { file, offset, segments }: Extract<Content, { kind: "piece" }>,
  size: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  let stored = offset;
  let at = 0;
  for (const segment of segments ?? [{ offset: 0, length: size }]) {
    yield* zeros(segment.offset - at);
    yield* bytesOf(file.fd, stored, segment.length, signal);
    stored += segment.length;
    at = segment.offset + segment.length;
  }
  yield* zeros(size - at);
}

async function* largeFile(file: OwnedFd, size: number, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  using owned = file;
  yield* bytesOf(owned.fd, 0, size, signal);
}

/** A file that a draft only points to, for reading. */
export function openContent(directory: OwnedFd, path: RawText): OwnedFd {
  if (path === "") return new OwnedFd(reopen(directory.fd, O.RDONLY));
  const resolve = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS;
  return new OwnedFd(openat2(directory.fd, rawBytes(path), { flags: O.RDONLY | O.NOFOLLOW | O.NONBLOCK, resolve }));
}

/** Filled up with zeros where the file has become shorter. */
async function* bytesOf(
  fd: number,
  start: number,
  length: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  let left = length;
  for await (const chunk of readFrom(fd, start, length, signal)) {
    left -= chunk.length;
    // Read for this archive alone.
    if (chunk.byteOffset === 0) mayGo(chunk);
    yield chunk;
  }
  yield* zeros(left);
}

const ZEROS = new Uint8Array(65536);

function* zeros(length: number): Generator<Uint8Array, void, void> {
  for (let left = length; left > 0; left -= ZEROS.length) yield left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS;
}
