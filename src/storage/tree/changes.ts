// What a container changed: its upper directory against the image below, as `docker diff` shows it.

import { setImmediate } from "node:timers/promises";
import { AT } from "../../linux/at.ts";
import { readDirectory } from "../../linux/directory.ts";
import { isErrno } from "../../linux/libc.ts";
import { O, OwnedFd, openat2, RESOLVE } from "../../linux/open.ts";
import { type FileStatus, fdstat, S } from "../../linux/stat.ts";
import { type RawText, rawBytes, rawToText } from "../tar/entry.ts";
import { openContainerTree } from "./container-tree.ts";
import { isOpaque, isWhiteout } from "./overlay-marks.ts";
import { walkTree } from "./walk.ts";

/** The API's numbers (ChangeType). */
export const CHANGE = { MODIFIED: 0, ADDED: 1, DELETED: 2 } as const;

export interface Change {
  /** Absolute, in the container. */
  readonly path: string;
  readonly kind: (typeof CHANGE)[keyof typeof CHANGE];
}

export interface ChangesOptions {
  /** Leaves a file or directory out, with what is in it (see writeLayerTar). */
  readonly omit?: (path: RawText, status: FileStatus) => boolean;
}

/**
 * Changes sorted by path. A directory counts as modified when something in it changed, as Docker has it; one that was
 * only copied up counts not. The container may run: its upper is read as it is.
 * @param lowers top first, as SnapshotDriver.mountChain gives them.
 */
export async function overlayChanges(
  upper: string,
  lowers: readonly string[],
  options: ChangesOptions = {},
): Promise<Change[]> {
  using above = new OwnedFd(openat2(AT.FDCWD, upper, { flags: O.RDONLY | O.DIRECTORY }));
  const found = new Map<RawText, Change["kind"]>();
  if (lowers.length === 0) await collect(above.fd, undefined, found, options);
  else {
    using below = openContainerTree({ lowers });
    await collect(above.fd, below.fd, found, options);
  }
  addParents(found);
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([path, kind]) => ({ path: `/${rawToText(path)}`, kind }));
}

/** After so many files, other work gets its turn. */
const VISITS_A_TURN = 512;

async function collect(
  upper: number,
  below: number | undefined,
  found: Map<RawText, Change["kind"]>,
  { omit }: ChangesOptions,
): Promise<void> {
  let omitted: RawText | undefined;
  /** Directories that show nothing of below, with a slash at the end. */
  const opaque: RawText[] = [];
  let visited = 0;
  for (const { path, fd, status } of walkTree(upper)) {
    if (++visited % VISITS_A_TURN === 0) await setImmediate();
    if (omitted !== undefined && path.startsWith(omitted)) continue;
    if (omit?.(path, status)) {
      omitted = `${path}/`;
      continue;
    }
    const old = below === undefined ? undefined : statBelow(below, path);
    const hidden = opaque.some((prefix) => path.startsWith(prefix));
    if (isWhiteout(status)) {
      if (old !== undefined) found.set(path, CHANGE.DELETED);
    } else if (old === undefined) {
      found.set(path, CHANGE.ADDED);
    } else {
      const directories = isDirectory(status) && isDirectory(old);
      if (hidden || !directories || isOpaque(fd) || !sameDirectory(status, old)) found.set(path, CHANGE.MODIFIED);
      // What an opaque directory does not have again is deleted; what it has again comes later and overrides that.
      if (directories && below !== undefined && (isOpaque(fd) || hidden)) {
        if (!hidden) opaque.push(`${path}/`);
        for (const name of namesBelow(below, path)) found.set(`${path}/${name}`, CHANGE.DELETED);
      }
    }
  }
}

/** What leads to a change is part of it. */
function addParents(found: Map<RawText, Change["kind"]>): void {
  for (const path of [...found.keys()]) {
    for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
      const parent = path.slice(0, slash);
      if (found.has(parent)) break;
      found.set(parent, CHANGE.MODIFIED);
    }
  }
}

function sameDirectory(one: FileStatus, other: FileStatus): boolean {
  return one.mode === other.mode && one.uid === other.uid && one.gid === other.gid && sameTime(one.mtime, other.mtime);
}

/** A layer's tar may have had whole seconds only. */
function sameTime(one: bigint, other: bigint): boolean {
  const billion = 1_000_000_000n;
  return one === other || (one / billion === other / billion && (one % billion === 0n || other % billion === 0n));
}

function isDirectory(status: FileStatus): boolean {
  return (status.mode & S.IFMT) === S.IFDIR;
}

const BELOW = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS;

function statBelow(below: number, path: RawText): FileStatus | undefined {
  try {
    using fd = new OwnedFd(openat2(below, rawBytes(path), { flags: O.PATH | O.NOFOLLOW, resolve: BELOW }));
    return fdstat(fd.fd);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw error;
  }
}

function namesBelow(below: number, path: RawText): RawText[] {
  using fd = new OwnedFd(openat2(below, rawBytes(path), { flags: O.RDONLY | O.DIRECTORY, resolve: BELOW }));
  return readDirectory(fd.fd).map((entry) => entry.name);
}
