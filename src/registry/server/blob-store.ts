// Where the bytes of blobs are, and nothing more: the contract between a registry's books and a place for bytes. Files
// (blob-files.ts) and S3 (s3/) keep it.
//
// - A blob comes in as a local file that was checked against its digest, and is never changed afterwards.
// - What `put` has returned for survives a crash. `put` of a blob that is there already succeeds.
// - Who has a blob, and when it may go, is known by the books (rows.ts). They see to it that `put` and `remove` of one
//   digest never run at the same time; reads may run at any time, and one that has begun goes on after a `remove`.

import type { FileHandle } from "node:fs/promises";
import type { AnyDigest } from "./names.ts";
import type { ByteRange } from "./storage.ts";

export interface BlobStore {
  /** Says which it is, for the books: blobs must not be looked for elsewhere than where they were put. */
  readonly place: string;
  /** Before anything else, once: what a crash may have left. */
  prepare?(): Promise<void>;
  /** Takes over the file: moved, or copied and removed. @param path On the registry's own file system, synced. */
  put(digest: AnyDigest, path: string): Promise<void>;
  /** @throws RegistryError BLOB_UNKNOWN when it is not there. */
  read(digest: AnyDigest, range: ByteRange): Promise<AsyncIterable<Uint8Array>>;
  /** The blob's file, where blobs are files; the caller closes it. @throws RegistryError BLOB_UNKNOWN */
  open?(digest: AnyDigest): Promise<FileHandle>;
  /** Not an error when it is not there. */
  remove(digest: AnyDigest): Promise<void>;
  /** All there are, as `algorithm:hex`: for finding what a crash left. */
  list(): AsyncIterable<string>;
  /** Where readers may fetch it without us; undefined: they may not. */
  url?(digest: AnyDigest): Promise<string | undefined>;
}
