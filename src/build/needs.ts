// What building asks of its surroundings, which the engine composes from storage, runtime and network: layers that are
// kept while somebody names them, images by reference, and a place to run one command.

import type { Digest } from "../base/digest.ts";
import type { RegistrySettings } from "../base/settings.ts";
import type { ImageConfigFile } from "../image/config.ts";
import type { Platform } from "../image/platform.ts";
import type { LayerInfo } from "../storage/snapshot.ts";
import type { PruneOptions } from "./cache/prune.ts";
import type { Packing } from "./content/compression.ts";
import type { StoredBlob } from "./content/place.ts";
import type { StepStore } from "./explain/ledger.ts";
import type { ExecOp } from "./graph.ts";
import type { BuildSession, StepLimits } from "./solver-contract.ts";

export interface BuildNeeds {
  readonly layers: Layers;
  readonly images: ImageSources;
  readonly steps: StepRunner;
  /** What steps were made from, for explanations. */
  readonly stepStore: StepStore;
  readonly directories: BuildDirectories;
  /** How registries are reached. */
  readonly registry: () => RegistrySettings;
  /** Bytes of the cache's disk that are free to the engine. */
  readonly freeSpace: () => number;
  /** What goes of the cache after a build, one after the other; none: nothing goes by itself. */
  readonly policies: () => readonly PruneOptions[];
  /** RFC 3339 with ns. */
  readonly now: () => string;
}

export interface BuildDirectories {
  /** What outlives builds: cache mounts. On the data root. */
  readonly data: string;
  /** Half-made things; emptied at every start. On the data root's file system. */
  readonly temporary: string;
}

/** Adds layers so that none is collected before a record names it; ends with `await using`. */
export interface LayerSession extends AsyncDisposable {
  add(tar: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<LayerInfo>;
  /** The layer when it is here; it then stays for this session. */
  use(diffId: Digest): Promise<LayerInfo | undefined>;
  /** A document, under its digest. It stays for this session, longer only when an image names it. */
  put(bytes: Uint8Array, mediaType: string): Promise<StoredBlob>;
  /** A layer that is here in the form it travels in; made once, and kept as long as the layer is. */
  pack(diffId: Digest, packing: Packing, signal: AbortSignal): Promise<StoredBlob>;
}

export interface Layers {
  session(): LayerSession;
  info(diffId: Digest): Promise<LayerInfo | undefined>;
  /** Blobs that belong to a layer: its very bytes, where the driver does not keep them. */
  blobsOf(diffId: Digest): Promise<readonly Digest[]>;
  /** Path of a layer's tar, byte for byte as it was added; undefined: it is no longer here as one file. */
  tar(diffId: Digest): Promise<string | undefined>;
  /** Directories of the chain, top first; one empty directory for no layers. */
  mount(diffIds: readonly Digest[]): Promise<readonly string[]>;
  /** No build runs: what only builds had mounted (contexts, trees on the way) is let go. */
  idle(): Promise<void>;
  /** Frees what former holders held, unless somebody else does. */
  release(holders: readonly string[], blobs: readonly string[]): Promise<void>;
}

export interface FoundImage {
  /** Normalised, with the digest that the tag stands for where it is known. */
  readonly ref: string;
  readonly digest: Digest;
  /** Of the config: the image's id here. */
  readonly id: Digest;
  readonly config: ImageConfigFile;
  readonly diffIds: readonly Digest[];
}

export interface ImageRequest {
  readonly ref: string;
  readonly platform: Platform;
  readonly mode: "default" | "pull" | "local";
  readonly session: BuildSession;
  readonly signal: AbortSignal;
  readonly status: (status: {
    readonly name: string;
    readonly current: number;
    readonly total: number;
    readonly done: boolean;
  }) => void;
}

export interface ImageSources {
  /** @throws HoyError "not-found" when neither here nor, unless "local", at its registry. */
  find(request: ImageRequest): Promise<FoundImage>;
  /** Keeps the image's layers for this user until `release`. */
  retain(id: Digest, user: string): Promise<void>;
  release(user: string): Promise<void>;
}

/** A mount of a step, all looked up: paths on the host, owners as the container knows them. */
export type StepMount =
  | {
      readonly type: "bind";
      /** Absolute, exists. */
      readonly source: string;
      readonly target: string;
      readonly readonly: boolean;
    }
  | { readonly type: "tmpfs"; readonly target: string; readonly size: number }
  | {
      /** A file or socket that the step's own user namespace gets to own. */
      readonly type: "owned";
      readonly source: string;
      readonly target: string;
      readonly readonly: boolean;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    };

export interface Step {
  readonly op: ExecOp;
  /** All of it: the op's own, proxies, secrets. */
  readonly env: readonly string[];
  /** Top first. */
  readonly lowers: readonly string[];
  readonly readonlyRoot: boolean;
  readonly mounts: readonly StepMount[];
  readonly output: (stream: "stdout" | "stderr", data: Uint8Array) => void;
  readonly limits: StepLimits | undefined;
  readonly signal: AbortSignal;
}

export interface FinishedStep extends AsyncDisposable {
  readonly code: number;
  readonly oomKilled: boolean;
  /** What it changed of its root, as a layer. Times above `clamp` (ns) become it. */
  changes(clamp: bigint | undefined, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** How somebody speaks with a command. */
export interface StepIo {
  readonly terminal: boolean;
  readonly stdin: boolean;
}

/** A command that is spoken with. Its container is killed when the signal fires. */
export type OpenStep = Omit<Step, "output"> & StepIo;

export interface StepCommand {
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly user: string;
}

export interface StepProcess {
  /** Of a terminal all is "stdout". Ends with the process. */
  readonly output: AsyncIterable<{ readonly stream: "stdout" | "stderr"; readonly data: Uint8Array }>;
  write(data: Uint8Array): Promise<void>;
  endInput(): void;
  resize(rows: number, columns: number): Promise<void>;
  /** @throws HoyError "conflict" when it has ended. */
  signal(signal: number): Promise<void>;
  /** Never rejects. */
  readonly exited: Promise<{ readonly code: number; readonly oomKilled: boolean }>;
}

/** Disposed of, whatever runs in it is killed and all of it is taken away. */
export interface StepContainer extends AsyncDisposable {
  /** When it ends, the container does. */
  readonly first: StepProcess;
  /** @throws HoyError "invalid" when the command can't be run, "conflict" when the container has ended. */
  exec(command: StepCommand & StepIo): Promise<StepProcess>;
}

export interface StepRunner {
  /**
   * Runs the command to its end, as a container is run: user namespace, seccomp, cgroup, network.
   * When the signal fires its processes are killed, and "cancelled" is thrown when they are gone.
   */
  run(step: Step): Promise<FinishedStep>;
  /** Runs the command for somebody who speaks with it. What it changes is lost. */
  open(step: OpenStep): Promise<StepContainer>;
}
