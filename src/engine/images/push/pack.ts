// An image as a registry takes it: every layer a file with its descriptor. What came compressed goes as it came; a
// layer that was made here (commit, import, build) is gzipped once, and its blob kept, so that a second push sends the
// same digest.

import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import type { Digest } from "../../../base/digest.ts";
import { isDigest, parseDigest, sha256 } from "../../../base/digest.ts";
import { type LayerCompression, parseCompression } from "../../../image/compression.ts";
import type { Descriptor } from "../../../image/descriptor.ts";
import { writeManifest } from "../../../image/manifest.ts";
import { mediaTypes } from "../../../image/media-types.ts";
import type { ImageRow } from "../../../state/images.ts";
import type { IngestSession } from "../collector.ts";
import { layerBytes } from "../layer-bytes.ts";
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
const USUAL: LayerCompression = parseCompression("gzip:1");

/**
 * The image with every layer compressed as said, whatever it came as: other digests, so a manifest of its own, which is
 * not the one that the image goes by here. Its blobs are kept by `session` alone.
 */
export async function repackImage(
  shelf: ImageShelf,
  session: IngestSession,
  row: ImageRow,
  compression: LayerCompression,
  signal: AbortSignal,
): Promise<PackedImage> {
  const { config } = await manifestOf(shelf, row);
  const layers = [];
  for (const diffId of shelf.table.layersOf(row.id).map((layer) => layer.diff_id)) {
    if (!isDigest(diffId)) continue;
    layers.push({ ...(await packed(shelf, session, diffId, compression, signal)), diffId });
  }
  // Both kinds are OCI's, and so is the manifest that names them.
  const ociConfig: Descriptor = { mediaType: mediaTypes.ociConfig, digest: config.digest, size: config.size };
  const bytes = writeManifest(
    ociConfig,
    layers.map(({ descriptor }) => descriptor),
  );
  const descriptor: Descriptor = { mediaType: mediaTypes.ociManifest, digest: sha256(bytes), size: bytes.byteLength };
  const path = await shelf.content.path(config.digest);
  return { descriptor, bytes, config: { descriptor: ociConfig, path }, layers };
}

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
      : await packed(shelf, session, diffId, USUAL, signal);
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

async function packed(
  shelf: ImageShelf,
  session: IngestSession,
  diffId: Digest,
  { kind, level, mediaType }: LayerCompression,
  signal: AbortSignal,
): Promise<PackedBlob> {
  const tar = Readable.from(await layerBytes(shelf, diffId, signal), { objectMode: true, highWaterMark: 2 });
  const params = { [constants.ZSTD_c_compressionLevel]: level };
  const encoder = kind === "gzip" ? createGzip({ level }) : createZstdCompress({ params });
  const encoding = pipeline(tar, encoder, { signal });
  // Thrown below; the reader of the other end sees it first.
  encoding.catch(() => undefined);
  const { digest, size } = await session.putBlob(encoder, { signal });
  await encoding;
  const descriptor: Descriptor = { mediaType, digest, size };
  return { descriptor, path: await shelf.content.path(digest) };
}
