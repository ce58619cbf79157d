// GET /distribution/{name}/json: what a registry has under a name, and for which platforms, with nothing stored here.
// Errors are the registry's own, with their status, as Docker passes them on.

import type { DistributionInspect, OCIPlatform } from "../../api/types/image.ts";
import { HoyError } from "../../base/error.ts";
import { type Descriptor, platformSchema } from "../../image/descriptor.ts";
import { readJson } from "../../image/json.ts";
import { parseManifest } from "../../image/manifest.ts";
import { isConfigType } from "../../image/media-types.ts";
import { imageIdentifier, parseReference, type Reference, withDefaultTag } from "../../image/reference.ts";
import type { Repository } from "../../registry/client/repository.ts";
import { readSmallBlob } from "../../registry/client/small-blob.ts";

const CONFIG_LIMIT = 8 * 1024 * 1024;

/**
 * @param open Gives the repository of a name.
 * @throws HoyError "invalid" for what is no name of an image, "unauthorized", "forbidden" and "not-found" as the registry
 *   says them, "unavailable" when it can't be reached.
 */
export async function inspectDistribution(
  open: (ref: Reference) => Repository,
  name: string,
  signal: AbortSignal,
): Promise<DistributionInspect> {
  if (imageIdentifier(name) !== undefined) throw new HoyError("invalid", "no manifest found for full image ID");
  const ref = withDefaultTag(parseReference(name));
  const repository = open(ref);
  const { bytes, digest } = await repository.manifest(ref.digest ?? ref.tag ?? "", signal);
  const document = parseManifest(bytes);
  const platforms =
    document.kind === "index"
      ? document.manifests.flatMap(({ platform }) => (platform === undefined ? [] : [platform]))
      : await platformOfConfig(repository, document.config, signal);
  return {
    Descriptor: { mediaType: document.mediaType, digest, size: bytes.byteLength },
    Platforms: platforms.map(ociPlatform),
  };
}

/** None for what is not an image, such as a chart. */
async function platformOfConfig(
  repository: Repository,
  config: Descriptor,
  signal: AbortSignal,
): Promise<readonly OCIPlatform[]> {
  if (!isConfigType(config.mediaType)) return [];
  const bytes = await readSmallBlob(repository, config.digest, signal);
  const platform = readJson(platformSchema, bytes, "image config", CONFIG_LIMIT);
  return platform.os === "" && platform.architecture === "" ? [] : [platform];
}

/** The members that Docker has, those that say nothing left out. */
function ociPlatform(platform: OCIPlatform): OCIPlatform {
  const { architecture, os, variant, "os.version": version, "os.features": features } = platform;
  return {
    architecture: architecture ?? "",
    os: os ?? "",
    ...(version ? { "os.version": version } : {}),
    ...(features !== undefined && features.length > 0 ? { "os.features": features } : {}),
    ...(variant ? { variant } : {}),
  };
}
