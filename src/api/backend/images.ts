// What is asked of images.

import type { DistributionInspect, ImageDeleteResponseItem, ImageInspect, ImageSummary } from "../types/image.ts";
import type { Filters, ProgressMessage } from "./common.ts";
import type { CommitOptions } from "./containers.ts";

export interface ImageListOptions {
  readonly all: boolean;
  readonly digests: boolean;
  readonly sharedSize: boolean;
  readonly manifests: boolean;
  readonly filters: Filters;
}

export interface ImportOptions {
  /** "-": the body; else a URL. */
  readonly source: string;
  readonly repo: string | undefined;
  readonly tag: string | undefined;
  readonly message: string;
  readonly changes: readonly string[];
  readonly platform: string | undefined;
}

export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
  readonly serveraddress?: string;
}

export interface HistoryItem {
  Id: string;
  Created: number;
  CreatedBy: string;
  Tags: string[] | null;
  Size: number;
  Comment: string;
}

/** An image that a collection removed, or would remove. */
export interface CollectedImage {
  readonly Id: string;
  readonly Names: readonly string[];
  /** Bytes of layers that go with it. */
  readonly Size: number;
  /** RFC 3339. */
  readonly LastUsed: string;
}

/** What differs from the policy of daemon.json for one collection; times are how long ago, sizes in bytes. */
export interface CollectOptions {
  readonly dryRun: boolean;
  readonly unusedFor: string | undefined;
  readonly keepStorage: number | undefined;
}

export interface CollectReport {
  readonly Images: readonly CollectedImage[];
  readonly BuildCache: readonly { readonly Id: string; readonly Description: string; readonly Size: number }[];
  readonly SpaceReclaimed: number;
}

/** What `image verify` found; an image without a fault is whole. */
export interface ImageVerification {
  readonly Id: string;
  /** Files that were read. */
  readonly Checked: number;
  readonly Bytes: number;
  readonly Faults: readonly { readonly Digest: string; readonly What: string; readonly Fault: string }[];
}

/** A file that two images differ in. `Kind` as in a container's changes: 0 changed, 1 added, 2 removed. */
export interface ImageChange {
  readonly Path: string;
  readonly Kind: 0 | 1 | 2;
  /** Diff id of the layer it is in; of a removed file, in the first image. */
  readonly Layer: string;
}

/** An image mounted on the engine's host. */
export interface ImageMount {
  readonly Path: string;
  readonly Id: string;
  /** The image as it was named. */
  readonly Name: string;
  /** RFC 3339. */
  readonly Created: string;
  /** False: other hands took the mount away, or mounted something over it. */
  readonly Mounted: boolean;
}

export interface ImagePullOptions {
  readonly platform: string | undefined;
  readonly auth: RegistryAuth | undefined;
  readonly allTags: boolean;
}

export interface ImagePushOptions {
  readonly tag: string | undefined;
  readonly platform: string | undefined;
  readonly auth: RegistryAuth | undefined;
  /** "gzip[:LEVEL]" or "zstd[:LEVEL]" for every layer; undefined: as they are. */
  readonly compression?: string | undefined;
}

export interface ImageBackend {
  list(options: ImageListOptions): Promise<ImageSummary[]>;
  inspect(ref: string, options: { manifests: boolean; platform: string | undefined }): Promise<ImageInspect>;
  history(ref: string, platform: string | undefined): Promise<HistoryItem[]>;
  tag(ref: string, repo: string, tag: string | undefined): Promise<void>;
  remove(ref: string, options: { force: boolean; prune: boolean }): Promise<ImageDeleteResponseItem[]>;
  prune(filters: Filters): Promise<{ deleted: ImageDeleteResponseItem[]; spaceReclaimed: number }>;
  /** Reads every byte of the image against its digest. */
  verify(ref: string, signal: AbortSignal): Promise<ImageVerification>;
  /** Removes what a policy no longer keeps, then frees what no row refers to. See CollectOptions. */
  collect(
    policy: { unusedSince: string | undefined; keepStorage: number | undefined; keep: readonly string[] },
    dryRun: boolean,
  ): Promise<CollectedImage[]>;
  /** The files that `to` has more, less or otherwise than `from`, in the order of their paths. */
  diff(from: string, to: string, signal: AbortSignal): Promise<ImageChange[]>;
  /** Mounts the image's files, read-only, at `path` on the engine's host; undefined: in a directory of the engine's. */
  mount(ref: string, path: string | undefined): Promise<ImageMount>;
  /** `what`: a directory (absolute) or an image, whose mounts all go. */
  unmount(what: string, force: boolean): Promise<ImageMount[]>;
  mounts(): ImageMount[];
  pull(ref: string, options: ImagePullOptions, signal: AbortSignal): Promise<AsyncIterable<ProgressMessage>>;
  push(ref: string, options: ImagePushOptions, signal: AbortSignal): Promise<AsyncIterable<ProgressMessage>>;
  import(
    options: ImportOptions,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ProgressMessage>>;
  load(
    body: AsyncIterable<Uint8Array>,
    options: { quiet: boolean; platform: string | undefined },
    signal: AbortSignal,
  ): Promise<AsyncIterable<ProgressMessage>>;
  save(
    refs: readonly string[],
    options: { platform: string | undefined },
    signal: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array>>;
  commit(options: CommitOptions, signal: AbortSignal): Promise<{ Id: string }>;
  search(
    term: string,
    options: { limit: number | undefined; filters: Filters; auth: RegistryAuth | undefined },
    signal: AbortSignal,
  ): Promise<unknown[]>;
  distribution(ref: string, auth: RegistryAuth | undefined, signal: AbortSignal): Promise<DistributionInspect>;
}
