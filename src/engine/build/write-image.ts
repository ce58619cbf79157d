// What a build made becomes an image: the config with its layers and history, and the names it was asked for. Times are
// those at which its layers were made, so that a build from the cache gives the very same image.

import type { Digest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { INLINE_CACHE } from "../../build/cache/remote/config.ts";
import type { DockerfileResult } from "../../build/frontend/options.ts";
import type { BuildSession, Solver, Tree } from "../../build/solver-contract.ts";
import { type HistoryEntry, type ImageConfigFile, writeConfig } from "../../image/config.ts";
import type { Reference } from "../../image/reference.ts";
import type { LayerInfo } from "../../storage/snapshot.ts";
import { emitImage, type ImageContext } from "../images/context.ts";
import { nameImage } from "../images/tag.ts";
import { formatNs, now } from "../time.ts";

export interface WriteParts {
  readonly solver: Solver;
  readonly session: BuildSession;
  /** Its member of the config; see `inlineCacheOf`. */
  readonly inline: ReturnType<typeof inlineCacheOf>;
}

/** The cache's records as a config has them; without any, those of a base image are not taken along. */
export function inlineCacheOf(records: Uint8Array | undefined): Pick<ImageConfigFile, typeof INLINE_CACHE> {
  return { [INLINE_CACHE]: records === undefined ? undefined : Buffer.from(records).toString("base64") };
}

/** @returns the image's id. */
export async function writeImage(
  context: ImageContext,
  result: DockerfileResult,
  tree: Tree,
  names: readonly Reference[],
  parts: WriteParts,
): Promise<Digest> {
  const id = await addImage(context, writeConfig(await configOf(result, tree, parts)), tree);
  for (const name of names) await nameImage(context, id, name);
  return id;
}

/** The whole config of what a Dockerfile became. */
export async function configOf(
  result: DockerfileResult,
  tree: Tree,
  { solver, session, inline }: WriteParts,
): Promise<ImageConfigFile> {
  const { history, created } = await datedHistory(result, solver, session);
  const filled = history.filter((entry) => entry.empty_layer !== true).length;
  if (filled !== tree.diffIds.length) {
    throw new HoyError("internal", `the image has ${tree.diffIds.length} layers and a history of ${filled}`);
  }
  return {
    ...result.config,
    ...inline,
    // The base image's own.
    comment: undefined,
    created,
    rootfs: { type: "layers", diff_ids: [...tree.diffIds] },
    history: [...history],
  };
}

/** Writes the config and the rows; the layers are there, held by the build, and the blobs by a session. */
export async function addImage(
  context: ImageContext,
  config: Uint8Array,
  tree: Tree,
  packaged?: { readonly manifest: Digest; readonly blobs: readonly Digest[] },
): Promise<Digest> {
  const { shelf } = context;
  await using ingest = shelf.session();
  const layers: LayerInfo[] = [];
  for (const diffId of tree.diffIds) {
    const layer = await ingest.useLayer(diffId);
    if (layer === undefined) throw new HoyError("internal", `the layer ${diffId} of a build is gone`);
    layers.push(layer);
  }
  const blobs: Digest[] = [];
  // A layer that is not packed is no blob but the driver's own.
  for (const digest of packaged?.blobs ?? []) if ((await ingest.useBlob(digest)) !== undefined) blobs.push(digest);
  const manifest = packaged?.manifest;
  const id = await shelf.add({ config, layers, blobs, manifest, parent: undefined, session: ingest });
  await emitImage(context, "create", id);
  return id;
}

export async function datedHistory(
  result: DockerfileResult,
  solver: Solver,
  session: BuildSession,
): Promise<{ history: HistoryEntry[]; created: string }> {
  const { sourceDateEpoch: epoch } = result;
  const fixed = epoch === undefined ? undefined : formatNs(BigInt(epoch) * 1_000_000_000n);
  let last = result.config.created;
  const history: HistoryEntry[] = [];
  for (const { entry, made } of result.history) {
    const time = made === undefined ? undefined : await solver.createdAt(made, session);
    if (made !== undefined) last = fixed ?? time ?? last;
    const at = entry.created ?? fixed ?? last;
    last = at;
    history.push({ ...entry, created: at });
  }
  return { history, created: fixed ?? last ?? now() };
}
