// A new volume over a path where the image has something gets a copy of it, owners, modes, times and attributes too
// (as Docker does while the volume is empty). The copy is made beside and renamed, so a volume is whole or empty.

import { mkdirSync, openSync, readdirSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import { span } from "../../base/trace.ts";
import { isErrno } from "../../linux/libc.ts";
import { MS } from "../../linux/mount.ts";
import { O, OwnedFd } from "../../linux/open.ts";
import type { MountRecord } from "../../state/containers.ts";
import { shareProject } from "../disk-limit.ts";
import { parseLocalOptions } from "../volumes/local-options.ts";
import { giveOwner, HALF_COPIED } from "../volumes/record.ts";
import type { VolumeStore } from "../volumes/store.ts";
import type { Container } from "./container.ts";
import { LayeredRoot, type Node } from "./layered-root.ts";
import { TreeCopy } from "./tree-copy.ts";

/** Fills the container's volumes that ask for it and are empty. `lowers`: of its image, top first. */
export async function copyUpVolumes(
  store: VolumeStore,
  container: Container,
  lowers: readonly string[],
): Promise<void> {
  const volumes = container.spec.mounts.filter(
    (mount) => mount.type === "volume" && mount.copyUp && mount.subpath === "",
  );
  if (volumes.length === 0 || lowers.length === 0) return;
  for (const volume of volumes) await copyUp(store, volume, lowers);
}

/**
 * The same for volumes that have a device, which is mounted now (at a start, not at create). There is no renaming into a
 * mount: a copy that is cut off stays as it is.
 */
export async function fillDevices(
  store: VolumeStore,
  mounts: readonly MountRecord[],
  lowers: readonly string[],
): Promise<void> {
  for (const volume of mounts) {
    if (!volume.copyUp || volume.subpath !== "" || lowers.length === 0) continue;
    const { mount: device } = parseLocalOptions(store.get(volume.name)?.options ?? {});
    if (device === undefined || (device.flags & MS.RDONLY) !== 0) continue;
    if (readdirSync(volume.source).length > 0) continue;
    using root = new LayeredRoot(lowers);
    const source = directoryFor(volume, root);
    if (source === undefined) continue;
    using target = new OwnedFd(openSync(volume.source, O.RDONLY | O.DIRECTORY));
    try {
      await span("volume.fill", {}, () => new TreeCopy(root).fill(source, target.fd));
    } catch (error) {
      throw unfilled(volume, error);
    }
  }
}

/** The commonest reason is that there is no room. */
function unfilled({ name, destination }: MountRecord, cause: unknown): HoyError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const message = `failed to copy the image's files at ${destination} into volume ${name}: ${why}`;
  return new HoyError("internal", message, { cause });
}

function directoryFor(volume: MountRecord, root: LayeredRoot): Extract<Node, { kind: "directory" }> | undefined {
  const source = root.find(volume.destination);
  if (source === undefined || source.kind === "directory") return source;
  throw new HoyError("invalid", `cannot mount volume over existing file, file exists ${volume.destination}`);
}

async function copyUp(store: VolumeStore, volume: MountRecord, lowers: readonly string[]): Promise<void> {
  using root = new LayeredRoot(lowers);
  if (readdirSync(volume.source).length > 0) return;
  const source = directoryFor(volume, root);
  const local = parseLocalOptions(store.get(volume.name)?.options ?? {});
  if (source === undefined || local.mount !== undefined) return;
  const fresh = join(dirname(volume.source), `${HALF_COPIED}${newId()}`);
  await rm(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  if (local.size !== undefined) shareProject(volume.source, fresh);
  using target = new OwnedFd(openSync(fresh, O.RDONLY | O.DIRECTORY));
  try {
    await span("volume.copy", {}, () => new TreeCopy(root).fill(source, target.fd));
    giveOwner(fresh, local);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw unfilled(volume, error);
  }
  // Renaming over a directory works while that is empty: if another container filled it meanwhile, its copy stays.
  await rename(fresh, volume.source).catch(async (error) => {
    await rm(fresh, { recursive: true, force: true });
    if (!isErrno(error, "ENOTEMPTY", "EEXIST")) throw error;
  });
}
