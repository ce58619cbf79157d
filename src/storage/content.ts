// The content store: blobs named by their digest, exactly as they came (compressed layers, manifests, configs), so that
// save and push give back the same digests. Interface; the one on files is file-content.ts.
//
// Atomic and idempotent: a blob is visible only when whole, verified and fsynced; writing what is there is a no-op.

import type { Digest } from "../base/digest.ts";

export interface PutOptions {
  readonly expected?: Digest;
  /** Refuse more than this many bytes ("too-large"). */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

export interface ContentStore {
  /** @throws HoyError "invalid" when the digest differs from `expected`; nothing is kept then. */
  put(data: Uint8Array | AsyncIterable<Uint8Array>, options?: PutOptions): Promise<{ digest: Digest; size: number }>;
  /** Makes a file on the same file system a blob by link(2), without copying; the caller vouches for the digest. */
  adopt(path: string, digest: Digest): Promise<void>;
  /** Size in bytes, or undefined when absent. */
  size(digest: Digest): Promise<number | undefined>;
  /** Absolute path for reading. @throws "not-found". */
  path(digest: Digest): Promise<string>;
  /** Whole blob, at most `limit` bytes (default 8 MiB). @throws "not-found", "too-large". */
  read(digest: Digest, limit?: number): Promise<Uint8Array>;
  stream(digest: Digest, range?: { start: number; end: number }): Promise<AsyncIterable<Uint8Array>>;
  delete(digest: Digest): Promise<void>;
  list(): AsyncIterable<Digest>;
}
