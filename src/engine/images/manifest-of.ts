// The manifest of an image: the one it came with while all its blobs are here, else one made from what is here of its
// layers: their compressed forms where known, so that a push sends what the registry has already, else their tars.

import { type Digest, isDigest, parseDigest, sha256 } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import type { Descriptor } from "../../image/descriptor.ts";
import { parseManifest, writeManifest } from "../../image/manifest.ts";
import { mediaTypes } from "../../image/media-types.ts";
import type { ImageRow, LayerRow } from "../../state/images.ts";
import type { ImageShelf } from "./shelf.ts";

export interface ImageManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly config: Descriptor;
  /** Bottom first, one for each diff id. */
  readonly layers: readonly Descriptor[];
}

export async function manifestOf(shelf: ImageShelf, row: ImageRow): Promise<ImageManifest> {
  const diffs = shelf.table.layersOf(row.id);
  return (await original(shelf, row, diffs)) ?? (await made(shelf, row, diffs));
}

/** Path of a layer's bytes under the digest that its manifest gives it. @throws HoyError "not-found" */
export async function layerPath(shelf: ImageShelf, digest: Digest): Promise<string> {
  if ((await shelf.content.size(digest)) !== undefined) return shelf.content.path(digest);
  const tar = await shelf.driver.layerTar(digest);
  if (tar === undefined) throw new HoyError("not-found", `the tar of layer ${digest} is not here`);
  return tar;
}

async function original(
  shelf: ImageShelf,
  row: ImageRow,
  diffs: readonly LayerRow[],
): Promise<ImageManifest | undefined> {
  if (row.manifest === null || !isDigest(row.manifest)) return undefined;
  if ((await shelf.content.size(row.manifest)) === undefined) return undefined;
  const bytes = await shelf.content.read(row.manifest);
  const manifest = parseManifest(bytes);
  if (manifest.kind !== "manifest" || manifest.layers.length !== diffs.length) return undefined;
  for (const [index, layer] of manifest.layers.entries()) {
    const plain = layer.digest === diffs[index]?.diff_id;
    if (!plain && (await shelf.content.size(layer.digest)) === undefined) return undefined;
  }
  const descriptor = { mediaType: manifest.mediaType, digest: row.manifest, size: bytes.byteLength };
  return { descriptor, bytes, config: manifest.config, layers: manifest.layers };
}

async function packedForm(shelf: ImageShelf, diffId: string): Promise<Descriptor | undefined> {
  const row = shelf.table.layerBlob(diffId);
  if (row === null || (await shelf.content.size(parseDigest(row.digest))) === undefined) return undefined;
  return { mediaType: row.media_type, digest: parseDigest(row.digest), size: row.size };
}

async function made(shelf: ImageShelf, row: ImageRow, diffs: readonly LayerRow[]): Promise<ImageManifest> {
  const id = parseDigest(row.id);
  const config: Descriptor = {
    mediaType: mediaTypes.ociConfig,
    digest: id,
    size: (await shelf.content.size(id)) ?? 0,
  };
  const layers: Descriptor[] = [];
  for (const layer of diffs) {
    const tar = { mediaType: mediaTypes.ociLayer, digest: parseDigest(layer.diff_id), size: layer.tar_size };
    layers.push((await packedForm(shelf, layer.diff_id)) ?? tar);
  }
  const bytes = writeManifest(config, layers);
  const descriptor = { mediaType: mediaTypes.ociManifest, digest: sha256(bytes), size: bytes.byteLength };
  return { descriptor, bytes, config, layers };
}
