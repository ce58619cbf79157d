// Mounts of type image: another image's files, read-only, at a path in the container. The image's layers are held as
// those of the container's own image are, by a user of its own for each mount, so they outlive the image's name.
//
// Where the storage driver gives an image as one directory that is mounted. One that only an overlay would put together
// can't be: overlay takes no ids of a user namespace. Its directories are made once, in the container's own, and the
// files in them are further names of the layers' files.

import { mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { paths } from "../../base/paths.ts";
import { O, OwnedFd } from "../../linux/open.ts";
import type { MountRecord } from "../../state/containers.ts";
import type { EngineContext } from "../context.ts";
import type { Container } from "./container.ts";
import { LayeredRoot } from "./layered-root.ts";
import { TreeCopy } from "./tree-copy.ts";

/** Under which name the images' table knows that a container's mount holds its image. */
export function imageHold(id: string, index: number): string {
  return `${id}.${index}`;
}

/**
 * Finds and holds the images; gives the records with their ids and where their files will be.
 * @throws HoyError "not-found" `No such image: …`.
 */
export async function holdImages(
  engine: EngineContext,
  id: string,
  mounts: readonly MountRecord[],
): Promise<MountRecord[]> {
  const held: MountRecord[] = [];
  for (const [index, mount] of mounts.entries()) held.push(await hold(engine, id, index, mount));
  return held;
}

async function hold(engine: EngineContext, id: string, index: number, mount: MountRecord): Promise<MountRecord> {
  if (mount.type !== "image") return mount;
  // One from another container (volumes-from) is the same image, whatever has its name now.
  const image = (await engine.images.resolve(mount.image ?? mount.name)).id;
  const user = imageHold(id, index);
  await engine.images.retain(image, user);
  const [only, ...others] = await engine.images.lowersOf(user);
  const own = join(paths.container(engine.settings.paths, id), "images", String(index));
  return { ...mount, image, source: only === undefined || others.length > 0 ? own : only };
}

/** Makes the trees that no single directory has. The container's directory is there. */
export async function makeImageTrees(engine: EngineContext, { id, spec, paths: own }: Container): Promise<void> {
  for (const [index, mount] of spec.mounts.entries()) {
    if (mount.type !== "image" || !mount.source.startsWith(`${own.root}/`)) continue;
    mkdirSync(mount.source, { recursive: true, mode: 0o700 });
    const lowers = await engine.images.lowersOf(imageHold(id, index));
    if (lowers.length === 0) continue;
    using root = new LayeredRoot(lowers);
    using target = new OwnedFd(openSync(mount.source, O.RDONLY | O.DIRECTORY));
    const top = root.find("/");
    if (top?.kind !== "directory") throw new HoyError("internal", `${mount.name} has no root directory`);
    await new TreeCopy(root, true).fill(top, target.fd);
  }
}

/** After a boot nothing is mounted. Idempotent. */
export async function mountImages(engine: EngineContext, { id, spec }: Container): Promise<void> {
  for (const [index, mount] of spec.mounts.entries()) {
    if (mount.type === "image") await engine.images.lowersOf(imageHold(id, index));
  }
}

/** Idempotent. */
export async function releaseImages(engine: EngineContext, id: string, mounts: readonly MountRecord[]): Promise<void> {
  for (const [index, mount] of mounts.entries()) {
    if (mount.type === "image") await engine.images.release(imageHold(id, index));
  }
}
