// What BuildKit's API asks of its surroundings, which the engine composes: the solver, and images made of its results.

import type { Digest } from "../../base/digest.ts";
import type { ImageConfigFile } from "../../image/config.ts";
import type { DockerfileResult } from "../frontend/options.ts";
import type { LayerSession } from "../needs.ts";
import type { GraphSolver } from "../solver/solver.ts";
import type { BuildSession, Tree } from "../solver-contract.ts";
import type { LocalSource } from "./session/local-files.ts";

export interface ImageToWrite {
  readonly tree: Tree;
  readonly session: BuildSession;
  /** As given; they are checked before anything is built. */
  readonly names: readonly string[];
  /** Records of the build cache for its config. */
  readonly inlineCache: Uint8Array | undefined;
  /** The layers above the base become one; of our own frontend's results only. */
  readonly squash: boolean;
  readonly signal: AbortSignal;
  /** From our own frontend, with its history; or a whole config that a client's frontend made. */
  readonly from:
    | { readonly dockerfile: DockerfileResult }
    | { readonly config: Omit<ImageConfigFile, "rootfs">; readonly epoch: number | undefined };
}

export interface BuildkitNeeds {
  readonly solver: GraphSolver;
  readonly images: {
    /** The name in full. @throws HoyError "invalid" for one that no image can have. */
    fullName(name: string): string;
    /** Makes an image and names it. @returns its id. */
    write(image: ImageToWrite): Promise<Digest>;
    /** The image as an archive, under these names; gone again when it was read, unless somebody else has it. */
    archive(id: Digest, names: readonly string[], signal: AbortSignal): AsyncIterable<Uint8Array>;
    /** Pushes by name with the client's credentials. */
    push(name: string, session: BuildSession, log: (line: string) => void, signal: AbortSignal): Promise<void>;
  };
  /** A context that came as a tar, compressed or not. */
  receiveTar(body: AsyncIterable<Uint8Array>, layers: LayerSession, signal: AbortSignal): Promise<Tree>;
  /** Without what the source's patterns leave out. */
  filterTree(tree: Tree, source: LocalSource, layers: LayerSession, signal: AbortSignal): Promise<Tree>;
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
