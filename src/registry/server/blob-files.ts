// Blobs as files, blobs/<algorithm>/<hex>, on the file system of the uploads: a checked upload is renamed into place.

import { mkdirSync } from "node:fs";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BlobStore } from "./blob-store.ts";
import { RegistryError } from "./errors.ts";
import type { Algorithm, AnyDigest } from "./names.ts";
import type { ByteRange } from "./storage.ts";

const ALGORITHMS: readonly Algorithm[] = ["sha256", "sha512"];
const READ = 1024 * 1024;

export class BlobFiles implements BlobStore {
  readonly place = "files";
  readonly #root: string;

  /** Makes the folders if there are none. */
  constructor(root: string) {
    this.#root = root;
    for (const algorithm of ALGORITHMS) mkdirSync(join(root, algorithm), { recursive: true, mode: 0o700 });
  }

  async put(digest: AnyDigest, path: string): Promise<void> {
    await rename(path, this.path(digest));
    await using directory = await open(join(this.#root, digest.algorithm), "r");
    await directory.sync();
  }

  async read(digest: AnyDigest, { start, end }: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    // Opened now: from here on a removal takes the name, not the bytes.
    const file = await open(this.path(digest), "r").catch((cause: unknown) => {
      throw isAbsent(cause) ? new RegistryError(404, "BLOB_UNKNOWN", "blob unknown to registry", { cause }) : cause;
    });
    if (end <= start) {
      await file.close();
      return nothing();
    }
    return pieces(file, start, end);
  }

  async remove(digest: AnyDigest): Promise<void> {
    await rm(this.path(digest), { force: true });
  }

  async *list(): AsyncGenerator<string> {
    for (const algorithm of ALGORITHMS)
      for (const hex of await readdir(join(this.#root, algorithm))) yield `${algorithm}:${hex}`;
  }

  path({ algorithm, hex }: AnyDigest): string {
    return join(this.#root, algorithm, hex);
  }
}

/** The next piece is read while the last is on its way out. Closes the file. */
async function* pieces(file: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array> {
  const readAt = async (at: number) => {
    const room = Buffer.allocUnsafeSlow(Math.min(READ, end - at));
    const { bytesRead } = await file.read(room, 0, room.length, at);
    if (bytesRead === 0) throw new Error("a blob is shorter than its row says");
    return room.subarray(0, bytesRead);
  };
  const read = (at: number) => {
    const bytes = readAt(at);
    // Its fault is heard of when it is waited for, which may be long after.
    bytes.catch(() => undefined);
    return bytes;
  };
  let next = read(start);
  try {
    for (let at = start; at < end; ) {
      const bytes = await next;
      at += bytes.length;
      if (at < end) next = read(at);
      yield bytes;
    }
  } finally {
    // A reader that goes leaves a read under way: the file must not be closed, and reused, below it.
    await next.catch(() => undefined);
    await file.close();
  }
}

async function* nothing(): AsyncIterable<Uint8Array> {
  // No bytes were asked for.
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
