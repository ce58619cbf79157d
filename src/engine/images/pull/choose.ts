// From a name at a registry to the one manifest for this platform: the index is followed, everything is checked.

import type { Digest } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import type { Descriptor } from "../../../image/descriptor.ts";
import { isAttestation, isImageManifest, type Manifest, parseManifest } from "../../../image/manifest.ts";
import { formatPlatform, type Platform, platformRank } from "../../../image/platform.ts";
import type { Repository } from "../../../registry/client/repository.ts";

export interface Chosen {
  /** What the name stands for: the index's digest where there is one. */
  readonly digest: Digest;
  readonly manifest: Manifest;
  readonly manifestDigest: Digest;
  readonly manifestBytes: Uint8Array;
  /** The documents that were read, outermost first. */
  readonly documents: readonly Uint8Array[];
}

export async function chooseManifest(
  repository: Repository,
  reference: string,
  platform: Platform,
  signal: AbortSignal,
): Promise<Chosen> {
  const top = await repository.manifest(reference, signal);
  const document = parseManifest(top.bytes);
  if (document.kind === "manifest") {
    return checked({
      digest: top.digest,
      manifest: document,
      manifestDigest: top.digest,
      manifestBytes: top.bytes,
      documents: [top.bytes],
    });
  }
  const wanted = bestOf(document.manifests, platform);
  if (wanted === undefined) {
    throw new HoyError(
      "not-found",
      `no matching manifest for ${formatPlatform(platform)} in the manifest list entries`,
      {
        hint: `there is: ${document.manifests
          .filter((one) => !isAttestation(one))
          .map(nameOf)
          .slice(0, 20)
          .join(", ")}`,
      },
    );
  }
  const inner = await repository.manifest(wanted.digest, signal);
  const manifest = parseManifest(inner.bytes);
  if (manifest.kind !== "manifest") throw new HoyError("invalid", "the index leads to another index");
  return checked({
    digest: top.digest,
    manifest,
    manifestDigest: inner.digest,
    manifestBytes: inner.bytes,
    documents: [top.bytes, inner.bytes],
  });
}

function checked(chosen: Chosen): Chosen {
  if (isImageManifest(chosen.manifest)) return chosen;
  throw new HoyError("invalid", `this is not an image to run but an artifact (${chosen.manifest.config.mediaType})`);
}

/** The entry that fits best; one without a platform fits any. */
function bestOf(entries: readonly Descriptor[], platform: Platform): Descriptor | undefined {
  const ranked = entries.flatMap((entry) => {
    if (isAttestation(entry)) return [];
    const rank = entry.platform === undefined ? Number.MAX_SAFE_INTEGER : platformRank(platform, entry.platform);
    return rank === undefined ? [] : [{ entry, rank }];
  });
  return ranked.toSorted((a, b) => a.rank - b.rank)[0]?.entry;
}

function nameOf(entry: Descriptor): string {
  return entry.platform === undefined ? "unknown" : formatPlatform(entry.platform);
}
