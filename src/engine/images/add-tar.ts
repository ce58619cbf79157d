// Adds an uncompressed layer so that its very bytes can be had again for save and push. A driver that keeps the tar is
// enough, and so is a compressed form that stays; with neither, the tar is kept as a blob beside.

import type { Digest } from "../../base/digest.ts";
import type { AddLayerOptions, LayerInfo } from "../../storage/snapshot.ts";
import type { IngestSession } from "./collector.ts";
import type { ImageShelf } from "./shelf.ts";

export interface AddedTar {
  readonly layer: LayerInfo;
  /** Blobs to add the image with. */
  readonly blobs: readonly Digest[];
}

export interface AddTarOptions extends AddLayerOptions {
  /** The caller keeps the layer's compressed form, and adds the image with it. */
  readonly packed?: boolean;
}

export async function addTar(
  shelf: ImageShelf,
  session: IngestSession,
  tar: AsyncIterable<Uint8Array>,
  { packed = false, ...options }: AddTarOptions,
): Promise<AddedTar> {
  if (packed || shelf.driver.name === "erofs") return { layer: await session.addLayer(tar, options), blobs: [] };
  const { digest } = await session.putBlob(tar, options);
  const layer = await session.addLayer(await shelf.content.stream(digest), { ...options, expected: digest });
  return { layer, blobs: [digest] };
}
