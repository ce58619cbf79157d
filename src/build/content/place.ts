// Where blobs and manifests of a build go, and where a cache comes from: a repository of a registry, or a store that the
// build's client keeps in a directory. Whoever reads must not believe a stream before its end: digests are checked there.

import type { Descriptor } from "../../image/descriptor.ts";

/** A blob that is here. */
export interface StoredBlob {
  readonly descriptor: Descriptor;
  readonly path: string;
}

export interface ContentTarget {
  /** As progress shows it. */
  readonly name: string;
  /** Does nothing when it is there. */
  putBlob(blob: StoredBlob, signal: AbortSignal): Promise<void>;
  /** @param isRoot It is what the place's own name stands for from now on. */
  putManifest(descriptor: Descriptor, bytes: Uint8Array, isRoot: boolean, signal: AbortSignal): Promise<void>;
}

export interface ContentSource {
  readonly name: string;
  /** What the place's name stands for. @throws HoyError "not-found" */
  root(signal: AbortSignal): Promise<Uint8Array>;
  /** A manifest, or another small document, checked. @throws HoyError "too-large", "invalid" */
  read(descriptor: Descriptor, limit: number, signal: AbortSignal): Promise<Uint8Array>;
  /** A blob; its size and digest are checked at the end. */
  stream(descriptor: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** Annotations and media types aside, which writers choose. */
export function slim({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
