// A path inside a volume or an image, put where the shim can find it. Other containers may change a volume meanwhile, so
// the path is resolved once, beneath its root (openat2(2)), and what was found is bound from its descriptor to a place of
// ours: nobody can swap it for a link any more. The bind is gone as soon as the shim has its own.

import { closeSync, mkdirSync, openSync, readdirSync, rmdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import type { Paths } from "../../base/paths.ts";
import { isErrno } from "../../linux/libc.ts";
import { attachMount, MNT, MS, OPEN_TREE, openTree, setMountAttributes, unmount } from "../../linux/mount.ts";
import { isMountPoint } from "../../linux/mount-table.ts";
import { O, OwnedFd, openat2, RESOLVE } from "../../linux/open.ts";
import { fdstat, S } from "../../linux/stat.ts";
import type { MountRecord } from "../../state/containers.ts";

const directory = (paths: Paths) => join(paths.run, "subpaths");

/**
 * Gives the path to mount in place of `mount.source`; `unstageSubpaths` takes it back.
 * @throws HoyError "invalid" when it is not there, or a link in it leads out of the volume or image.
 */
export function stageSubpath(paths: Paths, id: string, index: number, mount: MountRecord): string {
  using found = openSubpath(mount);
  mkdirSync(directory(paths), { recursive: true, mode: 0o700 });
  const place = join(directory(paths), `${id}-${index}`);
  takeAway(place);
  if ((fdstat(found.fd).mode & S.IFMT) === S.IFDIR) mkdirSync(place, { mode: 0o700 });
  else closeSync(openSync(place, "ax", 0o600));
  using tree = new OwnedFd(
    openTree(found.fd, "", OPEN_TREE.CLONE | OPEN_TREE.EMPTY_PATH | (mount.recursive ? OPEN_TREE.RECURSIVE : 0)),
  );
  setMountAttributes(tree.fd, { propagation: MS.PRIVATE }, true);
  attachMount(tree.fd, place);
  return place;
}

/** Of one container. Idempotent. */
export function unstageSubpaths(paths: Paths, id: string): void {
  for (const name of staged(paths)) if (name.startsWith(`${id}-`)) takeAway(join(directory(paths), name));
}

/** What an engine that was killed left. Idempotent. */
export function sweepSubpaths(paths: Paths): void {
  for (const name of staged(paths)) takeAway(join(directory(paths), name));
}

/** A descriptor (O_PATH) of what the record's subpath names. */
export function openSubpath(mount: Pick<MountRecord, "type" | "source" | "subpath" | "name">): OwnedFd {
  using root = new OwnedFd(openat2(-100, mount.source, { flags: O.PATH | O.DIRECTORY }));
  const resolve = RESOLVE.BENEATH | RESOLVE.NO_MAGICLINKS;
  try {
    return new OwnedFd(openat2(root.fd, mount.subpath, { flags: O.PATH, resolve }));
  } catch (cause) {
    const { subpath, name, type } = mount;
    if (isErrno(cause, "EXDEV", "ELOOP")) {
      const where = `base: ${JSON.stringify(name)}, subpath: ${JSON.stringify(subpath)}`;
      throw new HoyError("invalid", `path concatenation escapes the base directory, ${where}`, { cause });
    }
    if (!isErrno(cause, "ENOENT", "ENOTDIR")) throw cause;
    const why = `cannot access path ${subpath} in ${type} ${name}: no such file or directory`;
    throw new HoyError("invalid", why, { cause });
  }
}

function staged(paths: Paths): string[] {
  try {
    return readdirSync(directory(paths));
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}

/** Never a removal of everything below: should the mount still be there, its files are somebody's. */
function takeAway(place: string): void {
  while (isMountPoint(place)) unmount(place, MNT.DETACH | MNT.NOFOLLOW);
  try {
    unlinkSync(place);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return;
    if (!isErrno(error, "EISDIR", "EPERM")) throw error;
    rmdirSync(place);
  }
}
