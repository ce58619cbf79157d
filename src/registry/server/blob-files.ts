// Blobs as files, blobs/<algorithm>/<hex>, on the file system of the uploads: a checked upload is renamed into place.

import { mkdirSync } from "node:fs";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BlobStore } from "./blob-store.ts";
import { RegistryError } from "./errors.ts";
import { pieces } from "./file-pieces.ts";
import type { Algorithm, AnyDigest } from "./names.ts";
import type { ByteRange } from "./storage.ts";

const ALGORITHMS: readonly Algorithm[] = ["sha256", "sha512"];

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

  /** From now on a removal takes the name, not the bytes. */
  open(digest: AnyDigest): Promise<FileHandle> {
    return open(this.path(digest), "r").catch((cause: unknown) => {
      throw isAbsent(cause) ? new RegistryError(404, "BLOB_UNKNOWN", "blob unknown to registry", { cause }) : cause;
    });
  }

  async read(digest: AnyDigest, { start, end }: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    const file = await this.open(digest);
    if (end <= start) {
      await file.close();
      return nothing();
    }
    return pieces(file, { start, end });
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

async function* nothing(): AsyncIterable<Uint8Array> {
  // No bytes were asked for.
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
