// A named context that is an image in an OCI layout of the client (`oci-layout://STORE@DIGEST`): its manifest for the
// build's platform is chosen, and the layers that are not here are fetched from the client.

import { HoyError } from "../../../base/error.ts";
import { parseConfig } from "../../../image/config.ts";
import type { Descriptor } from "../../../image/descriptor.ts";
import { isAttestation, isImageManifest, type Manifest, parseManifest } from "../../../image/manifest.ts";
import { formatPlatform, type Platform, parsePlatform, platformRank } from "../../../image/platform.ts";
import { fetchLayers } from "../../cache/remote/import.ts";
import type { ContentSource } from "../../content/place.ts";
import type { BuildContext } from "../../frontend/options.ts";
import { vertex } from "../../graph.ts";
import { treeOf } from "../../solver/digests.ts";
import { missing } from "../llb/values.ts";
import { type Attributes, buildPlatform } from "./attributes.ts";
import type { ContextParts } from "./contexts.ts";

const LIMIT = 4 * 1024 * 1024;

/** @throws HoyError "invalid", "not-found" without a manifest for the platform. */
export async function ociContext(
  name: string,
  value: string,
  attrs: Attributes,
  { store, layers, options, trees }: ContextParts,
): Promise<BuildContext> {
  const [, id, digest] = /^oci-layout:\/\/([^@/]{1,200})@(sha256:[0-9a-f]{64})$/.exec(value) ?? [];
  if (id === undefined || digest === undefined) {
    throw new HoyError("invalid", `invalid OCI layout ${value.slice(0, 200)} for ${name}: STORE@DIGEST is needed`);
  }
  const platforms = (attrs.platform ?? "").split(",").filter((each) => each !== "");
  if (platforms.length > 1) throw missing("an OCI layout as a context of a build for several platforms");
  const platform = platforms[0] === undefined ? buildPlatform : parsePlatform(platforms[0]);
  const { signal } = options;
  const source = await store(`oci:${id}`, digest);
  const manifest = await manifestFor(platform, await source.root(signal), source, signal);
  const config = parseConfig(await source.read(manifest.config, LIMIT, signal));
  const { diff_ids: diffIds } = config.rootfs;
  if (diffIds.length !== manifest.layers.length) throw new HoyError("invalid", "the image's config has other layers");
  const chain = manifest.layers.map((blob, index) => ({ blob, diffId: diffIds[index] ?? blob.digest }));
  await fetchLayers(chain, source, layers, signal);
  // The session of the build has this tree under a name that no directory of the client can have.
  const local = `oci-layout\n${manifest.config.digest}`;
  trees.set(local, treeOf(diffIds));
  const tree = { kind: "source", type: "local", name: local, include: [], exclude: [], followPaths: [] } as const;
  const shown = { platform, name: `[context ${name}] ${value}`, ignoreCache: false, lines: undefined };
  return { type: "result", input: { vertex: vertex(tree, [], shown), output: 0 }, config };
}

async function manifestFor(
  platform: Platform,
  root: Uint8Array,
  source: ContentSource,
  signal: AbortSignal,
): Promise<Manifest> {
  const top = parseManifest(root);
  if (top.kind === "manifest") return checked(top);
  const chosen = bestOf(top.manifests, platform);
  if (chosen === undefined) throw new HoyError("not-found", `no matching manifest for ${formatPlatform(platform)}`);
  const inner = parseManifest(await source.read(chosen, LIMIT, signal));
  if (inner.kind !== "manifest") throw new HoyError("invalid", "the index leads to another index");
  return checked(inner);
}

function checked(manifest: Manifest): Manifest {
  if (isImageManifest(manifest)) return manifest;
  throw new HoyError("invalid", `this is not an image but an artifact (${manifest.config.mediaType})`);
}

/** One without a platform fits any. */
function bestOf(entries: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  const ranked = entries.flatMap((entry) => {
    if (isAttestation(entry)) return [];
    const rank = entry.platform === undefined ? Number.MAX_SAFE_INTEGER : platformRank(wanted, entry.platform);
    return rank === undefined ? [] : [{ entry, rank }];
  });
  return ranked.sort((a, b) => a.rank - b.rank)[0]?.entry;
}
