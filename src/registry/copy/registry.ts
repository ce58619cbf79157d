// A repository of a registry as a place to copy from and to.

import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestHex, sha256 } from "../../base/digest.ts";
import { download } from "../client/download.ts";
import type { Repository } from "../client/repository.ts";
import { upload } from "../client/upload.ts";
import type { CopySink, CopySource } from "./place.ts";

const ATTEMPTS = 5;

/** @param scratch A directory for blobs on their way, which the caller removes. */
export function registrySource(repository: Repository, reference: string, scratch: string): CopySource {
  return {
    top: async (signal) => (await repository.manifest(reference, signal)).bytes,
    manifest: async (digest, signal) => (await repository.manifest(digest, signal)).bytes,
    async blob(blob, signal) {
      const path = join(scratch, digestHex(blob.digest));
      const options = { signal, attempts: ATTEMPTS, onProgress: () => undefined };
      for await (const chunk of download(repository, blob, path, options)) void chunk;
      return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** @param tag Undefined: by digest alone. @param mountFrom A repository of the same registry that the image is from. */
export function registrySink(repository: Repository, tag: string | undefined, mountFrom: readonly string[]): CopySink {
  return {
    takesIndex: true,
    has: (digest: Digest, signal) => repository.blobExists(digest, signal),
    async put(blob, path, signal) {
      await upload(repository, blob, path, { signal, attempts: ATTEMPTS, onProgress: () => undefined, mountFrom });
    },
    async putManifest(bytes, mediaType, top, signal) {
      await repository.putManifest((top ? tag : undefined) ?? sha256(bytes), mediaType, bytes, signal);
    },
    finish: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
}
