// The build cache as it travels: BuildKit's document `application/vnd.buildkit.cacheconfig.v0` (its
// cache/remotecache/v1/doc.go). It lists layers, each upon another, and records, each a key with the layers that stand
// for its result. Ours name their inputs in their key alone, so none has inputs here.

import * as v from "valibot";
import { type Digest, sha256 } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import { digestSchema } from "../../../image/descriptor.ts";
import { optional, readJson } from "../../../image/json.ts";

export const CACHE_CONFIG = "application/vnd.buildkit.cacheconfig.v0";
/** Member of an image's config that holds the records of an inline cache, in base64. */
export const INLINE_CACHE = "moby.buildkit.cache.v0";

const MAX_LAYERS = 50_000;
const MAX_RECORDS = 100_000;
const MAX_CHAIN = 1000;
/** Bytes of a document. */
export const DOCUMENT_LIMIT = 32 * 1024 * 1024;

const index = v.pipe(v.number(), v.safeInteger());
const resultSchema = v.looseObject({ layer: index, createdAt: optional(v.string()) });
const recordSchema = v.looseObject({
  digest: optional(v.string()),
  layers: optional(v.pipe(v.array(resultSchema), v.maxLength(MAX_CHAIN))),
  chains: optional(
    v.array(v.looseObject({ layers: v.pipe(v.array(index), v.maxLength(MAX_CHAIN)), createdAt: optional(v.string()) })),
  ),
  /** Of BuildKit's own records: which records its inputs are. Ours have none. */
  inputs: optional(v.array(v.nullish(v.array(v.looseObject({ link: optional(index) })), []))),
});
const recordsSchema = v.pipe(v.array(recordSchema), v.maxLength(MAX_RECORDS));
const layerSchema = v.looseObject({
  blob: digestSchema,
  // Go leaves a zero out.
  parent: v.nullish(index, 0),
  annotations: optional(
    v.looseObject({
      mediaType: optional(v.string()),
      diffID: optional(digestSchema),
      size: optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0))),
      createdAt: optional(v.string()),
    }),
  ),
});
const configSchema = v.looseObject({
  layers: optional(v.pipe(v.array(layerSchema), v.maxLength(MAX_LAYERS))),
  records: optional(recordsSchema),
});

export type CacheConfig = v.InferOutput<typeof configSchema>;
export type ConfigLayer = v.InferOutput<typeof layerSchema>;
export type ConfigRecord = v.InferOutput<typeof recordSchema>;

/** @throws HoyError "invalid" */
export function parseCacheConfig(bytes: Uint8Array): CacheConfig {
  return readJson(configSchema, bytes, "build cache", DOCUMENT_LIMIT);
}

/** The records in an image's config. @throws HoyError "invalid" */
export function parseInlineRecords(bytes: Uint8Array): ConfigRecord[] {
  return readJson(recordsSchema, bytes, "inline build cache", DOCUMENT_LIMIT);
}

/** What an output of a step is called in the document. */
export function recordKey(key: Digest, output: number): Digest {
  return sha256(`${key}@${output}`);
}

/** Indexes of a layer and all below it, bottom first. @throws HoyError "invalid" for one that is not there, or a circle. */
export function chainOf(layers: readonly ConfigLayer[], top: number): number[] {
  const chain: number[] = [];
  for (let at = top; at >= 0; ) {
    const layer = layers[at];
    if (layer === undefined || chain.length >= MAX_CHAIN) throw new HoyError("invalid", "the build cache is damaged");
    chain.unshift(at);
    at = layer.parent;
  }
  return chain;
}
