// What the registry needs to know of a manifest that is pushed: what it names, what it is about (subject), and the
// descriptor that the referrers list shows. More lenient than the engine's reader: a registry keeps artifacts of any
// kind, and digests of any algorithm it knows.

import { createHash } from "node:crypto";
import * as v from "valibot";
import { HoyError } from "../../base/error.ts";
import { optional, readJson } from "../../image/json.ts";
import { RegistryError } from "./errors.ts";
import { type Algorithm, parseAnyDigest } from "./names.ts";
import type { NewManifest } from "./storage.ts";

/** The spec's own floor for what registries must take, and Docker's bound. */
export const MANIFEST_LIMIT = 4 * 1024 * 1024;

const DESCRIPTORS_LIMIT = 10_000;

const descriptor = v.looseObject({
  mediaType: v.pipe(v.string(), v.maxLength(255)),
  digest: v.pipe(
    v.string(),
    v.check((text) => parseAnyDigest(text) !== undefined, "not a sha256 or sha512 digest"),
  ),
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  urls: optional(v.array(v.string())),
});

const descriptors = optional(v.pipe(v.array(descriptor), v.maxLength(DESCRIPTORS_LIMIT)));

const schema = v.looseObject({
  schemaVersion: v.literal(2),
  mediaType: optional(v.string()),
  artifactType: optional(v.pipe(v.string(), v.maxLength(255))),
  config: optional(descriptor),
  layers: descriptors,
  blobs: descriptors,
  manifests: descriptors,
  subject: optional(descriptor),
  annotations: optional(v.record(v.string(), v.string())),
});

/**
 * @param contentType Of the request; "" when it had none.
 * @throws RegistryError MANIFEST_INVALID
 */
export function readManifest(bytes: Uint8Array, contentType: string, algorithm: Algorithm): NewManifest {
  const document = parse(bytes);
  const { config, layers = [], blobs = [], manifests = [] } = document;
  const type = contentType.split(";", 1)[0]?.trim() ?? "";
  const mediaType = type === "" ? document.mediaType : type;
  if (mediaType === undefined || mediaType.length > 255) throw invalid("the manifest has no media type");
  if (document.mediaType !== undefined && document.mediaType !== mediaType)
    throw invalid(`the manifest says it is ${document.mediaType}, the request ${mediaType}`);
  // One document must not be two images to two readers (CVE-2021-41190).
  if (document.manifests !== undefined && (config !== undefined || document.layers !== undefined))
    throw invalid("the manifest has both manifests and layers");
  // Layers with URLs are kept elsewhere (image spec, non-distributable layers).
  const own = [...(config === undefined ? [] : [config]), ...layers, ...blobs].filter((each) => !each.urls?.length);
  return {
    digest: `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`,
    mediaType,
    bytes,
    blobs: [...new Set(own.map(({ digest }) => digest))],
    manifests: [...new Set(manifests.map(({ digest }) => digest))],
    subject: document.subject?.digest,
    // Without its own, an image manifest's artifact type is that of its config (spec.md#listing-referrers).
    artifactType: document.artifactType || config?.mediaType,
    annotations: document.annotations,
  };
}

/** Size that a manifest gives for one of its blobs; undefined when it does not name it. @throws RegistryError */
export function sizeIn(manifest: Uint8Array, digest: string): number | undefined {
  const { config, layers = [], blobs = [] } = parse(manifest);
  return [...(config === undefined ? [] : [config]), ...layers, ...blobs].find((each) => each.digest === digest)?.size;
}

function parse(bytes: Uint8Array): v.InferOutput<typeof schema> {
  try {
    return readJson(schema, bytes, "manifest", MANIFEST_LIMIT);
  } catch (error) {
    if (error instanceof HoyError) throw invalid(error.message, error);
    throw error;
  }
}

function invalid(message: string, cause?: unknown): RegistryError {
  return new RegistryError(400, "MANIFEST_INVALID", message, { cause });
}
