// `image verify`: every byte of an image against its digest, as disks and people may change files behind the engine's
// back. Reads only; what to do about a fault is the user's decision.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { ImageVerification } from "../../api/backend.ts";
import { type Digest, isDigest, parseDigest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
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
  for (const digest of [row.id, ...shelf.table.blobsOf(row.id).filter((one) => one !== row.id)].filter(isDigest)) {
    const here = (await session.useBlob(digest)) !== undefined;
    await check(whatIs(row, digest), digest, here ? await shelf.content.path(digest) : undefined);
  }
  for (const { diff_id } of shelf.table.layersOf(row.id)) await checkLayer(shelf, parseDigest(diff_id), check);
  return { Id: row.id, Checked: checked, Bytes: bytes, Faults: faults };
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

function whatIs(row: { readonly id: string; readonly manifest: string | null }, digest: string): string {
  return digest === row.id ? "config" : digest === row.manifest ? "manifest" : "blob";
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
