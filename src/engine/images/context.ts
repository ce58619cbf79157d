// What every image verb has at hand, and how it tells of what it did.

import type { HoyError } from "../../base/error.ts";
import { toHoyError } from "../../base/error.ts";
import { familiarString, parseReference } from "../../image/reference.ts";
import type { ContainerSources, EmitEvent, ImageUser } from "./contract.ts";
import type { ImageShelf } from "./shelf.ts";

/** Begins the users that hold an image for a mount on the host; the directory follows (mounts.ts). */
export const MOUNT_USER = "mount:";

export interface ImageContext {
  readonly shelf: ImageShelf;
  readonly sources: ContainerSources;
  readonly emit: EmitEvent;
}

/** Sends an image's event; its labels go along while it is still here. @param name Shown as the actor's name. */
export async function emitImage(context: ImageContext, action: string, id: string, name = id): Promise<void> {
  const labels = context.shelf.table.get(id) === null ? {} : ((await context.shelf.config(id)).config?.Labels ?? {});
  context.emit("image", action, { ID: id, Attributes: { ...labels, name } });
}

/** Names of an image as users see them, tags apart from digests. */
export function namesOf(shelf: ImageShelf, id: string): { tags: string[]; digests: string[] } {
  const names = shelf.table.names(id).map(({ name }) => familiarString(parseReference(name)));
  return { tags: names.filter((name) => !name.includes("@")), digests: names.filter((name) => name.includes("@")) };
}

/** Who uses images, by image: containers, those being created included (they hold its layers before the engine lists them), and mounts. */
export function usersByImage(context: ImageContext): ReadonlyMap<string, readonly ImageUser[]> {
  const listed = context.sources.users();
  const known = new Set(listed.map((user) => user.id));
  const coming = context.shelf
    .users()
    .filter(({ user }) => !known.has(user))
    .map(({ user, image }) => {
      const mountedAt = user.startsWith(MOUNT_USER) ? user.slice(MOUNT_USER.length) : undefined;
      return { id: user, image, running: false, mountedAt };
    });
  return Map.groupBy([...listed, ...coming], (user) => user.image);
}

export function usersOf(context: ImageContext, id: string): readonly ImageUser[] {
  return usersByImage(context).get(id) ?? [];
}

/** The error, or undefined when it only says that the state forbids it: what prune passes over. */
export function unlessConflict(thrown: unknown): HoyError | undefined {
  const error = toHoyError(thrown);
  return error.code === "conflict" ? undefined : error;
}
