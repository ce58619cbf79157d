// A result as a registry or a layout takes it: layers packed, a config and a manifest for each platform, attestations
// beside them, and an index above where there is more than one manifest. Everything has its digest before anything is
// sent, and the same result gives the same digests.

import { HoyError } from "../../../../base/error.ts";
import type { Descriptor } from "../../../../image/descriptor.ts";
import { mediaTypes } from "../../../../image/media-types.ts";
import { formatPlatform, hostPlatform, normalizePlatform, type Platform } from "../../../../image/platform.ts";
import type { Packing } from "../../../content/compression.ts";
import { type ContentTarget, type StoredBlob, slim } from "../../../content/place.ts";
import type { LayerSession } from "../../../needs.ts";
import type { Tree } from "../../../solver-contract.ts";
import { type Annotation, annotationsFor } from "./annotations.ts";
import { attestationManifest, type Statement } from "./attestation.ts";
import { type Document, documentOf } from "./document.ts";

export interface ImageToPack {
  readonly tree: Tree;
  /** The config's bytes. */
  readonly config: Uint8Array;
  readonly platform: Platform;
  /** Made of the manifest's digest; [] for none. */
  readonly statements: (subject: Descriptor) => Promise<readonly Statement[]>;
}

export interface Packaged {
  readonly root: Document;
  /** Layers, configs, attestations: sent first. */
  readonly blobs: readonly StoredBlob[];
  /** Manifests that the root names. */
  readonly manifests: readonly Document[];
  /** Those of the images, in the order in which these were given. */
  readonly ofImages: readonly Document[];
}

export interface PackageOptions {
  readonly packing: Packing;
  readonly annotations: readonly Annotation[];
  /** An index even above one manifest. */
  readonly index: boolean;
}

/** @throws HoyError "invalid" for annotations of an index that there is not. */
export async function packageImages(
  images: readonly ImageToPack[],
  { packing, annotations, index }: PackageOptions,
  layers: LayerSession,
  signal: AbortSignal,
): Promise<Packaged> {
  const blobs = new Map<string, StoredBlob>();
  const add = (blob: StoredBlob) => {
    blobs.set(blob.descriptor.digest, blob);
    return slim(blob.descriptor);
  };
  const manifests: Document[] = [];
  const ofImages: Document[] = [];
  const entries: Descriptor[] = [];
  const attested: Descriptor[] = [];
  for (const { tree, config, platform, statements } of images) {
    const name = formatPlatform(platform);
    const packed: Descriptor[] = [];
    for (const diffId of tree.diffIds) packed.push(add(await layers.pack(diffId, packing, signal)));
    const manifest = documentOf({
      schemaVersion: 2,
      mediaType: packing.oci ? mediaTypes.ociManifest : mediaTypes.dockerManifest,
      config: add(await layers.put(config, packing.oci ? mediaTypes.ociConfig : mediaTypes.dockerConfig)),
      layers: packed,
      ...annotationsFor(annotations, "manifest", name),
    });
    manifests.push(manifest);
    ofImages.push(manifest);
    const { os, architecture, variant } = platform;
    entries.push({
      ...manifest.descriptor,
      ...annotationsFor(annotations, "manifest-descriptor", name),
      platform: { architecture, os, ...(variant === undefined ? {} : { variant }) },
    });
    const said = await statements(manifest.descriptor);
    if (said.length === 0) continue;
    const attestation = await attestationManifest(said, manifest.descriptor, layers);
    for (const blob of attestation.blobs) add(blob);
    manifests.push(attestation.manifest);
    attested.push(attestation.entry);
  }
  const [only] = manifests;
  if (only === undefined) throw new HoyError("invalid", "the build has no result to export");
  if (manifests.length === 1 && !index) {
    if (annotations.some(({ level }) => level === "index")) {
      throw new HoyError("invalid", "index annotations not supported for single platform export");
    }
    return { root: only, blobs: [...blobs.values()], manifests: [], ofImages };
  }
  const root = documentOf({
    schemaVersion: 2,
    mediaType: packing.oci ? mediaTypes.ociIndex : mediaTypes.dockerIndex,
    manifests: [...entries, ...attested],
    ...annotationsFor(annotations, "index"),
  });
  return { root, blobs: [...blobs.values()], manifests, ofImages };
}

/** Blobs first, the root last, so that nothing incomplete can be had. */
export async function sendPackage(
  { root, blobs, manifests }: Packaged,
  target: ContentTarget,
  signal: AbortSignal,
): Promise<void> {
  for (const blob of blobs) await target.putBlob(blob, signal);
  for (const { descriptor, bytes } of manifests) await target.putManifest(descriptor, bytes, false, signal);
  await target.putManifest(root.descriptor, root.bytes, true, signal);
}

/** The platform of a result: by the name it goes under, else as its config says. */
export function platformOfConfig({ os, architecture, variant }: Partial<Platform>): Platform {
  return normalizePlatform({
    os: os ?? hostPlatform.os,
    architecture: architecture === undefined || architecture === "" ? hostPlatform.architecture : architecture,
    variant,
  });
}
