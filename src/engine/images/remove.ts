// `image rm`: takes a name away, and the image with it when that was the last one. Which conflicts there are, what
// `force` gets over and in which words is moby's (daemon/images/image_delete.go), since scripts look at the words.

import type { ImageDeleteResponseItem } from "../../api/types/image.ts";
import { chainId, isDigest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { shortId } from "../../base/id.ts";
import {
  canonicalString,
  familiarString,
  imageIdentifier,
  parseReference,
  type Reference,
  repositoryName,
  withDefaultTag,
} from "../../image/reference.ts";
import { emitImage, type ImageContext, usersOf } from "./context.ts";
import { isIdPrefix } from "./resolve.ts";

export interface RemoveOptions {
  readonly force: boolean;
  /** Remove parents too that are left without name, child and container. */
  readonly prune: boolean;
}

export interface Removal {
  readonly items: ImageDeleteResponseItem[];
  /** Bytes of the layers that went. */
  readonly reclaimed: number;
}

/** Which conflicts count. "hard" ones can't be forced. */
interface Checks {
  readonly references: boolean;
  readonly stopped: boolean;
}

export async function removeImage(context: ImageContext, ref: string, options: RemoveOptions): Promise<Removal> {
  const { shelf } = context;
  const row = shelf.find(ref);
  const removal: MutableRemoval = { items: [], reclaimed: 0 };
  let quiet = false;
  if (!isIdPrefix(row.id, ref) && imageIdentifier(ref) === undefined) {
    const rest = await removeName(context, row.id, ref, options.force, removal);
    if (rest > 0) {
      await removeMembers(context, options, removal);
      return removal;
    }
    quiet = true;
  } else {
    const names = referencesTo(context, row.id);
    if (isSingleReference(names)) {
      const conflict = findConflict(context, row.id, { references: false, stopped: !options.force });
      if (conflict !== undefined) throw conflict.error;
      for (const name of names) await untag(context, row.id, name, removal, true);
    }
  }
  await removeWhole(context, row.id, options, quiet, removal);
  await removeMembers(context, options, removal);
  return removal;
}

/** The images of other platforms that came under a name which is gone; one that is in use stays, without a name. */
async function removeMembers(context: ImageContext, options: RemoveOptions, removal: MutableRemoval): Promise<void> {
  const { table } = context.shelf;
  for (const id of await context.shelf.releaseIndexes()) {
    if (table.get(id) === null || table.names(id).length > 0 || table.indexes.isMember(id)) continue;
    await removeWhole(context, id, { ...options, force: false }, true, removal);
  }
}

interface MutableRemoval extends Removal {
  reclaimed: number;
}

/** @returns how many names the image has left. */
async function removeName(
  context: ImageContext,
  id: string,
  text: string,
  force: boolean,
  removal: MutableRemoval,
): Promise<number> {
  if (!force && isSingleReference(referencesTo(context, id))) {
    const index = context.shelf.indexOf(text);
    const members = index === undefined ? [] : context.shelf.table.indexes.members(index).map(({ image }) => image);
    const [user] = [id, ...members.filter((member) => member !== id)].flatMap((one) => usersOf(context, one));
    if (user !== undefined) {
      throw new HoyError(
        "conflict",
        `conflict: unable to remove repository reference ${JSON.stringify(text)} (must force) - ${user.mountedAt === undefined ? `container ${shortId(user.id)} is using its referenced image ${shortId(id)}` : `its referenced image ${shortId(id)} is mounted at ${user.mountedAt}`}`,
      );
    }
  }
  const typed = withDefaultTag(parseReference(text));
  const name: Reference = typed.digest === undefined ? typed : { ...typed, tag: undefined };
  const goes =
    isSingleReference(referencesTo(context, id)) &&
    findConflict(context, id, { references: false, stopped: true }) === undefined;
  await untag(context, id, name, removal, goes);
  if (name.digest === undefined) await removeLoneDigests(context, id, name, removal, goes);
  return referencesTo(context, id).length;
}

/** Digests of a repository whose last tag is gone go too. */
async function removeLoneDigests(
  context: ImageContext,
  id: string,
  name: Reference,
  removal: MutableRemoval,
  goes: boolean,
) {
  const same = referencesTo(context, id).filter((ref) => repositoryName(ref) === repositoryName(name));
  if (same.some((ref) => ref.digest === undefined)) return;
  for (const ref of same) {
    context.shelf.table.removeName(canonicalString(ref), !goes);
    removal.items.push({ Untagged: familiarString(ref) });
  }
}

/** @param goes The image goes next, and takes the name along: it is not waited for by itself. */
async function untag(
  context: ImageContext,
  id: string,
  name: Reference,
  removal: MutableRemoval,
  goes: boolean,
): Promise<void> {
  context.shelf.table.removeName(canonicalString(name), !goes);
  removal.items.push({ Untagged: familiarString(name) });
  await emitImage(context, "untag", id);
}

/** @param quiet A conflict ends it without an error, when the image still has a use. */
async function removeWhole(
  context: ImageContext,
  id: string,
  options: RemoveOptions,
  quiet: boolean,
  removal: MutableRemoval,
): Promise<void> {
  const { shelf } = context;
  const conflict = findConflict(context, id, { references: !options.force, stopped: !options.force });
  if (conflict !== undefined) {
    const isDangling = referencesTo(context, id).length === 0 && shelf.table.children(id).length === 0;
    if (quiet && (!isDangling || conflict.used)) return;
    throw conflict.error;
  }
  for (const name of referencesTo(context, id)) await untag(context, id, name, removal, true);
  const parent = shelf.table.get(id)?.parent ?? null;
  const layers = shelf.table.layersOf(id);
  await shelf.remove(id);
  await emitImage(context, "delete", id);
  removal.items.push({ Deleted: id });
  const diffs = layers.map((layer) => layer.diff_id).filter(isDigest);
  for (let top = layers.length - 1; top >= 0; top--) {
    const layer = layers[top];
    if (layer === undefined || shelf.table.hasLayer(layer.diff_id)) continue;
    removal.items.push({ Deleted: chainId(diffs.slice(0, top + 1)) });
    removal.reclaimed += layer.size;
  }
  if (options.prune && parent !== null && shelf.table.get(parent) !== null) {
    await removeWhole(context, parent, { force: false, prune: true }, true, removal);
  }
}

function findConflict(
  context: ImageContext,
  id: string,
  checks: Checks,
): { readonly error: HoyError; readonly used: boolean } | undefined {
  const conflict = (how: string, why: string, used: boolean) => ({
    error: new HoyError("conflict", `conflict: unable to delete ${shortId(id)} (${how}) - ${why}`),
    used,
  });
  const users = usersOf(context, id);
  if (context.shelf.table.children(id).length > 0) {
    return conflict("cannot be forced", "image has dependent child images", false);
  }
  const mounted = users.find((user) => user.mountedAt !== undefined);
  if (mounted !== undefined) return conflict("cannot be forced", `image is mounted at ${mounted.mountedAt}`, true);
  const running = users.find((user) => user.running);
  if (running !== undefined) {
    return conflict("cannot be forced", `image is being used by running container ${shortId(running.id)}`, true);
  }
  if (checks.references && referencesTo(context, id).length > 0) {
    return conflict("must be forced", "image is referenced in multiple repositories", false);
  }
  const [stopped] = users;
  if (checks.stopped && stopped !== undefined) {
    return conflict("must be forced", `image is being used by stopped container ${shortId(stopped.id)}`, true);
  }
  return undefined;
}

function referencesTo(context: ImageContext, id: string): Reference[] {
  return context.shelf.table.names(id).map(({ name }) => parseReference(name));
}

/** All names are of one repository and at most one is a tag; false for none. */
function isSingleReference(names: readonly Reference[]): boolean {
  if (names.length <= 1) return names.length === 1;
  const tags = names.filter((name) => name.digest === undefined);
  const repositories = new Set(names.map(repositoryName));
  return tags.length <= 1 && repositories.size === 1;
}
