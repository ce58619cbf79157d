// The solver as its callers see it: graph in, trees out, with progress on the way. Frontends and protocols (REST,
// BuildKit's gRPC) stand above it; storage and runtime below.
//
// A result is a tree: a stack of layers that the snapshot driver has, held for the build cache. Equal work is done once:
// two builds that ask for the same step share it, and it is cancelled when the last of them goes.

import type { RegistryAuth } from "../api/backend.ts";
import type { Resources } from "../api/types/container.ts";
import type { Digest } from "../base/digest.ts";
import type { ImageConfigFile } from "../image/config.ts";
import type { Platform } from "../image/platform.ts";
import type { CacheImport } from "./cache/remote/import.ts";
import type { Entitlements } from "./entitlements.ts";
import type { Input, Vertex } from "./graph.ts";

export interface Tree {
  /** Bottom first; empty: nothing. */
  readonly diffIds: readonly Digest[];
  /** Of the content and how it came to be: what later steps' keys are made from. */
  readonly key: Digest;
}

/** What the client of a build has and lends. */
export interface BuildSession {
  /** Names the client, so that one build's locals are not taken for another's. */
  readonly id: string;
  /** Brings a directory of the client into the store, only what changed since the last time; as a tree of one layer. */
  local(source: Extract<import("./graph.ts").Source, { type: "local" }>, signal: AbortSignal): Promise<Tree>;
  /** undefined: it has none of that id. At most 500 KiB. */
  secret(id: string, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** Path of a unix socket that leads to the client's agent, until `signal` fires; undefined: none of that id. */
  ssh(id: string, signal: AbortSignal): Promise<string | undefined>;
  registryAuth(domain: string): Promise<RegistryAuth | undefined>;
  /** For all commands of this build; nothing that keys know of. */
  readonly limits?: StepLimits | undefined;
}

/** What the classic builder lets its client say of the containers that it runs commands in. */
export interface StepLimits {
  /** In place of the default network: a network's name or id, or "container:ID"; "": the default. */
  readonly network: string;
  readonly resources: Pick<
    Resources,
    "Memory" | "MemorySwap" | "CpuShares" | "CpuPeriod" | "CpuQuota" | "CpusetCpus" | "CpusetMems"
  >;
}

export interface BuildProgress {
  /** A vertex was asked for; told once each, inputs before what needs them. */
  vertex(vertex: Vertex, id: Digest): void;
  started(id: Digest, at: string): void;
  /** `cached`: its result was there. */
  completed(id: Digest, at: string, outcome: { readonly cached: boolean; readonly error: string | undefined }): void;
  /** Bytes that a command wrote, or why it was not in the cache. */
  log(id: Digest, stream: "stdout" | "stderr" | "explanation", data: Uint8Array, at: string): void;
  /** Something countable inside a vertex: a pull's layer, an export. */
  status(
    id: Digest,
    status: { readonly name: string; readonly current: number; readonly total: number; readonly done: boolean },
  ): void;
  warning(warning: {
    readonly rule: string;
    readonly message: string;
    readonly url: string;
    readonly lines: { readonly start: number; readonly end: number } | undefined;
  }): void;
}

export interface SolveOptions {
  readonly session: BuildSession;
  readonly progress: BuildProgress;
  readonly signal: AbortSignal;
  /** What commands may do beyond the usual. */
  readonly entitlements: Entitlements;
  /** Seconds since the epoch: times of everything made are clamped to it. */
  readonly sourceDateEpoch: number | undefined;
  /** Say of each step that is made why it was not in the cache. */
  readonly explain?: boolean;
  /** What a failed command left is kept to the build's end, for who debugs it (StepFailed.left). */
  readonly keepFailed?: boolean;
  /** Caches from elsewhere, looked into after our own. */
  readonly imports?: readonly CacheImport[];
}

export interface Solver {
  /** @throws HoyError; a command that failed: `process "…" did not complete successfully: exit code: N`. */
  solve(target: Input, options: SolveOptions): Promise<Tree>;
  /** An image's config, from here or its registry; its digest is then fixed for the rest of the build. */
  imageConfig(
    ref: string,
    platform: Platform,
    mode: "default" | "pull" | "local",
    options: SolveOptions,
  ): Promise<{ readonly ref: string; readonly digest: Digest; readonly config: ImageConfigFile }>;
  /** One file of a tree, at most `limit` bytes; undefined when it is not there. */
  readFile(tree: Tree, path: string, limit: number): Promise<Uint8Array | undefined>;
  /** When what a solved input stands for was made, RFC 3339; undefined: not by a build (it is an image's). */
  createdAt(input: Input, session: BuildSession): Promise<string | undefined>;
  /**
   * The build of this session is over: its trees are the cache's from now on, and may be collected. To be called by
   * whoever opened the session, after the image was written. Idempotent.
   */
  end(session: BuildSession): Promise<void>;
}
