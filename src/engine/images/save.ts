// `save`: images as one tar that is both Docker's archive (manifest.json) and an OCI layout (index.json), over the same
// blobs. Compressed layers go out as they came in, so digests survive. The same images give the same bytes.

import { type Digest, digestHex, isDigest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { annotationKeys, type Descriptor } from "../../image/descriptor.ts";
import { mediaTypes } from "../../image/media-types.ts";
import { type Platform, parsePlatform } from "../../image/platform.ts";
import {
  canonicalString,
  familiarName,
  familiarString,
  imageIdentifier,
  parseReference,
  type Reference,
  repositoryName,
} from "../../image/reference.ts";
import type { ImageRow } from "../../state/images.ts";
import { archiveDirectory, archiveDocument, archiveFile } from "../../storage/tar/archive-entries.ts";
import { END_OF_ARCHIVE } from "../../storage/tar/writer.ts";
import { closing } from "../closing.ts";
import { emitImage, type ImageContext } from "./context.ts";
import { type KeptIndex, keptIndex } from "./kept-index.ts";
import { type ImageManifest, layerPath, manifestOf } from "./manifest-of.ts";
import { checkPlatform, isIdPrefix } from "./resolve.ts";
import type { ImageShelf } from "./shelf.ts";

interface Chosen {
  readonly row: ImageRow;
  /** Tags to save it under. */
  readonly refs: Reference[];
}

interface Prepared extends Chosen {
  readonly diffIds: readonly Digest[];
  readonly manifest: ImageManifest;
  /** By name in full: the indexes that names stand for. */
  readonly indexes: ReadonlyMap<string, KeptIndex>;
}

/** What is asked for and here is known before this resolves; reading the layers comes with the stream. */
export async function saveImages(
  context: ImageContext,
  refs: readonly string[],
  options: { readonly platform: string | undefined; readonly names?: readonly Reference[] },
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const { shelf } = context;
  const platform = options.platform ? parsePlatform(options.platform) : undefined;
  // What is being sent stays until it is sent, even when the image is removed meanwhile.
  await using opening = new AsyncDisposableStack();
  const session = opening.use(shelf.session());
  const prepared: Prepared[] = [];
  for (const { row, refs: own } of choose(shelf, refs, platform)) {
    // What is built only to be sent has names that are not in the store.
    const chosen = { row, refs: options.names === undefined ? own : [...options.names] };
    const config = await shelf.config(chosen.row.id);
    if (platform !== undefined) checkPlatform(chosen.row.id, platform, config);
    const manifest = await manifestOf(shelf, chosen.row);
    await session.useBlob(manifest.config.digest);
    // Fails now, with a status, rather than in the middle of the stream.
    for (const { digest } of manifest.layers) {
      if ((await session.useBlob(digest)) === undefined) await session.useLayer(digest);
      await layerPath(shelf, digest);
    }
    const indexes = new Map<string, KeptIndex>();
    for (const name of platform === undefined ? chosen.refs.map(canonicalString) : []) {
      const index = shelf.table.indexes.of(name);
      if (index !== undefined) indexes.set(name, await keptIndex(shelf, session, index));
    }
    prepared.push({ ...chosen, diffIds: config.rootfs.diff_ids, manifest, indexes });
  }
  return closing(write(context, prepared, signal), opening.move(), signal);
}

/** By name: that tag, or all of a repository's when no tag is given. By id: the image without names. */
function choose(shelf: ImageShelf, refs: readonly string[], platform: Platform | undefined): Chosen[] {
  const chosen = new Map<string, Chosen>();
  const add = (row: ImageRow, ref?: Reference) => {
    const one = chosen.get(row.id) ?? { row, refs: [] };
    const known = one.refs.some((other) => ref !== undefined && canonicalString(other) === canonicalString(ref));
    if (ref?.tag !== undefined && !known) one.refs.push({ ...ref, digest: undefined });
    chosen.set(row.id, one);
  };
  if (refs.length === 0) throw new HoyError("invalid", "no image to save is named");
  for (const text of refs) {
    const ref = imageIdentifier(text) === undefined ? parseReference(text) : undefined;
    const all =
      ref !== undefined && ref.tag === undefined && ref.digest === undefined ? tagsOf(shelf, ref, platform) : [];
    for (const { row, tag } of all) add(row, tag);
    if (all.length > 0) continue;
    const row = shelf.find(text, platform);
    if (ref === undefined || isIdPrefix(row.id, text)) add(row);
    else add(row, ref);
  }
  return [...chosen.values()];
}

function tagsOf(
  shelf: ImageShelf,
  repository: Reference,
  platform: Platform | undefined,
): { row: ImageRow; tag: Reference }[] {
  return shelf.table.names().flatMap(({ name }) => {
    const tag = parseReference(name);
    const fits = tag.digest === undefined && repositoryName(tag) === repositoryName(repository);
    return fits ? [{ row: shelf.find(name, platform), tag }] : [];
  });
}

async function* write(
  context: ImageContext,
  images: readonly Prepared[],
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const { shelf } = context;
  const written = new Set<string>();
  yield archiveDirectory("blobs");
  yield archiveDirectory("blobs/sha256");
  const isNew = (digest: string) => !written.has(digest) && written.add(digest).size > 0;
  for (const { row, manifest, indexes } of images) {
    const kept = [...indexes.values()];
    for (const { digest } of [...manifest.layers, ...kept.flatMap(blobsIn)]) {
      if (digest === row.id || !isNew(digest)) continue;
      yield* archiveFile(blobName(digest), await layerPath(shelf, digest), signal);
    }
    for (const [digest, bytes] of [
      [row.id, await shelf.content.read(manifest.config.digest)],
      [manifest.descriptor.digest, manifest.bytes],
      ...kept.flatMap(documentsIn),
    ] as const) {
      if (isDigest(digest) && isNew(digest)) yield* archiveDocument(blobName(digest), bytes);
    }
    await emitImage(context, "save", row.id);
  }
  yield* archiveDocument("index.json", json(index(images)));
  yield* archiveDocument("manifest.json", json(images.map(manifestItem)));
  yield* archiveDocument("oci-layout", json({ imageLayoutVersion: "1.0.0" }));
  const repositories = repositoriesOf(images);
  if (Object.keys(repositories).length > 0) yield* archiveDocument("repositories", json(repositories));
  yield END_OF_ARCHIVE;
}

function blobsIn({ parts }: KeptIndex): Descriptor[] {
  return parts.flatMap(({ blobs }) => blobs);
}

function documentsIn({ parts, descriptor, bytes }: KeptIndex): (readonly [Digest, Uint8Array])[] {
  return [...parts, { descriptor, bytes }].map((each) => [each.descriptor.digest, each.bytes] as const);
}

function index(images: readonly Prepared[]) {
  const manifests = images.flatMap(({ refs, manifest, indexes }): Descriptor[] => {
    const plain = slim(manifest.descriptor);
    if (refs.length === 0) return [plain];
    return refs.map((ref) => ({
      ...(indexes.get(canonicalString(ref))?.descriptor ?? plain),
      annotations: { [annotationKeys.imageName]: canonicalString(ref), [annotationKeys.refName]: ref.tag ?? "" },
    }));
  });
  return { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests };
}

function manifestItem({ row, refs, diffIds, manifest }: Prepared) {
  const sources = manifest.layers.map((layer, position) => [diffIds[position] ?? "", slim(layer)] as const);
  return {
    Config: blobName(manifest.config.digest),
    RepoTags: refs.length === 0 ? null : refs.map(familiarString),
    Layers: manifest.layers.map((layer) => blobName(layer.digest)),
    ...(row.parent === null ? {} : { Parent: row.parent }),
    LayerSources: Object.fromEntries(sources),
  };
}

/** For readers from before manifest.json: repository → tag → the topmost layer. */
function repositoriesOf(images: readonly Prepared[]): Record<string, Record<string, string>> {
  const result: Record<string, Record<string, string>> = {};
  for (const { refs, manifest } of images) {
    const top = manifest.layers.at(-1);
    if (top === undefined) continue;
    for (const ref of refs) {
      const name = familiarName(ref);
      result[name] = { ...result[name], [ref.tag ?? ""]: digestHex(top.digest) };
    }
  }
  return result;
}

function slim({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

function blobName(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`;
}

function json(value: unknown): Uint8Array {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}
