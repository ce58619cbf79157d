// An image as a registry takes it: every layer a file with its descriptor. What came compressed goes as it came; a
// layer that was made here (commit, import, build) is gzipped once, and its blob kept, so that a second push sends the
// same digest.

import { createReadStream } from "node:fs";
import { createGzip } from "node:zlib";
import type { Digest } from "../../../base/digest.ts";
import { isDigest, parseDigest, sha256 } from "../../../base/digest.ts";
import type { Descriptor } from "../../../image/descriptor.ts";
import { writeManifest } from "../../../image/manifest.ts";
import { mediaTypes } from "../../../image/media-types.ts";
import type { ImageRow } from "../../../state/images.ts";
import type { IngestSession } from "../collector.ts";
import { layerPath, manifestOf } from "../manifest-of.ts";
import type { ImageShelf } from "../shelf.ts";

export interface PackedBlob {
  readonly descriptor: Descriptor;
  readonly path: string;
}

export interface PackedImage {
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  readonly config: PackedBlob;
  readonly layers: readonly (PackedBlob & { readonly diffId: Digest })[];
}

/** gzip's fastest level: a push waits for this, and what it saves beyond is little on a fast line. */
const LEVEL = 1;

export async function packImage(
  shelf: ImageShelf,
  session: IngestSession,
  row: ImageRow,
  signal: AbortSignal,
): Promise<PackedImage> {
  const manifest = await manifestOf(shelf, row);
  const diffIds = shelf.table
    .layersOf(row.id)
    .map((layer) => layer.diff_id)
    .filter(isDigest);
  const config = { descriptor: manifest.config, path: await shelf.content.path(parseDigest(row.id)) };
  // An image of a registry goes back as it came, plain layers too; one made or loaded here has them only for want of better.
  const known = row.manifest === manifest.descriptor.digest;
  const cameSo = known && shelf.table.names(row.id).some(({ name }) => name.includes("@"));
  const asTheyAre = cameSo || manifest.layers.every((layer, index) => layer.digest !== diffIds[index]);
  if (asTheyAre) {
    const layers = await Promise.all(
      manifest.layers.map(async (descriptor, index) => ({
        descriptor,
        path: await layerPath(shelf, descriptor.digest),
        diffId: diffIds[index] ?? descriptor.digest,
      })),
    );
    return { descriptor: manifest.descriptor, bytes: manifest.bytes, config, layers };
  }
  const layers = [];
  for (const [index, diffId] of diffIds.entries()) {
    const known = manifest.layers[index];
    const isPacked = known !== undefined && known.digest !== diffId;
    const blob = isPacked
      ? { descriptor: known, path: await layerPath(shelf, known.digest) }
      : await gzipped(shelf, session, diffId, signal);
    layers.push({ ...blob, diffId });
  }
  const bytes = writeManifest(
    manifest.config,
    layers.map(({ descriptor }) => descriptor),
  );
  const descriptor: Descriptor = { mediaType: mediaTypes.ociManifest, digest: sha256(bytes), size: bytes.byteLength };
  await session.putBlob(bytes);
  // From now on this is the manifest that the image goes by, with its blobs.
  for (const { diffId, descriptor: layer } of layers) {
    const { digest, size, mediaType } = layer;
    shelf.table.setLayerBlob({ diff_id: diffId, digest, size, media_type: mediaType });
  }
  shelf.table.setManifest(row.id, descriptor.digest, [
    descriptor.digest,
    ...layers.map((layer) => layer.descriptor.digest),
  ]);
  return { descriptor, bytes, config, layers };
}

async function gzipped(
  shelf: ImageShelf,
  session: IngestSession,
  diffId: Digest,
  signal: AbortSignal,
): Promise<PackedBlob> {
  const tar = createReadStream(await layerPath(shelf, diffId), { highWaterMark: 1024 * 1024, signal });
  const { digest, size } = await session.putBlob(tar.pipe(createGzip({ level: LEVEL })), { signal });
  const descriptor: Descriptor = { mediaType: mediaTypes.ociLayerGzip, digest, size };
  return { descriptor, path: await shelf.content.path(digest) };
}
