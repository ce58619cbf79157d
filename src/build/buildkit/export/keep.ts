// A packaged result into the engine's store: the image that this machine runs best under the names, and where there are
// images of other platforms or attestations, all of them, with the index that the names stand for.

import type { Digest } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import { formatPlatform, hostPlatform, type Platform, platformRank } from "../../../image/platform.ts";
import type { ImageIndex } from "../../../state/image-indexes.ts";
import type { LayerSession } from "../../needs.ts";
import type { BuildkitNeeds } from "../needs.ts";
import type { Packaged } from "./package/package.ts";
import type { PackedResult } from "./packing.ts";

/** @returns the id of the image that the names lead to. */
export async function keepPackage(
  { packaged, images }: PackedResult,
  needs: BuildkitNeeds,
  layers: LayerSession,
  names: readonly string[],
): Promise<Digest> {
  const members: ImageIndex["members"][number][] = [];
  const ofMembers = new Set<string>();
  const chosen = chooseForHost(images.map(({ platform }) => platform));
  let named: Digest | undefined;
  for (const [at, image] of images.entries()) {
    const manifest = packaged.ofImages[at];
    if (manifest === undefined) throw new HoyError("internal", "an image of the build has no manifest");
    const { mediaType, digest } = manifest.descriptor;
    await layers.put(manifest.bytes, mediaType);
    const document = JSON.parse(Buffer.from(manifest.bytes).toString()) as PackedManifest;
    const blobs = [digest, ...document.layers.map((layer) => layer.digest)];
    for (const blob of [...blobs, document.config.digest]) ofMembers.add(blob);
    const own = at === chosen ? names : [];
    const id = await needs.images.store({ ...image, names: own, packaged: { manifest: digest, blobs } });
    if (at === chosen) named = id;
    members.push({ image: id, manifest: digest, platform: formatPlatform(image.platform) });
  }
  if (named === undefined) throw new HoyError("internal", "the build has no image to keep");
  if (packaged.manifests.length > 0)
    await needs.images.index(names, await indexOf(packaged, members, ofMembers, layers));
  return named;
}

interface PackedManifest {
  readonly config: { readonly digest: Digest };
  readonly layers: readonly { readonly digest: Digest }[];
}

/** Place of the platform that fits this machine best; of none that does, the first. */
function chooseForHost(platforms: readonly Platform[]): number {
  const ranks = platforms.map((platform) => platformRank(hostPlatform, platform) ?? Number.POSITIVE_INFINITY);
  return Math.max(ranks.indexOf(Math.min(...ranks)), 0);
}

async function indexOf(
  { root, manifests, blobs }: Packaged,
  members: ImageIndex["members"],
  ofMembers: ReadonlySet<string>,
  layers: LayerSession,
): Promise<ImageIndex> {
  const documents = [root, ...manifests];
  for (const { bytes, descriptor } of documents) await layers.put(bytes, descriptor.mediaType);
  const all = [...documents, ...blobs].map(({ descriptor }) => descriptor.digest);
  return { digest: root.descriptor.digest, members, blobs: all.filter((digest) => !ofMembers.has(digest)) };
}
