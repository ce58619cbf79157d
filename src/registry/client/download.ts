// A blob as one stream that survives broken connections and restarts: what has come is kept in a partial file, and the
// rest is asked for by Range. Digest and size are checked at the end; the reader must not believe the bytes before.

import { createHash } from "node:crypto";
import { type FileHandle, open, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Digest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { letGo } from "../../base/passing.ts";
import { WriteBehind } from "../../linux/write-behind.ts";
import type { Repository } from "./repository.ts";
import type { Claim } from "./under-way.ts";

export interface DownloadOptions {
  readonly signal: AbortSignal;
  /** Broken connections in a row without a byte between them that are put up with. */
  readonly attempts: number;
  readonly onProgress: (received: number) => void;
  /** How long a connection may bring nothing before it counts as broken. */
  readonly idleMs?: number;
  readonly claim?: Claim;
}

const READ = 1024 * 1024;
const FIRST_WAIT_MS = 250;
const IDLE_MS = 60_000;

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
  const behind = new WriteBehind(file.fd, received);
  options.onProgress(received);
  for (let failures = 0; received < blob.size; ) {
    const before = received;
    try {
      const answer = await repository.blob(blob.digest, received, options.signal, options.claim);
      let skip = received - answer.offset;
      for await (const raw of lively(answer.body, options.idleMs ?? IDLE_MS)) {
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
        behind.grown(received);
        letGo(chunk);
      }
      if (received < blob.size)
        throw new HoyError(
          "unavailable",
          `the connection ended after ${received} of ${blob.size} bytes of ${blob.digest}`,
        );
    } catch (error) {
      options.signal.throwIfAborted();
      const final = error instanceof HoyError && error.code !== "unavailable";
      if (final || isLocal(error)) throw error;
      if (++failures >= options.attempts) throw broken(error, repository.name, received, blob.size);
      // A connection that brought something is worth another at once.
      const wait = received > before ? 0 : FIRST_WAIT_MS * 2 ** (failures - 1);
      await sleep(wait, undefined, { signal: options.signal });
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

/** Ends with an error when nothing comes for so long: a server may hold a connection open for ever. */
async function* lively(body: ReadableStream<Uint8Array>, idleMs: number): AsyncGenerator<Uint8Array, void, void> {
  const reader = body.getReader();
  try {
    for (;;) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const silence = new Promise<never>((_, reject) => {
        const error = new HoyError("unavailable", `the registry sent nothing for ${Math.round(idleMs / 1000)} seconds`);
        timer = setTimeout(() => reject(error), idleMs);
      });
      const next = await Promise.race([reader.read(), silence]).finally(() => clearTimeout(timer));
      if (next.done) return;
      yield next.value;
    }
  } finally {
    // Whoever stops reading closes the connection; a body that has failed has nothing to cancel.
    await reader.cancel().catch(() => undefined);
  }
}

/** The runtime's own errors say which socket; users ask which registry, and how far it came. */
function broken(error: unknown, name: string, received: number, size: number): HoyError {
  if (error instanceof HoyError) return error;
  const why = error instanceof Error ? error.message.split(".")[0] : String(error);
  const text = `the connection to the registry of ${name} broke after ${received} of ${size} bytes: ${why}`;
  return new HoyError("unavailable", text, { cause: error });
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
