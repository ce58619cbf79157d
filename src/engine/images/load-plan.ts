// Which images an archive holds: from its OCI index, from Docker's manifest.json, or from the `repositories` file of
// very old ones. An archive that has several of these describes the same images in each; they are put together by their
// config's digest.

import * as v from "valibot";
import { type Digest, digestHex, sha256 } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { type ImageConfigFile, parseConfig } from "../../image/config.ts";
import { annotationKeys, type Descriptor } from "../../image/descriptor.ts";
import { optional, readJson } from "../../image/json.ts";
import { isAttestation, isImageManifest, LAYER_LIMIT, type Manifest, parseManifest } from "../../image/manifest.ts";
import { isIndexType } from "../../image/media-types.ts";
import { formatPlatform, type Platform, platformRank } from "../../image/platform.ts";
import { canonicalString, parseReference, tryParseReference, withDefaultTag } from "../../image/reference.ts";
import type { Cargo } from "./load-cargo.ts";

export interface PlannedImage {
  readonly config: Uint8Array;
  readonly parsed: ImageConfigFile;
  /** Names in the archive, bottom first. */
  readonly layers: readonly string[];
  /** Normalised. */
  readonly names: readonly string[];
  readonly manifest: { readonly bytes: Uint8Array; readonly document: Manifest } | undefined;
  /** Indexes that led to the manifest, outermost first: the name's digest is the first one's. */
  readonly indexes: readonly Uint8Array[];
  /** All that its index holds here, where that is more than this image; see `PlannedIndex`. */
  readonly index: PlannedIndex | undefined;
  /** As manifest.json has it. */
  readonly parent: string | undefined;
}

/** An index that the names stand for, with the images of other platforms and the attestations that came along. */
export interface PlannedIndex {
  readonly bytes: Uint8Array;
  /** The image that the names lead to is one of them. */
  readonly members: readonly PlannedImage[];
  /** Attestations' manifests, and what they name. */
  readonly documents: readonly Uint8Array[];
}

/** @param wanted Only images for this platform; undefined: of each name the one that fits this machine best. */
export function planLoad(cargo: Cargo, wanted: Platform | undefined, host: Platform): PlannedImage[] {
  const docker = fromManifestJson(cargo);
  const oci = fromIndex(cargo, { platform: wanted ?? host, alone: wanted !== undefined });
  if (docker === undefined && oci === undefined) {
    throw new HoyError("invalid", "invalid archive: does not contain a manifest.json", {
      hint: "this is how `docker save` names its table of contents; for the tar of a root file system use import",
    });
  }
  const images = merge([...(oci ?? []), ...(docker ?? [])]);
  for (const { parsed } of images) {
    if (parsed.os !== "linux") throw new HoyError("invalid", `cannot load ${parsed.os} image on linux`);
  }
  if (wanted === undefined) return images;
  const fitting = images.filter(({ parsed }) => platformRank(wanted, platformOf(parsed)) !== undefined);
  if (fitting.length === 0 && images.length > 0) {
    throw new HoyError("not-found", `the archive has no image for the platform ${formatPlatform(wanted)}`);
  }
  return fitting;
}

function merge(images: readonly PlannedImage[]): PlannedImage[] {
  const byConfig = new Map<Digest, PlannedImage>();
  for (const image of images) {
    const id = sha256(image.config);
    const first = byConfig.get(id);
    if (first === undefined) byConfig.set(id, image);
    else {
      const names = [...new Set([...first.names, ...image.names])];
      byConfig.set(id, { ...first, names, parent: first.parent ?? image.parent });
    }
  }
  return [...byConfig.values()];
}

// ── docker save ───────────────────────────────────────────────────────────────────────────────────────────────────

const manifestJson = v.array(
  v.object({
    Config: v.string(),
    RepoTags: optional(v.array(v.string())),
    Layers: optional(v.pipe(v.array(v.string()), v.maxLength(LAYER_LIMIT))),
    Parent: optional(v.string()),
  }),
);

function fromManifestJson(cargo: Cargo): PlannedImage[] | undefined {
  const bytes = cargo.document("manifest.json");
  if (bytes === undefined) return undefined;
  return readJson(manifestJson, bytes, "archive's manifest.json").map((item): PlannedImage => {
    const config = cargo.document(item.Config);
    if (config === undefined) throw new HoyError("invalid", `invalid archive: the config ${item.Config} is missing`);
    const parsed = parseConfig(config);
    const layers = item.Layers ?? [];
    const expected = parsed.rootfs.diff_ids.length;
    if (layers.length !== expected) {
      throw new HoyError(
        "invalid",
        `invalid manifest, layers length mismatch: expected ${layers.length}, got ${expected}`,
      );
    }
    return {
      config,
      parsed,
      layers,
      names: (item.RepoTags ?? []).map(taggedName),
      manifest: undefined,
      indexes: [],
      index: undefined,
      parent: item.Parent,
    };
  });
}

function taggedName(text: string): string {
  const ref = parseReference(text);
  if (ref.tag === undefined || ref.digest !== undefined) throw new HoyError("invalid", `invalid tag "${text}"`);
  return canonicalString(ref);
}

// ── OCI layout ────────────────────────────────────────────────────────────────────────────────────────────────────

/** Indexes in indexes, deeper than any tool writes them. */
const DEPTH_LIMIT = 4;

interface Wanted {
  readonly platform: Platform;
  /** Of an index only the image that fits it best, and nothing else. */
  readonly alone: boolean;
}

function fromIndex(cargo: Cargo, wanted: Wanted): PlannedImage[] | undefined {
  const bytes = cargo.document("index.json");
  if (bytes === undefined || !cargo.has("oci-layout")) return undefined;
  const index = parseManifest(bytes);
  if (index.kind !== "index") throw new HoyError("invalid", "invalid archive: its index.json is not an index");
  const found = index.manifests.flatMap((entry) =>
    follow(cargo, entry, wanted, 0).map((image) => ({ ...image, names: namesIn(entry) })),
  );
  // The same name for several platforms, side by side: the one that fits best has it.
  return found.filter((image) => isBest(image, found, wanted.platform));
}

function follow(cargo: Cargo, entry: Descriptor, wanted: Wanted, depth: number): PlannedImage[] {
  if (isAttestation(entry)) return [];
  // Archives may list what they leave out, for instance other platforms.
  const bytes = blob(cargo, entry.digest);
  if (bytes === undefined) return [];
  const document = parseManifest(bytes);
  if (document.kind === "manifest") {
    if (isIndexType(entry.mediaType)) throw new HoyError("invalid", `invalid archive: ${entry.digest} is not an index`);
    const image = imageOf(cargo, document, bytes);
    return image === undefined ? [] : [image];
  }
  if (depth >= DEPTH_LIMIT) throw new HoyError("invalid", "invalid archive: its indexes are nested too deeply");
  const { platform, alone } = wanted;
  const images = document.manifests.flatMap((inner) => follow(cargo, inner, wanted, depth + 1));
  const best = pickBest(images, platform);
  if (best === undefined && images.length > 0) {
    throw new HoyError("not-found", `the archive has no image for the platform ${formatPlatform(platform)}`);
  }
  if (best === undefined) return [];
  const indexes = [bytes, ...best.indexes];
  // What is kept as a whole is what the name stands for; of indexes within it each gives its best image.
  if (alone || depth > 0) return [{ ...best, indexes }];
  const members = images.filter(({ parsed }) => parsed.os === "linux");
  const documents = document.manifests.filter(isAttestation).flatMap((inner) => attestation(cargo, inner));
  const isMore = members.length > 1 || documents.length > 0;
  return [{ ...best, indexes, index: isMore ? { bytes, members, documents } : undefined }];
}

/** The manifest and what it names; nothing when a part is not in the archive. */
function attestation(cargo: Cargo, entry: Descriptor): Uint8Array[] {
  const bytes = blob(cargo, entry.digest);
  const manifest = bytes === undefined ? undefined : parseManifest(bytes);
  if (bytes === undefined || manifest?.kind !== "manifest") return [];
  const parts = [manifest.config, ...manifest.layers].map(({ digest }) => blob(cargo, digest));
  const here = parts.filter((part) => part !== undefined);
  return here.length === parts.length ? [bytes, ...here] : [];
}

/** Undefined when it is no image, or its config or a layer is not in the archive. */
function imageOf(cargo: Cargo, document: Manifest, bytes: Uint8Array): PlannedImage | undefined {
  if (!isImageManifest(document)) return undefined;
  const config = blob(cargo, document.config.digest);
  if (config === undefined) return undefined;
  const parsed = parseConfig(config);
  if (parsed.rootfs.diff_ids.length !== document.layers.length) {
    throw new HoyError(
      "invalid",
      `invalid manifest, layers length mismatch: expected ${document.layers.length}, got ${parsed.rootfs.diff_ids.length}`,
    );
  }
  const layers = document.layers.map((layer) => blobName(layer.digest));
  const manifest = { bytes, document };
  return { config, parsed, layers, names: [], manifest, indexes: [], index: undefined, parent: undefined };
}

/** A document under its digest, which is checked. */
function blob(cargo: Cargo, digest: Digest): Uint8Array | undefined {
  const bytes = cargo.document(blobName(digest));
  if (bytes !== undefined && sha256(bytes) !== digest) {
    throw new HoyError("invalid", `invalid archive: wrong digest: expected ${digest}, got ${sha256(bytes)}`);
  }
  return bytes;
}

function blobName(digest: Digest): string {
  return `blobs/sha256/${digestHex(digest)}`;
}

/** containerd's annotation, or the OCI one where it is a whole name; a tag alone names nothing. */
function namesIn(entry: Descriptor): string[] {
  const whole = entry.annotations?.[annotationKeys.imageName];
  const short = entry.annotations?.[annotationKeys.refName];
  const text = whole ?? (short !== undefined && /[:/]/.test(short) ? short : undefined);
  const ref = text === undefined ? undefined : tryParseReference(text);
  if (ref === undefined || ref.digest !== undefined) return [];
  return [canonicalString(withDefaultTag(ref))];
}

function isBest(image: PlannedImage, all: readonly PlannedImage[], platform: Platform): boolean {
  const [name] = image.names;
  if (name === undefined) return true;
  const same = all.filter((other) => other.names.includes(name));
  return same.length === 1 || pickBest(same, platform) === image;
}

function pickBest(images: readonly PlannedImage[], platform: Platform): PlannedImage | undefined {
  const ranked = images.flatMap((image) => {
    const rank = platformRank(platform, platformOf(image.parsed));
    return rank === undefined ? [] : [{ image, rank }];
  });
  return ranked.sort((a, b) => a.rank - b.rank)[0]?.image;
}

function platformOf(config: ImageConfigFile): Platform {
  return { os: config.os, architecture: config.architecture, variant: config.variant };
}
