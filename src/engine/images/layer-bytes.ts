// A layer's tar as a stream, from whatever of it is here: the driver's file, the tar as a blob, or its compressed form.

import { createReadStream } from "node:fs";
import type { Digest } from "../../base/digest.ts";
import { parseDigest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { decompress } from "../../storage/decompress.ts";
import type { ImageShelf } from "./shelf.ts";

/** @throws HoyError "not-found" when nothing of it is here but what a driver unpacked. */
export async function layerBytes(
  shelf: ImageShelf,
  diffId: Digest,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const tar = await shelf.driver.layerTar(diffId);
  if (tar !== undefined) return createReadStream(tar, { highWaterMark: 1024 * 1024, signal });
  if ((await shelf.content.size(diffId)) !== undefined) return shelf.content.stream(diffId);
  const packed = shelf.table.layerBlob(diffId);
  const digest = packed === null ? undefined : parseDigest(packed.digest);
  if (digest === undefined || (await shelf.content.size(digest)) === undefined)
    throw new HoyError("not-found", `the tar of layer ${diffId} is not here`);
  return decompress(await shelf.content.stream(digest), { signal });
}
