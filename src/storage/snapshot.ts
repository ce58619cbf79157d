// Snapshot drivers: how a chain of layers becomes a root file system.
//
// Words. A *layer* is one uncompressed tar, named by its digest, the diff id. A *chain* is a stack of layers, bottom
// first, named by its chain id. A *lower* is a mounted, read-only tree of a whole chain, shared by all containers of
// an image. A container adds its own *upper* (what it changed) and *work* (the overlay's scratch) above the lowers;
// the overlay itself is mounted by the shim in its private mount namespace, never by a driver.
//
//   add layer A, add layer B → mountChain([A, B]) → lowers → shim: overlay(lowers, upper, work) → container
//
// Two drivers: `erofs` keeps the tar and mounts an EROFS image of metadata over it; `overlay` unpacks the tar into a
// directory. Both keep ids exactly as the tar has them (0 is 0): user namespaces are made by idmapped mounts.
//
// Crash safety: a layer exists when its final name does (written beside, fsync, rename). A driver must be able to
// repair itself in `open`: half-made layers are removed, mounts that a dead engine left are taken over.
// The conformance test in `snapshot.conformance.ts` is the contract, run by every driver.

import type { Digest } from "../base/digest.ts";

export interface LayerInfo {
  readonly diffId: Digest;
  /** Bytes of the uncompressed tar. */
  readonly tarSize: number;
  /** Sum of the sizes of the regular files in it: what `docker image ls` counts. */
  readonly size: number;
  readonly entries: number;
}

export interface AddLayerOptions {
  /** The tar must have this digest, or nothing is kept and HoyError "invalid" is thrown. */
  readonly expected?: Digest;
  readonly signal?: AbortSignal;
}

export interface SnapshotDriver {
  readonly name: "erofs" | "overlay";

  /**
   * Reads an uncompressed tar to its end, checks it (bounds, paths, digest) and keeps it as a layer. Adding a layer
   * that is there already is cheap and gives the same info; two at once are safe. Nothing is visible before it is whole.
   * @throws HoyError "invalid" for a bad, hostile or truncated archive, "too-large" past the bounds.
   */
  addLayer(tar: AsyncIterable<Uint8Array>, options?: AddLayerOptions): Promise<LayerInfo>;

  hasLayer(diffId: Digest): Promise<LayerInfo | undefined>;

  /** The layer's tar, byte for byte as it was added; undefined when this driver no longer has it as one file. */
  layerTar(diffId: Digest): Promise<string | undefined>;

  /** Frees the layer's disk. The caller knows that no chain in use has it. Idempotent. */
  removeLayer(diffId: Digest): Promise<void>;

  /**
   * Makes the chain's tree available and returns the overlay's lower directories, top first. Shared: calling again
   * gives the same directories. Whiteouts are applied or are in overlay's own form.
   */
  mountChain(diffIds: readonly Digest[]): Promise<readonly string[]>;

  /** Undoes mountChain and frees what the chain (not its layers) took. No container uses it. Idempotent. */
  removeChain(diffIds: readonly Digest[]): Promise<void>;

  /** Every layer that is here, for the sweep of what no row refers to. */
  listLayers(): Promise<Digest[]>;
}
