// `load`: archives of `docker save`, old and new, and OCI layouts, compressed or not, read as they stream in.

import type { ProgressMessage } from "../../api/backend.ts";
import { type Digest, sha256 } from "../../base/digest.ts";
import { shortId } from "../../base/id.ts";
import type { ImageConfigFile } from "../../image/config.ts";
import type { Descriptor } from "../../image/descriptor.ts";
import { writeManifest } from "../../image/manifest.ts";
import { mediaTypes } from "../../image/media-types.ts";
import { formatPlatform, hostPlatform, parsePlatform } from "../../image/platform.ts";
import { familiarString, parseReference, repositoryName } from "../../image/reference.ts";
import type { ImageIndex } from "../../state/image-indexes.ts";
import type { IngestSession } from "./collector.ts";
import { emitImage, type ImageContext } from "./context.ts";
import { Cargo, type CargoLayer } from "./load-cargo.ts";
import { legacyImages } from "./load-legacy.ts";
import { type PlannedImage, type PlannedIndex, planLoad } from "./load-plan.ts";
import { messagesOf, type Say } from "./messages.ts";

export async function loadImages(
  context: ImageContext,
  body: AsyncIterable<Uint8Array>,
  options: { readonly quiet: boolean; readonly platform: string | undefined },
  signal: AbortSignal,
): Promise<AsyncIterable<ProgressMessage>> {
  const wanted = options.platform ? parsePlatform(options.platform) : undefined;
  return messagesOf(signal, async (say, abort) => {
    await using session = context.shelf.session();
    await using cargo = await Cargo.read(context.shelf, session, body, {
      signal: abort,
      onProgress: (name, current, total) => {
        if (!options.quiet) say({ status: "Loading layer", progressDetail: { current, total }, id: layerLabel(name) });
      },
    });
    const images = (await legacyImages(cargo)) ?? planLoad(cargo, wanted, hostPlatform);
    // All or nothing: every image's layers are checked before the first becomes visible.
    const checked: Checked[] = [];
    for (const image of images) checked.push(await check(cargo, session, image));
    for (const one of checked) await keep(context, session, one, say);
    linkParents(context, checked);
  });
}

interface Checked {
  readonly image: PlannedImage;
  readonly layers: readonly CargoLayer[];
  readonly blobs: readonly Digest[];
  readonly manifest: Digest | undefined;
  /** What its names have after the "@". */
  readonly nameDigest: Digest | undefined;
  /** The other images of the index that its names stand for, and the index's own blobs. */
  readonly index: { readonly others: readonly Checked[]; readonly blobs: readonly Digest[] } | undefined;
}

async function check(cargo: Cargo, session: IngestSession, image: PlannedImage): Promise<Checked> {
  const layers: CargoLayer[] = [];
  for (const [index, diffId] of image.parsed.rootfs.diff_ids.entries()) {
    layers.push(await cargo.layer(image.layers[index] ?? "", diffId));
  }
  const kept = layers.flatMap((layer) => layer.blobs);
  if (image.manifest === undefined || (image.index === undefined && isRemade(image, layers))) {
    return { image, layers, blobs: kept, manifest: undefined, nameDigest: undefined, index: undefined };
  }
  const { digest } = await session.putBlob(image.manifest.bytes);
  const indexes: Digest[] = [];
  for (const bytes of image.indexes) indexes.push((await session.putBlob(bytes)).digest);
  const blobs = [digest, ...indexes, ...kept];
  const index = image.index === undefined ? undefined : await checkIndex(cargo, session, image, image.index);
  return { image, layers, blobs, manifest: digest, nameDigest: indexes[0] ?? digest, index };
}

async function checkIndex(
  cargo: Cargo,
  session: IngestSession,
  image: PlannedImage,
  { bytes, members, documents }: PlannedIndex,
): Promise<Checked["index"]> {
  const others: Checked[] = [];
  const manifests: Uint8Array[] = [];
  for (const member of members) {
    if (member.manifest !== undefined) manifests.push(member.manifest.bytes);
    if (sha256(member.config) !== sha256(image.config)) others.push(await check(cargo, session, member));
  }
  const blobs: Digest[] = [];
  for (const one of [bytes, ...manifests, ...documents]) blobs.push((await session.putBlob(one)).digest);
  return { others, blobs };
}

/** The manifest is the one that save makes for an image that has none of its own; it need not be kept. */
function isRemade(image: PlannedImage, layers: readonly CargoLayer[]): boolean {
  const config: Descriptor = {
    mediaType: mediaTypes.ociConfig,
    digest: sha256(image.config),
    size: image.config.byteLength,
  };
  const made = writeManifest(
    config,
    layers.map(({ layer }) => ({ mediaType: mediaTypes.ociLayer, digest: layer.diffId, size: layer.tarSize })),
  );
  return image.manifest !== undefined && Buffer.compare(made, image.manifest.bytes) === 0;
}

async function keep(context: ImageContext, session: IngestSession, checked: Checked, say: Say): Promise<void> {
  const { shelf } = context;
  const { image, nameDigest } = checked;
  for (const other of checked.index?.others ?? []) await add(context, session, other);
  const id = await add(context, session, checked);
  const index = indexOf(checked);
  for (const name of image.names) {
    const ref = parseReference(name);
    const before = shelf.table.byName(name);
    if (before !== undefined && before !== id) {
      say({
        stream: `The image ${familiarString(ref)} already exists, renaming the old one with ID ${before} to empty string\n`,
      });
    }
    shelf.setName(name, id);
    const byDigest = nameDigest === undefined ? [] : [`${repositoryName(ref)}@${nameDigest}`];
    for (const one of byDigest) shelf.setName(one, id);
    if (index !== undefined) for (const one of [name, ...byDigest]) await shelf.setIndex(one, index);
    say({ stream: `Loaded image: ${familiarString(ref)}\n` });
  }
  if (image.names.length === 0) say({ stream: `Loaded image ID: ${id}\n` });
  await emitImage(context, "load", id);
}

async function add({ shelf }: ImageContext, session: IngestSession, checked: Checked): Promise<Digest> {
  const { image, layers, blobs, manifest } = checked;
  return shelf.add({
    config: image.config,
    layers: layers.map((one) => one.layer),
    blobs,
    packed: layers.flatMap(({ layer, packed }) => (packed === undefined ? [] : [[layer.diffId, packed] as const])),
    manifest,
    parent: undefined,
    session,
  });
}

function indexOf(checked: Checked): ImageIndex | undefined {
  const { index, nameDigest } = checked;
  if (index === undefined || nameDigest === undefined) return undefined;
  const members = [checked, ...index.others].flatMap(({ image: { config, parsed, manifest } }) => {
    const { os, architecture, variant } = parsed;
    const platform = formatPlatform({ os, architecture, variant });
    return manifest === undefined ? [] : [{ image: sha256(config), manifest: sha256(manifest.bytes), platform }];
  });
  return { digest: nameDigest, members, blobs: index.blobs };
}

/** manifest.json says which image was built upon which; believed of images that came along and look like it. */
function linkParents(context: ImageContext, all: readonly Checked[]): void {
  const loaded = new Map(all.map(({ image }) => [sha256(image.config) as string, image.parsed]));
  for (const { image } of all) {
    const parent = image.parent === undefined ? undefined : loaded.get(image.parent);
    if (parent === undefined || image.parent === undefined || !isBuiltUpon(image.parsed, parent)) continue;
    context.shelf.table.setParent(sha256(image.config), image.parent);
  }
}

/** One step of history more, and the same layers below: so parents can't go round in a circle. */
function isBuiltUpon(child: ImageConfigFile, parent: ImageConfigFile): boolean {
  const below = parent.rootfs.diff_ids;
  const sameLayers = below.every((diffId, index) => child.rootfs.diff_ids[index] === diffId);
  return sameLayers && child.history?.length === (parent.history?.length ?? 0) + 1;
}

/** Twelve digits of the layer's digest, or of the directory it lies in. */
function layerLabel(name: string): string {
  const hex = /[0-9a-f]{64}/.exec(name)?.[0];
  return hex === undefined ? name : shortId(hex);
}
