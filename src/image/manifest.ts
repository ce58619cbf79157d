// Manifests and indexes, OCI (image-spec, manifest.md and image-index.md) and Docker schema 2, as one shape each.
// A document that could be read as both is refused: two readers must not see two images in it (CVE-2021-41190).

import * as v from "valibot";
import { HoyError } from "../base/error.ts";
import { annotationKeys, type Descriptor, descriptorSchema } from "./descriptor.ts";
import { optional, readJson } from "./json.ts";
import { isConfigType, isIndexType, isLayerType, isManifestType, mediaTypes } from "./media-types.ts";

/** More layers than any file system here stacks; a bound against nonsense. */
export const LAYER_LIMIT = 1000;
const MANIFEST_LIMIT = 10_000;

const annotations = optional(v.record(v.string(), v.string()));

const documentSchema = v.looseObject({
  schemaVersion: v.literal(2),
  mediaType: optional(v.string()),
  artifactType: optional(v.string()),
  config: optional(descriptorSchema),
  layers: optional(v.pipe(v.array(descriptorSchema), v.maxLength(LAYER_LIMIT))),
  manifests: optional(v.pipe(v.array(descriptorSchema), v.maxLength(MANIFEST_LIMIT))),
  subject: optional(descriptorSchema),
  annotations,
});

export interface Manifest {
  readonly kind: "manifest";
  readonly mediaType: string;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

export interface Index {
  readonly kind: "index";
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
}

/** @throws HoyError "invalid" */
export function parseManifest(bytes: Uint8Array): Manifest | Index {
  const document = readJson(documentSchema, bytes, "manifest");
  const { config, layers, manifests, mediaType } = document;
  if (manifests !== undefined) {
    if (config !== undefined || layers !== undefined) throw invalid("has both manifests and layers");
    if (mediaType !== undefined && !isIndexType(mediaType)) throw invalid(`has manifests, but the type ${mediaType}`);
    return { kind: "index", mediaType: mediaType ?? mediaTypes.ociIndex, manifests };
  }
  if (config === undefined || layers === undefined) throw invalid("has no config or no layers");
  if (mediaType !== undefined && !isManifestType(mediaType)) throw invalid(`has layers, but the type ${mediaType}`);
  return { kind: "manifest", mediaType: mediaType ?? mediaTypes.ociManifest, config, layers };
}

/** Whether the manifest is of an image that can run, and not of an attestation, a chart or another artifact. */
export function isImageManifest(manifest: Manifest): boolean {
  return isConfigType(manifest.config.mediaType) && manifest.layers.every((layer) => isLayerType(layer.mediaType));
}

/** Whether an index's entry says that it is BuildKit's attestation of another entry. */
export function isAttestation(descriptor: Descriptor): boolean {
  return descriptor.annotations?.[annotationKeys.referenceType] === "attestation-manifest";
}

/** The OCI manifest of an image that came without one. The same input gives the same bytes. */
export function writeManifest(config: Descriptor, layers: readonly Descriptor[]): Uint8Array {
  const slim = ({ mediaType, digest, size }: Descriptor) => ({ mediaType, digest, size });
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: slim(config),
    layers: layers.map(slim),
  };
  return new TextEncoder().encode(JSON.stringify(document));
}

function invalid(fault: string): HoyError {
  return new HoyError("invalid", `the manifest is not valid: it ${fault}`);
}
