// A layer in the form that it leaves in: packed as it came from its registry or was packed before, else packed now, and
// as gzip once for all builds to come. The same tar packed the same way gives the same bytes, so registries know it again.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { constants, createGzip, createZstdCompress } from "node:zlib";
import { type Digest, isDigest } from "../../base/digest.ts";
import { layerType, type Packing, packingOfType } from "../../build/content/compression.ts";
import type { StoredBlob } from "../../build/content/place.ts";
import type { BuildTable } from "../../state/build.ts";
import type { IngestSession } from "../images/collector.ts";
import { layerPath } from "../images/manifest-of.ts";
import type { ImageShelf } from "../images/shelf.ts";

export interface PackParts {
  readonly shelf: ImageShelf;
  readonly table: BuildTable;
  /** Pins what it gives. */
  readonly session: IngestSession;
  readonly signal: AbortSignal;
}

/** gzip's fastest: the client waits for this, and what a better one saves is little. */
const GZIP_LEVEL = 1;
const ZSTD_LEVEL = 3;

/** @throws HoyError "not-found" when the layer is not here. */
export async function packLayer(parts: PackParts, diffId: Digest, packing: Packing): Promise<StoredBlob> {
  const { shelf, table, session, signal } = parts;
  const known = await packedBefore(parts, diffId, packing);
  if (known !== undefined) return known;
  const tar = await layerPath(shelf, diffId);
  const mediaType = layerType(packing);
  if (packing.type === "uncompressed") {
    return { descriptor: { mediaType, digest: diffId, size: (await stat(tar)).size }, path: tar };
  }
  const bytes = createReadStream(tar, { highWaterMark: 1024 * 1024, signal });
  const packer =
    packing.type === "gzip"
      ? createGzip({ level: packing.level ?? GZIP_LEVEL })
      : createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: packing.level ?? ZSTD_LEVEL } });
  // A failed read must not leave the other side waiting for an end.
  bytes.once("error", (error) => packer.destroy(error));
  const { digest, size } = await session.putBlob(bytes.pipe(packer), { signal });
  // What one build wanted otherwise than others is not what the layer goes by from now on.
  const isUsual = packing.type === "gzip" && packing.level === undefined;
  if (isUsual) table.keepPacked({ diff_id: diffId, digest, size, media_type: layerType({ type: "gzip", oci: true }) });
  return { descriptor: { mediaType, digest, size }, path: await shelf.content.path(digest) };
}

async function packedBefore(
  { shelf, session }: PackParts,
  diffId: Digest,
  { type, force, oci }: Packing,
): Promise<StoredBlob | undefined> {
  const row = shelf.table.layerBlob(diffId);
  if (row === null || !isDigest(row.digest) || (await session.useBlob(row.digest)) === undefined) return undefined;
  const known = packingOfType(row.media_type);
  if (known === undefined || (force && known !== type) || (known === "zstd" && !oci)) return undefined;
  const descriptor = { mediaType: layerType({ type: known, oci }), digest: row.digest, size: row.size };
  return { descriptor, path: await shelf.content.path(row.digest) };
}
