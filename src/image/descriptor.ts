// A descriptor: digest, size and type of a blob (image-spec, descriptor.md), and the platform it is for.

import * as v from "valibot";
import { type Digest, isDigest } from "../base/digest.ts";
import { optional } from "./json.ts";

export const digestSchema = v.pipe(
  v.string(),
  v.check((text) => isDigest(text), "not a sha256 digest"),
  v.transform((text) => text as Digest),
);

const annotationsSchema = v.pipe(
  v.record(v.string(), v.string()),
  v.check((map) => Object.keys(map).length <= 1000, "more than 1000 annotations"),
);

export const platformSchema = v.looseObject({
  architecture: v.fallback(v.string(), ""),
  os: v.fallback(v.string(), ""),
  "os.version": optional(v.string()),
  "os.features": optional(v.array(v.string())),
  variant: optional(v.string()),
});

export const descriptorSchema = v.looseObject({
  mediaType: v.pipe(v.string(), v.maxLength(255)),
  digest: digestSchema,
  size: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  urls: optional(v.array(v.string())),
  annotations: optional(annotationsSchema),
  data: optional(v.string()),
  platform: optional(platformSchema),
  artifactType: optional(v.string()),
});

export type Descriptor = v.InferOutput<typeof descriptorSchema>;

/** Annotations that archives carry names in. */
export const annotationKeys = {
  /** The whole name, normalised; written by containerd and by us. */
  imageName: "io.containerd.image.name",
  /** A tag or a whole name, as the writer liked (image-spec, annotations.md). */
  refName: "org.opencontainers.image.ref.name",
  /** "attestation-manifest" marks BuildKit's provenance beside an image. */
  referenceType: "vnd.docker.reference.type",
  referenceDigest: "vnd.docker.reference.digest",
} as const;
