// The content store on files: blobs/sha256/<hex>, mode 0600 since images may be private. A blob is written beside in
// `temporary`, hashed as it passes, fsynced and renamed into place; a crash leaves only what the next start sweeps away.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, link, mkdir, open, opendir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestHex, isDigest, sha256 } from "../base/digest.ts";
import { HoyError } from "../base/error.ts";
import { newId } from "../base/id.ts";
import type { ContentStore, PutOptions } from "./content.ts";
import { unlinkQuickly } from "./unlink.ts";

const READ_LIMIT = 8 * 1024 * 1024;
/** Small writes are gathered up to this many bytes. */
const GATHER = 1024 * 1024;

export class FileContentStore implements ContentStore {
  readonly #blobs: string;
  readonly #temporary: string;

  private constructor(blobs: string, temporary: string) {
    this.#blobs = blobs;
    this.#temporary = temporary;
  }

  /** @param temporary On the same file system as `blobs`; whoever owns it empties it at start. */
  static async open(blobs: string, temporary: string): Promise<FileContentStore> {
    for (const directory of [blobs, temporary]) await mkdir(directory, { recursive: true, mode: 0o700 });
    return new FileContentStore(blobs, temporary);
  }

  async put(data: Uint8Array | AsyncIterable<Uint8Array>, options: PutOptions = {}) {
    const { expected } = options;
    if (data instanceof Uint8Array) return this.#putBytes(data, options);
    const there = expected === undefined ? undefined : await this.size(expected);
    if (expected !== undefined && there !== undefined) {
      await data[Symbol.asyncIterator]().return?.(undefined);
      return { digest: expected, size: there };
    }
    return this.#write(data, options);
  }

  async adopt(path: string, digest: Digest): Promise<void> {
    try {
      await link(path, this.#file(digest));
    } catch (error) {
      if (codeOf(error) === "EEXIST") return;
      throw error;
    }
    await syncDirectory(this.#blobs);
  }

  async size(digest: Digest): Promise<number | undefined> {
    try {
      return (await stat(this.#file(digest))).size;
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  async path(digest: Digest): Promise<string> {
    if ((await this.size(digest)) === undefined) throw missing(digest);
    return this.#file(digest);
  }

  async read(digest: Digest, limit = READ_LIMIT): Promise<Uint8Array> {
    const size = await this.size(digest);
    if (size === undefined) throw missing(digest);
    if (size > limit) throw new HoyError("too-large", `blob ${digest} has ${size} bytes, more than ${limit}`);
    return readFile(this.#file(digest));
  }

  async stream(digest: Digest, range?: { start: number; end: number }): Promise<AsyncIterable<Uint8Array>> {
    const path = await this.path(digest);
    if (range !== undefined && range.end <= range.start) return nothing();
    // createReadStream's end is the last byte, ours is the one after it, as everywhere in this program.
    const part = range === undefined ? {} : { start: range.start, end: range.end - 1 };
    return createReadStream(path, { highWaterMark: GATHER, ...part });
  }

  async delete(digest: Digest): Promise<void> {
    await unlinkQuickly(this.#file(digest));
  }

  async *list(): AsyncIterable<Digest> {
    for await (const entry of await opendir(this.#blobs)) {
      const digest = `sha256:${entry.name}`;
      if (isDigest(digest)) yield digest;
    }
  }

  async #putBytes(data: Uint8Array, { expected, limit = Number.POSITIVE_INFINITY }: PutOptions) {
    if (data.byteLength > limit) throw tooLarge(limit);
    const digest = sha256(data);
    if (expected !== undefined && digest !== expected) throw mismatch(expected, digest);
    if ((await this.size(digest)) === undefined) await this.#write(once(data), {});
    return { digest, size: data.byteLength };
  }

  async #write(data: AsyncIterable<Uint8Array>, { expected, limit, signal }: PutOptions) {
    const path = join(this.#temporary, `blob-${newId()}`);
    const file = await open(path, "wx", 0o600);
    try {
      const written = await copy(data, file, limit ?? Number.POSITIVE_INFINITY, signal);
      if (expected !== undefined && written.digest !== expected) throw mismatch(expected, written.digest);
      await file.sync();
      await rename(path, this.#file(written.digest));
      await syncDirectory(this.#blobs);
      return written;
    } finally {
      await file.close();
      await rm(path, { force: true });
    }
  }

  #file(digest: Digest): string {
    return join(this.#blobs, digestHex(digest));
  }
}

/** Hashes on this thread while the kernel takes the chunk before: the two overlap, and neither is copied twice. */
async function copy(data: AsyncIterable<Uint8Array>, file: FileHandle, limit: number, signal: AbortSignal | undefined) {
  const hash = createHash("sha256");
  let size = 0;
  let gathered: Uint8Array[] = [];
  let waiting = 0;
  let writing: Promise<void> = Promise.resolve();
  const flush = async () => {
    const chunks = gathered;
    gathered = [];
    waiting = 0;
    await writing;
    writing = writeAll(file, chunks);
    // A failure is thrown by the next await of it; this keeps it from being called unhandled until then.
    writing.catch(() => undefined);
  };
  try {
    for await (const chunk of data) {
      signal?.throwIfAborted();
      size += chunk.byteLength;
      if (size > limit) throw tooLarge(limit);
      hash.update(chunk);
      gathered.push(chunk);
      waiting += chunk.byteLength;
      if (waiting >= GATHER) await flush();
    }
    await flush();
  } finally {
    await writing;
  }
  return { digest: `sha256:${hash.digest("hex")}` as const, size };
}

/** writev(2) may take less than it was given. */
async function writeAll(file: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  let rest = chunks.filter((chunk) => chunk.byteLength > 0);
  while (rest.length > 0) {
    let { bytesWritten } = await file.writev(rest);
    let index = 0;
    while (bytesWritten > 0) {
      const chunk = rest[index];
      if (chunk === undefined || bytesWritten < chunk.byteLength) break;
      bytesWritten -= chunk.byteLength;
      index++;
    }
    const [first, ...others] = rest.slice(index);
    rest = first === undefined ? [] : [first.subarray(bytesWritten), ...others];
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function* once(data: Uint8Array): AsyncIterable<Uint8Array> {
  yield data;
}

async function* nothing(): AsyncIterable<Uint8Array> {
  // An empty range has no bytes.
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

function missing(digest: Digest): HoyError {
  return new HoyError("not-found", `content ${digest} is not here`);
}

function tooLarge(limit: number): HoyError {
  return new HoyError("too-large", `the content has more than ${limit} bytes`);
}

function mismatch(expected: Digest, got: Digest): HoyError {
  return new HoyError("invalid", `wrong digest: expected ${expected}, got ${got}`);
}
