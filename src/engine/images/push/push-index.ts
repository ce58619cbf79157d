// A push of an index: what it leads to first, blobs before manifests, and itself last, so that nothing incomplete can be
// pulled. It goes byte for byte as it is here.

import { dirname } from "node:path";
import { HoyError } from "../../../base/error.ts";
import { shortId } from "../../../base/id.ts";
import type { RegistrySettings } from "../../../base/settings.ts";
import type { Descriptor } from "../../../image/descriptor.ts";
import { familiarString, type Reference } from "../../../image/reference.ts";
import type { Repository } from "../../../registry/client/repository.ts";
import { handoverKey } from "../../../registry/handover.ts";
import type { IngestSession } from "../collector.ts";
import { keptIndex } from "../kept-index.ts";
import { layerPath } from "../manifest-of.ts";
import type { Say } from "../messages.ts";
import { Slots } from "../pull/shared.ts";
import type { ImageShelf } from "../shelf.ts";
import { pushBlob } from "./push-blob.ts";

/** @throws HoyError "conflict" when not all of it is here. */
export async function pushIndex(
  shelf: ImageShelf,
  session: IngestSession,
  digest: string,
  repository: Repository,
  ref: Reference,
  { settings, mountFrom }: { readonly settings: RegistrySettings; readonly mountFrom: readonly string[] },
  say: Say,
  signal: AbortSignal,
): Promise<Descriptor> {
  const index = await keptIndex(shelf, session, digest);
  if (index.missing.length > 0) {
    throw new HoyError("conflict", `${familiarString(ref)} is not here for ${index.missing.join(", ")}`, {
      hint: "--platform pushes the image of one platform",
    });
  }
  const blobs = new Map(index.parts.flatMap((part) => part.blobs).map((blob) => [blob.digest, blob]));
  const handover = await handoverKey(dirname(dirname(await shelf.content.path(index.descriptor.digest))));
  const how = { mountFrom, attempts: settings.maxDownloadAttempts, handover };
  const slots = new Slots(settings.maxUploads);
  const one = async (descriptor: Descriptor) => {
    const path = await layerPath(shelf, descriptor.digest);
    await pushBlob(repository, { descriptor, path }, shortId(descriptor.digest), how, say, signal);
  };
  await Promise.all([...blobs.values()].map((blob) => slots.run(() => one(blob))));
  for (const { descriptor, bytes } of index.parts) {
    await repository.putManifest(descriptor.digest, descriptor.mediaType, bytes, signal);
  }
  const { descriptor, bytes } = index;
  await repository.putManifest(ref.tag ?? descriptor.digest, descriptor.mediaType, bytes, signal);
  return descriptor;
}
