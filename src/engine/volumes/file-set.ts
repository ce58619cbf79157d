// What a volume is on disk, by its options: a directory, with a limit where a size is asked for, or a disk in a file and
// the directory that it is mounted on.

import { existsSync, mkdirSync, renameSync } from "node:fs";
import { readdir, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { newId } from "../../base/id.ts";
import { log } from "../../base/log.ts";
import { isMountPoint, mountPointsUnder } from "../../linux/mount-table.ts";
import { filesystemOf } from "../../linux/statfs.ts";
import type { VolumeRecord } from "../../state/volumes.ts";
import { liftLimit, limitDirectories } from "../disk-limit.ts";
import { diskPath, diskUse, makeDisk } from "./disk.ts";
import { LOOP, type LocalOptions, parseLocalOptions } from "./local-options.ts";
import { giveOwner, isElsewhere } from "./record.ts";
import { treeSize } from "./tree-size.ts";

/** Puts files into a volume's directory. */
export type Fill = (data: string) => Promise<void>;

/** All of a volume's files, beside and renamed: at `path`, the volume's directory, there is nothing or everything. */
export async function makeVolume(path: string, local: LocalOptions, fill?: Fill): Promise<void> {
  const fresh = hiddenName(path);
  try {
    await makeFiles(join(fresh, "_data"), local);
    await fill?.(join(fresh, "_data"));
    renameSync(fresh, path);
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw error;
  }
}

/** Idempotent but for the disk, which it makes anew. @throws HoyError when the size can't be kept; half of it is there then */
export async function makeFiles(data: string, local: LocalOptions): Promise<void> {
  mkdirSync(data, { recursive: true, mode: 0o755 });
  if (local.mount === undefined) {
    giveOwner(data, local);
    if (local.size !== undefined) limitDirectories(dataRoot(data), [data], local.size);
  } else if (local.mount.type === LOOP && local.size !== undefined) {
    await makeDisk(data, local.size, local.owner);
  }
}

/** Nothing of it is missing; a limit that is, is set. */
export function isWhole({ name, options }: VolumeRecord, data: string): boolean {
  const { mount, size } = parseLocalOptions(options);
  if (mount?.type === LOOP) return existsSync(diskPath(data));
  if (mount === undefined && size !== undefined && existsSync(data)) {
    try {
      limitDirectories(dataRoot(data), [data], size);
    } catch (error) {
      // The file system may be mounted otherwise than it was; its files are there all the same.
      log.warn("a volume's size is not limited any more", { volume: name, error });
    }
  }
  return existsSync(dirname(data));
}

/** @param data DATA-ROOT/volumes/NAME/_data */
const dataRoot = (data: string) => dirname(dirname(dirname(data)));

/** Bytes that its files take; -1: they are elsewhere. */
export async function volumeSize(volume: VolumeRecord, data: string): Promise<number> {
  if (isElsewhere(volume)) return -1;
  if (volume.options.type !== LOOP) return treeSize(data);
  if (!isMountPoint(data)) return diskUse(data);
  const { total, free } = filesystemOf(data);
  return total - free;
}

/** The limit goes with the volume: its number may be another's later. */
export function freeLimit(volume: VolumeRecord, data: string): void {
  const { mount, size } = parseLocalOptions(volume.options);
  if (mount !== undefined || size === undefined || !existsSync(data)) return;
  try {
    liftLimit(data);
  } catch (error) {
    log.warn("a removed volume's limit is still set", { volume: volume.name, error });
  }
}

/** No volume's name begins so: what is no volume yet, or no more. */
const HIDDEN = ".removed-";

/** Where a volume's files are while they are made, and while they are removed: beside it, since volumes may be on a disk of their own. */
export function hiddenName(path: string): string {
  return join(dirname(path), `${HIDDEN}${newId()}`);
}

/** What a crash left of these. Nothing is mounted in them: see `VolumeStore`. */
export async function sweepHidden(volumes: string): Promise<void> {
  for (const name of await readdir(volumes)) {
    if (!name.startsWith(HIDDEN)) continue;
    const path = join(volumes, name);
    if (mountPointsUnder(path).length === 0) await rm(path, { recursive: true, force: true });
    else log.warn("a removed volume is mounted still", { path });
  }
}

/**
 * Below a device's mount point there is nothing of ours: the careful way can't harm anyone's files.
 * @param path the volume's directory, under whatever name
 */
export async function removeFiles(volume: VolumeRecord, path: string): Promise<void> {
  if (!isElsewhere(volume)) {
    await rm(path, { recursive: true, force: true });
    return;
  }
  await rmdir(join(path, "_data"));
  await rmdir(path);
}
