// An index of the store with all that it leads to, as `save` and `push` send it: byte for byte what it came or was built
// as. What is not here of it (an image that was removed by its id) is named.

import { type Digest, isDigest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import type { Descriptor } from "../../image/descriptor.ts";
import { parseManifest } from "../../image/manifest.ts";
import { formatPlatform } from "../../image/platform.ts";
import type { IngestSession } from "./collector.ts";
import { slim } from "./manifest-summary.ts";
import type { ImageShelf } from "./shelf.ts";

/** A manifest of an index, with its config and layers. */
export interface IndexPart {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly blobs: readonly Descriptor[];
}

export interface KeptIndex {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly parts: readonly IndexPart[];
  /** Platforms, or digests, of what is not here. */
  readonly missing: readonly string[];
}

/** @param session Holds all of it. */
export async function keptIndex(shelf: ImageShelf, session: IngestSession, text: string): Promise<KeptIndex> {
  const digest = isDigest(text) ? text : undefined;
  const bytes = digest === undefined ? undefined : await documentIn(shelf, session, digest);
  const index = bytes === undefined ? undefined : parseManifest(bytes);
  if (digest === undefined || bytes === undefined || index?.kind !== "index") {
    throw new HoyError("internal", `the index ${text.slice(0, 80)} is not here`);
  }
  const parts: IndexPart[] = [];
  const missing: string[] = [];
  for (const entry of index.manifests) {
    const part = await partOf(shelf, session, entry);
    if (part !== undefined) parts.push(part);
    else missing.push(entry.platform === undefined ? entry.digest : formatPlatform(entry.platform));
  }
  return { descriptor: { mediaType: index.mediaType, digest, size: bytes.byteLength }, bytes, parts, missing };
}

async function partOf(shelf: ImageShelf, session: IngestSession, entry: Descriptor): Promise<IndexPart | undefined> {
  const bytes = await documentIn(shelf, session, entry.digest);
  if (bytes === undefined) return undefined;
  const manifest = parseManifest(bytes);
  if (manifest.kind !== "manifest") return undefined;
  const blobs = [manifest.config, ...manifest.layers];
  for (const { digest } of blobs) {
    if ((await session.useBlob(digest)) === undefined && (await session.useLayer(digest)) === undefined)
      return undefined;
  }
  return { descriptor: slim(entry), bytes, blobs };
}

async function documentIn(shelf: ImageShelf, session: IngestSession, digest: Digest): Promise<Uint8Array | undefined> {
  return (await session.useBlob(digest)) === undefined ? undefined : shelf.content.read(digest);
}
