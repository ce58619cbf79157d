// Collection of images by policy: those that no container uses go when they were not used for long, or, longest unused
// first, until what is left fits. Used is: pulled, built, loaded or tagged, or a container of it made or removed.

import type { CollectedImage } from "../../api/backend.ts";
import { globMatch } from "../../image/glob.ts";
import { familiarName, familiarString, parseReference } from "../../image/reference.ts";
import type { ImageRow, LayerRow } from "../../state/images.ts";
import { type ImageContext, unlessConflict, usersByImage } from "./context.ts";
import { removeImage } from "./remove.ts";

export interface ImagePolicy {
  /** RFC 3339: what was last used before goes; undefined: age is no reason. */
  readonly unusedSince: string | undefined;
  /** Bytes that unused images may take; undefined: size is no reason. */
  readonly keepStorage: number | undefined;
  /** Patterns of names that stay. */
  readonly keep: readonly string[];
}

/** What goes by the policy, longest unused first; with `dryRun` it only would. */
export async function collectImages(
  context: ImageContext,
  policy: ImagePolicy,
  dryRun: boolean,
): Promise<CollectedImage[]> {
  const collected: CollectedImage[] = [];
  for (const { row, names, size } of choose(context, policy)) {
    if (dryRun || (await remove(context, row, names)))
      collected.push({
        Id: row.id,
        Names: names.map((name) => familiarString(parseReference(name))),
        Size: size,
        LastUsed: lastUse(row),
      });
  }
  return collected;
}

interface Choice {
  readonly row: ImageRow;
  readonly names: readonly string[];
  /** Bytes that go with it, of layers that no other image has by then. */
  readonly size: number;
}

function choose(context: ImageContext, policy: ImagePolicy): Choice[] {
  const { table } = context.shelf;
  const users = usersByImage(context);
  const rows = table.all();
  const layers = new Map(rows.map(({ id }) => [id, table.layersOf(id)]));
  const holders = countHolders(layers.values());
  const unused = rows
    .filter(({ id }) => !users.has(id))
    .map((row) => ({ row, names: table.names(row.id).map(({ name }) => name) }))
    .filter(({ names }) => !names.some((name) => isKept(name, policy.keep)))
    // They go with the name whose index has them.
    .filter(({ row, names }) => names.length > 0 || !table.indexes.isMember(row.id))
    .sort((a, b) => (lastUse(a.row) < lastUse(b.row) ? -1 : 1));
  let left = freedBy(
    unused.flatMap(({ row }) => layers.get(row.id) ?? []),
    new Map(holders),
  );
  const chosen: Choice[] = [];
  for (const { row, names } of unused) {
    const isOld = policy.unusedSince !== undefined && lastUse(row) < policy.unusedSince;
    const isTooMuch = policy.keepStorage !== undefined && left > policy.keepStorage;
    if (!isOld && !isTooMuch) continue;
    const size = freedBy(layers.get(row.id) ?? [], holders);
    left -= size;
    chosen.push({ row, names, size });
  }
  return chosen;
}

/** Names first, each by the rules of `rmi` without force: an image that came into use meanwhile stays. */
async function remove(context: ImageContext, row: ImageRow, names: readonly string[]): Promise<boolean> {
  for (const ref of names.length === 0 ? [row.id] : names) {
    try {
      await removeImage(context, ref, { force: false, prune: true });
    } catch (thrown) {
      const error = unlessConflict(thrown);
      // Its digest goes with its last tag.
      if (error !== undefined && error.code !== "not-found") throw error;
    }
  }
  return context.shelf.table.get(row.id) === null;
}

function lastUse({ tagged, used }: ImageRow): string {
  return tagged > used ? tagged : used;
}

function isKept(name: string, patterns: readonly string[]): boolean {
  const ref = parseReference(name);
  return patterns.some((pattern) => globMatch(pattern, familiarString(ref)) || globMatch(pattern, familiarName(ref)));
}

function countHolders(images: Iterable<readonly LayerRow[]>): Map<string, number> {
  const holders = new Map<string, number>();
  for (const layers of images) for (const { diff_id } of layers) holders.set(diff_id, (holders.get(diff_id) ?? 0) + 1);
  return holders;
}

/** Lets go of these layers. @returns bytes of those that nothing holds any more. */
function freedBy(layers: readonly LayerRow[], holders: Map<string, number>): number {
  let bytes = 0;
  for (const { diff_id, size } of layers) {
    const rest = (holders.get(diff_id) ?? 1) - 1;
    holders.set(diff_id, rest);
    if (rest === 0) bytes += size;
  }
  return bytes;
}
