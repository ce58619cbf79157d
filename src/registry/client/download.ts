// A blob as one stream that survives broken connections and restarts: what has come is kept in a partial file, and the
// rest is asked for by Range. Digest and size are checked at the end; the reader must not believe the bytes before.

import { createHash } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Digest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import type { Repository } from "./repository.ts";

export interface DownloadOptions {
  readonly signal: AbortSignal;
  /** Broken connections in a row without a byte between them that are put up with. */
  readonly attempts: number;
  readonly onProgress: (received: number) => void;
}

const READ = 1024 * 1024;
const FIRST_WAIT_MS = 250;

/**
 * Yields the blob from its first byte and writes it to `path` (mode 0600, not synced), going on from what is there. @throws HoyError "invalid" for a wrong size or digest (the file is removed then), "unavailable".
 */
export async function* download(
  repository: Repository,
  blob: { readonly digest: Digest; readonly size: number },
  path: string,
  options: DownloadOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const hash = createHash("sha256");
  await using file = await open(path, "a+", 0o600);
  let received = 0;
  for await (const chunk of readBack(file, blob.size)) {
    hash.update(chunk);
    received += chunk.length;
    yield chunk;
  }
  await file.truncate(received);
  options.onProgress(received);
  for (let failures = 0; received < blob.size; ) {
    try {
      const answer = await repository.blob(blob.digest, received, options.signal);
      let skip = received - answer.offset;
      for await (const raw of answer.body) {
        const chunk = raw.subarray(Math.min(skip, raw.length));
        skip -= raw.length - chunk.length;
        if (chunk.length === 0) continue;
        if (received + chunk.length > blob.size) throw await spoilt(path, blob, "is longer than its manifest says");
        const written = file.write(chunk);
        hash.update(chunk);
        received += chunk.length;
        failures = 0;
        options.onProgress(received);
        yield chunk;
        await written;
      }
      if (received < blob.size)
        throw new HoyError(
          "unavailable",
          `the connection ended after ${received} of ${blob.size} bytes of ${blob.digest}`,
        );
    } catch (error) {
      options.signal.throwIfAborted();
      const final = error instanceof HoyError && error.code !== "unavailable";
      if (final || isLocal(error) || ++failures >= options.attempts) throw error;
      await sleep(FIRST_WAIT_MS * 2 ** (failures - 1), undefined, { signal: options.signal });
    }
  }
  const got = `sha256:${hash.digest("hex")}`;
  if (got !== blob.digest) throw await spoilt(path, blob, `has the digest ${got}`);
}

/** What an earlier try left, at most the blob's size; a longer file is not a beginning of it. */
async function* readBack(file: FileHandle, size: number): AsyncGenerator<Uint8Array, void, void> {
  const { size: there } = await file.stat();
  if (there > size) return;
  for (let position = 0; position < there; ) {
    const buffer = Buffer.allocUnsafe(READ);
    const { bytesRead } = await file.read(buffer, 0, READ, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** A full disk does not get better by asking the registry again. */
function isLocal(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ENOSPC" || code === "EDQUOT" || code === "EIO" || code === "EROFS";
}

async function spoilt(path: string, blob: { readonly digest: Digest }, fault: string): Promise<HoyError> {
  await rm(path, { force: true });
  return new HoyError("invalid", `filesystem layer verification failed for digest ${blob.digest}: what came ${fault}`);
}
