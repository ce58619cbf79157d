// A cache from elsewhere: its document is read at once, its layers when a step is found in it. What BuildKit exported is
// read as well: its documents are understood, but its keys are made another way than ours, so its records match no step.

import { type Digest, isDigest } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import { parseConfig } from "../../../image/config.ts";
import type { Descriptor } from "../../../image/descriptor.ts";
import { type Manifest, parseManifest } from "../../../image/manifest.ts";
import { isIndexType } from "../../../image/media-types.ts";
import { decompress } from "../../../storage/decompress.ts";
import type { ContentSource } from "../../content/place.ts";
import type { LayerSession } from "../../needs.ts";
import {
  CACHE_CONFIG,
  type CacheConfig,
  type ConfigRecord,
  chainOf,
  DOCUMENT_LIMIT,
  INLINE_CACHE,
  parseCacheConfig,
  parseInlineRecords,
  recordKey,
} from "./config.ts";

/** Results of a step in a cache from elsewhere. */
export interface ImportedResult {
  /** Of each output, bottom first. */
  readonly outputs: readonly (readonly Digest[])[];
  /** Brings the layers that are not here. @returns bytes that were added. */
  fetch(layers: LayerSession, signal: AbortSignal): Promise<number>;
}

export interface CacheImport {
  readonly name: string;
  /** Records in it. */
  readonly size: number;
  find(key: Digest): ImportedResult | undefined;
}

export interface ImportedLayer {
  readonly blob: Descriptor;
  readonly diffId: Digest;
}

const MAX_MANIFESTS = 100;
/** Outputs of one step. */
const MAX_OUTPUTS = 1000;

/** @throws HoyError "invalid", "not-found", "too-large" */
export async function importCache(source: ContentSource, signal: AbortSignal): Promise<CacheImport> {
  const chains = new Map<string, readonly ImportedLayer[]>();
  const root = await source.root(signal);
  const config = cacheConfigOf(root);
  if (config !== undefined) {
    const document = parseCacheConfig(await source.read(config.config, DOCUMENT_LIMIT, signal));
    const blobs = new Map(config.blobs.map((blob) => [blob.digest, blob]));
    addRecords(chains, document.records ?? [], (top) => layersOf(document, blobs, top));
  } else {
    for (const manifest of await imagesOf(root, source, signal)) await addInline(chains, manifest, source, signal);
  }
  return {
    name: source.name,
    size: chains.size,
    find(key) {
      const outputs: (readonly ImportedLayer[])[] = [];
      while (outputs.length < MAX_OUTPUTS) {
        const chain = chains.get(recordKey(key, outputs.length));
        if (chain === undefined) break;
        outputs.push(chain);
      }
      return outputs.length === 0 ? undefined : resultOf(outputs, source);
    },
  };
}

function resultOf(outputs: readonly (readonly ImportedLayer[])[], source: ContentSource): ImportedResult {
  return {
    outputs: outputs.map((chain) => chain.map(({ diffId }) => diffId)),
    fetch: (layers, signal) => fetchLayers(outputs.flat(), source, layers, signal),
  };
}

/** Those that are not here. @returns bytes that were added. @throws HoyError "invalid" for one that is another. */
export async function fetchLayers(
  chain: readonly ImportedLayer[],
  source: ContentSource,
  layers: LayerSession,
  signal: AbortSignal,
): Promise<number> {
  let added = 0;
  for (const { blob, diffId } of chain) {
    if ((await layers.use(diffId)) !== undefined) continue;
    const layer = await layers.add(wholly(source.stream(blob, signal), signal), signal);
    if (layer.diffId !== diffId) {
      throw new HoyError("invalid", `a layer of ${source.name} is ${layer.diffId}, not ${diffId}`);
    }
    added += layer.size;
  }
  return added;
}

/** Decompressed; and read to the packed form's end, where its digest is checked. */
async function* wholly(packed: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  const iterator = packed[Symbol.asyncIterator]();
  const shared: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) };
  yield* decompress(shared, { signal });
  while ((await iterator.next()).done !== true) signal.throwIfAborted();
}

/** The document's descriptor and the layers' blobs; undefined: it is an image, not a cache. */
function cacheConfigOf(root: Uint8Array): { config: Descriptor; blobs: readonly Descriptor[] } | undefined {
  const manifest = parseManifest(root);
  if (manifest.kind === "index") {
    const config = manifest.manifests.find(({ mediaType }) => mediaType === CACHE_CONFIG);
    return config === undefined ? undefined : { config, blobs: manifest.manifests.filter((each) => each !== config) };
  }
  const { config, layers } = manifest;
  return config.mediaType === CACHE_CONFIG ? { config, blobs: layers } : undefined;
}

/** None when one of them is missing. */
function layersOf(
  { layers = [] }: CacheConfig,
  blobs: ReadonlyMap<Digest, Descriptor>,
  top: number,
): readonly ImportedLayer[] {
  const chain: ImportedLayer[] = [];
  for (const at of chainOf(layers, top)) {
    const layer = layers[at];
    const blob = layer === undefined ? undefined : blobs.get(layer.blob);
    const diffId = layer?.annotations?.diffID;
    if (blob === undefined || diffId === undefined) return [];
    chain.push({ blob, diffId });
  }
  return chain;
}

/** Records with inputs are BuildKit's: their digest alone says nothing. Those with gaps in their layers are left out. */
function addRecords(
  chains: Map<string, readonly ImportedLayer[]>,
  records: readonly ConfigRecord[],
  chainFrom: (top: number) => readonly ImportedLayer[],
): void {
  for (const { digest, layers = [], inputs = [] } of records) {
    const [result] = layers;
    if (digest === undefined || !isDigest(digest) || result === undefined || inputs.length > 0) continue;
    const chain = chainFrom(result.layer);
    if (chain.length > 0) chains.set(digest, chain);
  }
}

async function imagesOf(root: Uint8Array, source: ContentSource, signal: AbortSignal): Promise<Manifest[]> {
  const manifest = parseManifest(root);
  if (manifest.kind === "manifest") return [manifest];
  if (manifest.manifests.length > MAX_MANIFESTS) throw new HoyError("too-large", "an index of too many images");
  const found: Manifest[] = [];
  for (const each of manifest.manifests) {
    if (isIndexType(each.mediaType)) continue;
    const inner = parseManifest(await source.read(each, DOCUMENT_LIMIT, signal));
    if (inner.kind === "manifest") found.push(inner);
  }
  return found;
}

async function addInline(
  chains: Map<string, readonly ImportedLayer[]>,
  { config, layers }: Manifest,
  source: ContentSource,
  signal: AbortSignal,
): Promise<void> {
  const bytes = await source.read(config, DOCUMENT_LIMIT, signal);
  // An attestation's config is no image's.
  if (layers.length === 0 || layers.some(({ mediaType }) => mediaType.includes("in-toto"))) return;
  const { [INLINE_CACHE]: inline, rootfs } = parseConfig(bytes);
  const { diff_ids: diffIds } = rootfs;
  if (inline === undefined || diffIds.length !== layers.length) return;
  addRecords(chains, parseInlineRecords(Buffer.from(inline, "base64")), (top) =>
    layers.slice(0, top + 1).flatMap((blob, at) => {
      const diffId = diffIds[at];
      return diffId === undefined ? [] : [{ blob, diffId }];
    }),
  );
}
