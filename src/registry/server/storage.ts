// Where a registry keeps what it holds: the contract between its end-points and a store.
//
// Words. A *repository* is a name; it comes to be with its first content and goes with its last. A *blob* is bytes under
// their digest; the bytes are kept once, whatever the number of repositories, but a repository has only the blobs it
// was given (by an upload or a mount): who may read one repository learns nothing of another. A *manifest* is a JSON
// document of a repository, kept byte for byte. A *tag* points to one manifest of its repository. An *upload* is a blob
// that is not whole yet.
//
// What every store promises:
// - Nothing can be read that is not whole and verified: a blob or manifest is there entirely or not at all, after a
//   crash too. What a method has returned for is on disk.
// - All methods may run at once. Two uploads of one blob both succeed; the bytes are kept once.
// - `append` may be called by one caller at a time for one upload; a second one is refused (409), never mixed in.
// - Bytes whose last repository is gone are freed, but never under an upload or mount that is just giving them a new one.
// - Errors are RegistryErrors with the code of the spec.
//
// `storage.conformance.ts` holds each implementation to this.

import type { FileHandle } from "node:fs/promises";
import type { AnyDigest } from "./names.ts";

export interface BlobInfo {
  readonly digest: string;
  readonly size: number;
}

export interface Referrer {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface StoredManifest extends BlobInfo {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** A manifest as the registry has read it; see manifest.ts. */
export interface NewManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** Blobs that must be in the repository. */
  readonly blobs: readonly string[];
  /** Manifests that must be in the repository. */
  readonly manifests: readonly string[];
  readonly subject: string | undefined;
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  /** What it names may be missing, and is fetched when somebody wants it: of a cache. */
  readonly sparse?: boolean;
}

export interface Upload {
  readonly id: string;
  /** Bytes received and kept. */
  readonly size: number;
}

export interface Page {
  readonly limit: number;
  /** Only what comes after this, in byte order. */
  readonly after: string;
}

/** Half-open: [start, end). */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface Collected {
  readonly uploads: number;
  /** Blobs taken from a repository in which no manifest names them. */
  readonly unlinked: number;
  readonly blobs: number;
  readonly bytes: number;
}

export interface RegistryStorage {
  /** undefined: the repository has no such blob. */
  blob(repository: string, digest: AnyDigest): Promise<BlobInfo | undefined>;
  /** @throws BLOB_UNKNOWN */
  readBlob(repository: string, digest: AnyDigest, range: ByteRange): Promise<AsyncIterable<Uint8Array>>;
  /** The open file of a blob that is one here, which the caller closes; undefined: read it. @throws BLOB_UNKNOWN */
  blobFile(repository: string, digest: AnyDigest): Promise<FileHandle | undefined>;
  /** Where the reader may fetch the whole blob instead; undefined: only here. */
  blobUrl(repository: string, digest: AnyDigest): Promise<string | undefined>;
  /** @returns false when it was not there. */
  deleteBlob(repository: string, digest: AnyDigest): Promise<boolean>;
  /** Gives `repository` the blob that `from` has. @returns false when `from` does not have it. */
  mount(repository: string, digest: AnyDigest, from: string): Promise<boolean>;

  /** @throws TOOMANYREQUESTS when too many are open. */
  startUpload(repository: string): Promise<Upload>;
  /** @throws BLOB_UPLOAD_UNKNOWN */
  upload(repository: string, id: string): Promise<Upload>;
  /**
   * Adds bytes at the end. When `data` breaks off, what came is kept and the fault is thrown.
   * @param at When given and not the present size: BLOB_UPLOAD_INVALID (416).
   * @throws SIZE_INVALID (413) past the limit for one blob; the upload is gone then.
   */
  append(repository: string, id: string, data: AsyncIterable<Uint8Array>, at: number | undefined): Promise<Upload>;
  /** Makes the upload a blob of the repository. @throws DIGEST_INVALID; the upload is gone then. */
  finishUpload(repository: string, id: string, digest: AnyDigest): Promise<BlobInfo>;
  /** Takes a file of the same host as a blob, without its bytes being sent. @returns false: they must be. */
  adopt(repository: string, digest: AnyDigest, path: string): Promise<boolean>;
  cancelUpload(repository: string, id: string): Promise<void>;

  /** @param reference A tag or a digest. */
  manifest(repository: string, reference: string): Promise<StoredManifest | undefined>;
  /**
   * Keeps a manifest and points `tags` to it, in one step.
   * @param by Who pushes it, for the books.
   * @throws MANIFEST_BLOB_UNKNOWN when something it names is not in the repository.
   */
  putManifest(repository: string, manifest: NewManifest, tags: readonly string[], by?: string): Promise<void>;
  /** A digest: the manifest and its tags; a tag: the tag alone. @returns false when it was not there. */
  deleteManifest(repository: string, reference: string): Promise<boolean>;
  /** undefined: there is no such repository. */
  tags(repository: string, page: Page): Promise<readonly string[] | undefined>;
  /** Manifests of the repository whose subject is `digest`, by digest. */
  referrers(repository: string, digest: AnyDigest, artifactType: string | undefined, page: Page): Promise<Referrer[]>;
  /** With all it has. Bytes that no other repository has are freed by the next collection. */
  deleteRepository(repository: string): Promise<boolean>;
  repositories(page: Page): Promise<readonly string[]>;

  /** Frees what nothing needs any more and has been so since before `before` (ms since the epoch). */
  collect(before: number): Promise<Collected>;
  close(): void;
}
