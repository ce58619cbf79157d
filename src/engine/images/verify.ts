// `image verify`: every byte that is kept under a name against its digest, as disks and people may change files behind the
// engine's back: an image, or an index with the images of all platforms that are here and what goes with them. Reads only;
// what to do about a fault is the user's decision.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { ImageVerification } from "../../api/backend.ts";
import { type Digest, isDigest, parseDigest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import type { ImageRow } from "../../state/images.ts";
import type { ImageContext } from "./context.ts";
import type { ImageShelf } from "./shelf.ts";

/** @throws HoyError "not-found" for an unknown image; faults of its files are in the answer. */
export async function verifyImage(
  { shelf }: ImageContext,
  ref: string,
  signal: AbortSignal,
): Promise<ImageVerification> {
  const row = shelf.find(ref);
  // What is being read stays, even when the image is removed meanwhile.
  await using session = shelf.session();
  const faults: { Digest: string; What: string; Fault: string }[] = [];
  let bytes = 0;
  let checked = 0;
  const check = async (what: string, digest: Digest, path: string | undefined) => {
    checked++;
    const fault =
      path === undefined ? "is missing" : await faultOf(path, digest, signal, (length) => (bytes += length));
    if (fault !== undefined) faults.push({ Digest: digest, What: what, Fault: fault });
  };
  const index = shelf.indexOf(ref);
  const images = imagesOf(shelf, row, index);
  for (const [digest, what] of documentsOf(shelf, images, index)) {
    const here = (await session.useBlob(digest)) !== undefined;
    await check(what, digest, here ? await shelf.content.path(digest) : undefined);
  }
  // Images of one build share layers.
  const layers = new Set(images.flatMap(({ id }) => shelf.table.layersOf(id).map((layer) => layer.diff_id)));
  for (const diffId of layers) await checkLayer(shelf, parseDigest(diffId), check);
  return { Id: row.id, Checked: checked, Bytes: bytes, Faults: faults };
}

/** @param index Digest of the one that the name stands for. */
function imagesOf(shelf: ImageShelf, row: ImageRow, index: string | undefined): readonly ImageRow[] {
  const members = index === undefined ? [] : shelf.table.indexes.members(index);
  const others = new Set(members.map(({ image }) => image).filter((id) => id !== row.id));
  return [row, ...[...others].flatMap((id) => shelf.table.get(id) ?? [])];
}

/** Blobs, each once, and what they are. */
function documentsOf(
  shelf: ImageShelf,
  images: readonly ImageRow[],
  index: string | undefined,
): ReadonlyMap<Digest, string> {
  const found = new Map<Digest, string>();
  const add = (digest: string | null, what: string) => {
    if (digest !== null && isDigest(digest) && !found.has(digest)) found.set(digest, what);
  };
  if (index !== undefined) {
    add(index, "index");
    for (const { manifest } of shelf.table.indexes.members(index)) add(manifest, "manifest");
  }
  for (const { id, manifest } of images) {
    add(id, "config");
    const blobs = shelf.table.blobsOf(id);
    // Of an image that was pushed somewhere once; the manifest need not be kept.
    if (manifest !== null && blobs.includes(manifest)) add(manifest, "manifest");
    for (const digest of blobs) add(digest, "blob");
  }
  if (index !== undefined) for (const digest of shelf.table.indexes.blobs(index)) add(digest, "blob");
  return found;
}

/** Of an unpacking driver there is no tar; its directory is made again from the blob when that is pulled or loaded. */
async function checkLayer(
  shelf: ImageShelf,
  diffId: Digest,
  check: (what: string, digest: Digest, path: string | undefined) => Promise<void>,
): Promise<void> {
  const tar = await shelf.driver.layerTar(diffId);
  if (tar === undefined && (await shelf.driver.hasLayer(diffId)) !== undefined) return;
  await check("layer", diffId, tar);
}

async function faultOf(
  path: string,
  digest: Digest,
  signal: AbortSignal,
  onRead: (length: number) => void,
): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024, signal })) {
      hash.update(chunk);
      onRead(chunk.length);
    }
  } catch (error) {
    signal.throwIfAborted();
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EIO" || code === "ENOENT") return code === "EIO" ? "can't be read from the disk" : "is missing";
    throw error instanceof Error ? error : new HoyError("internal", String(error));
  }
  const found = `sha256:${hash.digest("hex")}`;
  return found === digest ? undefined : `has changed: its digest is ${found}`;
}
