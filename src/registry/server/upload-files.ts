// The bytes of uploads: one file each, mode 0600, in a folder beside the blobs. The sha256 is kept running while this
// process lives; after a restart, or for sha512, it is computed from the file. Rows say which uploads there are.

import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, link, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { WriteBehind } from "../../linux/write-behind.ts";
import { RegistryError } from "./errors.ts";
import type { Algorithm } from "./names.ts";

/** Written to the disk in pieces of at least this many bytes, where they come. */
const GATHER = 1024 * 1024;

interface Running {
  readonly hash: Hash;
  size: number;
}

export class UploadFiles {
  readonly #directory: string;
  readonly #limit: number;
  readonly #running = new Map<string, Running>();

  /** @param limit Bytes of one blob. */
  constructor(directory: string, limit: number) {
    this.#directory = directory;
    this.#limit = limit;
  }

  path(id: string): string {
    return join(this.#directory, id);
  }

  async create(id: string): Promise<void> {
    await (await open(this.path(id), "wx", 0o600)).close();
    this.#running.set(id, { hash: createHash("sha256"), size: 0 });
  }

  /** Makes the upload another name of a file. Nobody may append to it then: it is its owner's too. */
  async replace(id: string, path: string): Promise<void> {
    await this.remove(id);
    await link(path, this.path(id));
  }

  async size(id: string): Promise<number> {
    return (await stat(this.path(id))).size;
  }

  /** Adds at the end; what came before a fault is kept. @returns the size then. @throws SIZE_INVALID */
  async append(id: string, data: AsyncIterable<Uint8Array>): Promise<number> {
    await using file = await open(this.path(id), "a", 0o600);
    const { size: start } = await file.stat();
    const running = this.#running.get(id);
    // Taken out while bytes are written: if that fails half-way, the file is what counts.
    this.#running.delete(id);
    const hash = running?.size === start ? running.hash : undefined;
    let size = start;
    let waiting: Uint8Array[] = [];
    let gathered = 0;
    // One write is under way while the next bytes come in and are hashed.
    let writing: Promise<void> = Promise.resolve();
    const behind = new WriteBehind(file.fd, start);
    const flush = async () => {
      await writing;
      behind.grown(size - gathered);
      writing = writeAll(file, waiting);
      // Whoever waits for it hears of its fault; until then nobody does.
      writing.catch(() => undefined);
      waiting = [];
      gathered = 0;
    };
    try {
      for await (const chunk of data) {
        size += chunk.length;
        if (size > this.#limit) throw new RegistryError(413, "SIZE_INVALID", `a blob has ${this.#limit} bytes at most`);
        hash?.update(chunk);
        waiting.push(chunk);
        gathered += chunk.length;
        if (gathered >= GATHER) await flush();
      }
    } finally {
      await flush();
      await writing;
    }
    if (hash !== undefined) this.#running.set(id, { hash, size });
    return size;
  }

  /** Puts the bytes on the disk and says what they are. */
  async seal(id: string, algorithm: Algorithm): Promise<{ hex: string; size: number }> {
    await using file = await open(this.path(id), "r");
    await file.sync();
    const { size } = await file.stat();
    const running = this.#running.get(id);
    if (algorithm === "sha256" && running?.size === size) return { hex: running.hash.copy().digest("hex"), size };
    const hash = createHash(algorithm);
    for await (const chunk of createReadStream(this.path(id), { highWaterMark: GATHER })) hash.update(chunk);
    return { hex: hash.digest("hex"), size };
  }

  async remove(id: string): Promise<void> {
    this.forget(id);
    await rm(this.path(id), { force: true });
  }

  /** The file has become something else. */
  forget(id: string): void {
    this.#running.delete(id);
  }

  async list(): Promise<string[]> {
    return readdir(this.#directory);
  }
}

async function writeAll(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  const size = pieces.reduce((sum, { length }) => sum + length, 0);
  if (size === 0) return;
  let { bytesWritten: at } = await file.writev(pieces);
  if (at === size) return;
  const bytes = Buffer.concat(pieces);
  while (at < size) at += (await file.write(bytes, at)).bytesWritten;
}
