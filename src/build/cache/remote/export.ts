// The cache of one build for elsewhere: its records with their layers as blobs, and a manifest of it all. mode=min takes
// the steps whose layers are in the result, mode=max all of the build's.

import type { Digest } from "../../../base/digest.ts";
import { sha256 } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import type { Descriptor } from "../../../image/descriptor.ts";
import { mediaTypes } from "../../../image/media-types.ts";
import { booleanOf, type Packing } from "../../content/compression.ts";
import { type ContentTarget, type StoredBlob, slim } from "../../content/place.ts";
import type { LayerSession } from "../../needs.ts";
import { CACHE_CONFIG, type CacheConfig, type ConfigLayer, type ConfigRecord, recordKey } from "./config.ts";

/** A record of the cache that a build made or used. */
export interface ExportedRecord {
  readonly key: Digest;
  readonly outputs: readonly (readonly Digest[])[];
  /** RFC 3339. */
  readonly created: string;
}

export type CacheMode = "min" | "max";

export interface ExportOptions {
  readonly mode: CacheMode;
  readonly packing: Packing;
  /** An OCI manifest, whose config is the document; else an index, as older BuildKits wrote. */
  readonly imageManifest: boolean;
}

export interface ExportParts {
  readonly layers: LayerSession;
  readonly target: ContentTarget;
  readonly signal: AbortSignal;
  readonly say: (name: string) => void;
}

/** @throws HoyError "invalid" for what does not go together. */
export function cacheManifestOptions(attrs: Readonly<Record<string, string>>): Pick<ExportOptions, "imageManifest"> {
  const oci = booleanOf(attrs, "oci-mediatypes") ?? true;
  const imageManifest = booleanOf(attrs, "image-manifest") ?? oci;
  if (imageManifest && !oci) {
    throw new HoyError(
      "invalid",
      "invalid configuration for remote cache, OCI mediatypes are required for image-manifest cache format",
    );
  }
  return { imageManifest };
}

/** @throws HoyError "invalid" */
export function cacheModeOf(mode: string | undefined): CacheMode {
  if (mode === undefined || mode === "" || mode === "min") return "min";
  if (mode === "max") return "max";
  throw new HoyError("invalid", `unsupported cache export mode ${mode.slice(0, 100)}: "min" and "max" are there`);
}

/** @returns descriptor of the manifest; undefined: there was nothing to export. */
export async function exportCache(
  records: readonly ExportedRecord[],
  results: readonly (readonly Digest[])[],
  { mode, packing, imageManifest }: ExportOptions,
  { layers, target, signal, say }: ExportParts,
): Promise<Descriptor | undefined> {
  const wanted = mode === "max" ? records : records.filter((record) => isPartOf(record, results));
  const packed = new Map<Digest, StoredBlob>();
  for (const diffId of new Set(wanted.flatMap(({ outputs }) => outputs.flat()))) {
    const blob = await layers.pack(diffId, packing, signal);
    say(`writing layer ${blob.descriptor.digest}`);
    await target.putBlob(blob, signal);
    packed.set(diffId, blob);
  }
  if (packed.size === 0) return undefined;
  const document = configOf(wanted, packed);
  const config = await layers.put(Buffer.from(JSON.stringify(document)), CACHE_CONFIG);
  say(`writing config ${config.descriptor.digest}`);
  await target.putBlob(config, signal);
  const blobs = [...packed.values()].map(({ descriptor }) => slim(descriptor));
  const bytes = Buffer.from(JSON.stringify(manifestOf(config.descriptor, blobs, imageManifest, packing)));
  const { mediaType } = manifestOf(config.descriptor, [], imageManifest, packing);
  const manifest = { mediaType, digest: sha256(bytes), size: bytes.length };
  say(`writing cache ${imageManifest ? "image manifest" : "manifest"} ${manifest.digest}`);
  await target.putManifest(manifest, bytes, true, signal);
  return manifest;
}

/** The records of an image's own layers, for its config; undefined: none of its layers is from a step. */
export function inlineRecords(records: readonly ExportedRecord[], result: readonly Digest[]): Buffer | undefined {
  const found = records.flatMap(({ key, outputs, created }) =>
    outputs.flatMap((chain, output): ConfigRecord[] =>
      chain.length === 0 || !isPrefix(chain, result)
        ? []
        : [{ digest: recordKey(key, output), layers: [{ layer: chain.length - 1, createdAt: created }] }],
    ),
  );
  return found.length === 0 ? undefined : Buffer.from(JSON.stringify(found));
}

function configOf(records: readonly ExportedRecord[], packed: ReadonlyMap<Digest, StoredBlob>): CacheConfig {
  const layers: ConfigLayer[] = [];
  const known = new Map<string, number>();
  const top = (chain: readonly Digest[], created: string): number =>
    chain.reduce((parent, diffId) => {
      const name = `${parent} ${diffId}`;
      const there = known.get(name);
      if (there !== undefined) return there;
      const blob = packed.get(diffId);
      if (blob === undefined) throw new HoyError("internal", `the layer ${diffId} was not packed`);
      const { digest, mediaType, size } = blob.descriptor;
      const at = layers.push({
        blob: digest,
        parent,
        annotations: { mediaType, diffID: diffId, size, createdAt: created },
      });
      known.set(name, at - 1);
      return at - 1;
    }, -1);
  const list = records.flatMap(({ key, outputs, created }) =>
    outputs.flatMap((chain, output): ConfigRecord[] =>
      chain.length === 0
        ? []
        : [{ digest: recordKey(key, output), layers: [{ layer: top(chain, created), createdAt: created }] }],
    ),
  );
  return { layers, records: list };
}

function manifestOf(config: Descriptor, layers: readonly Descriptor[], imageManifest: boolean, { oci }: Packing) {
  if (imageManifest) return { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers };
  const mediaType = oci ? mediaTypes.ociIndex : mediaTypes.dockerIndex;
  return { schemaVersion: 2, mediaType, manifests: [...layers, config] };
}

function isPartOf({ outputs }: ExportedRecord, results: readonly (readonly Digest[])[]): boolean {
  return outputs.some((chain) => chain.length > 0 && results.some((result) => isPrefix(chain, result)));
}

function isPrefix(chain: readonly Digest[], result: readonly Digest[]): boolean {
  return chain.length <= result.length && chain.every((diffId, at) => diffId === result[at]);
}
