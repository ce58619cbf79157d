// What BuildKit's API asks of its surroundings, which the engine composes: the solver, and images made of its results.

import type { Digest } from "../../base/digest.ts";
import type { ImageConfigFile } from "../../image/config.ts";
import type { BuildHistoryTable } from "../../state/build-history.ts";
import type { ImageIndex } from "../../state/image-indexes.ts";
import type { Entitlements } from "../entitlements.ts";
import type { DockerfileResult } from "../frontend/options.ts";
import type { LayerSession } from "../needs.ts";
import type { GraphSolver } from "../solver/solver.ts";
import type { BuildSession, Tree } from "../solver-contract.ts";
import type { HistorySettings } from "./control/history.ts";
import type { LocalSource } from "./session/local-files.ts";

export interface ImageToWrite {
  readonly tree: Tree;
  readonly session: BuildSession;
  /** Records of the build cache for its config. */
  readonly inlineCache: Uint8Array | undefined;
  /** The layers above the base become one; of our own frontend's results only. */
  readonly squash: boolean;
  /** Holds the layer that squashing makes. */
  readonly layers: LayerSession;
  readonly signal: AbortSignal;
  /** From our own frontend, with its history; or a whole config that a client's frontend made. */
  readonly from:
    | { readonly dockerfile: DockerfileResult }
    | {
        readonly config: Omit<ImageConfigFile, "rootfs">;
        readonly epoch: number | undefined;
        /** When the last of it was made, RFC 3339; undefined: by no build. */
        readonly made: string | undefined;
      };
}

export interface ImageToStore {
  readonly config: Uint8Array;
  readonly tree: Tree;
  /** In full, with a tag or a digest; they were checked before anything was built. */
  readonly names: readonly string[];
  /** Its manifest, and the blobs that go as long as the image goes; all in a session that is open. */
  readonly packaged: { readonly manifest: Digest; readonly blobs: readonly Digest[] } | undefined;
}

export interface BuildkitNeeds {
  readonly solver: GraphSolver;
  readonly images: {
    /** The name in full. @throws HoyError "invalid" for one that no image can have. */
    fullName(name: string): string;
    /** The config of the image, whole, and its tree, which is another one where it is squashed. */
    finish(image: ImageToWrite): Promise<{ readonly config: Uint8Array; readonly tree: Tree }>;
    /** Adds an image to the store, and names it. @returns its id. */
    store(image: ImageToStore): Promise<Digest>;
    /** The names, which an image of `store` has already, stand for this index; everything of it is in a session that is open. */
    index(names: readonly string[], index: ImageIndex): Promise<void>;
    /** The image as an archive, under these names; gone again when it was read, unless somebody else has it. */
    archive(id: Digest, names: readonly string[], signal: AbortSignal): AsyncIterable<Uint8Array>;
    /** An image was pushed: it is known by that digest too. */
    pushed(name: string, id: Digest, digest: Digest): Promise<void>;
  };
  /** A context that came as a tar, compressed or not. */
  receiveTar(body: AsyncIterable<Uint8Array>, layers: LayerSession, signal: AbortSignal): Promise<Tree>;
  /** Without what the source's patterns leave out. */
  filterTree(tree: Tree, source: LocalSource, layers: LayerSession, signal: AbortSignal): Promise<Tree>;
  /** What builds may be granted. */
  readonly grantable: () => Entitlements;
  readonly history: { readonly table: BuildHistoryTable; readonly settings: () => HistorySettings };
  /** For sockets and half-made things. */
  readonly temporary: string;
  /** RFC 3339 with ns. */
  readonly now: () => string;
  readonly version: string;
  /** The bridge's address for `--add-host=…:host-gateway`; undefined: none. */
  readonly hostGateway: () => string | undefined;
  readonly log: {
    debug(message: string, fields?: Record<string, unknown>): void;
    error(message: string, fields?: Record<string, unknown>): void;
  };
}
