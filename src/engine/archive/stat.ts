// HEAD of a container's archive: what a path is, in Go's terms, since the header X-Docker-Container-Path-Stat is a Go
// structure in JSON.

import { posix } from "node:path";
import type { PathStat } from "../../api/backend.ts";
import { O, OwnedFd, openInRoot } from "../../linux/open.ts";
import { type FileStatus, fdstat, S } from "../../linux/stat.ts";
import type { ContainerSource } from "../images/contract.ts";
import { formatNs } from "../time.ts";
import { followInRoot, locate, type Place } from "./locate.ts";
import { openTree } from "./tree.ts";

/** Bits of Go's io/fs.FileMode. */
const GO_MODE = {
  directory: 2 ** 31,
  symlink: 2 ** 27,
  device: 2 ** 26,
  fifo: 2 ** 25,
  socket: 2 ** 24,
  setuid: 2 ** 23,
  setgid: 2 ** 22,
  charDevice: 2 ** 21,
  sticky: 2 ** 20,
} as const;

const TYPES: Readonly<Record<number, number>> = {
  [S.IFDIR]: GO_MODE.directory,
  [S.IFLNK]: GO_MODE.symlink,
  [S.IFBLK]: GO_MODE.device,
  [S.IFCHR]: GO_MODE.device + GO_MODE.charDevice,
  [S.IFIFO]: GO_MODE.fifo,
  [S.IFSOCK]: GO_MODE.socket,
};

export async function statPath(source: ContainerSource, typed: string): Promise<PathStat> {
  using tree = await openTree(source);
  using place = locate(source, tree, typed, false);
  return describe(place, typed);
}

/** @throws SystemError ENOENT and others, as the kernel says them. */
export function describe(place: Place, typed: string): PathStat {
  using fd = new OwnedFd(openInRoot(place.root, place.path, O.PATH | O.NOFOLLOW));
  const status = fdstat(fd.fd);
  const isLink = (status.mode & S.IFMT) === S.IFLNK;
  return {
    name: goBase(typed),
    size: status.size,
    mode: goMode(status),
    mtime: formatNs(status.mtime),
    linkTarget: isLink ? followInRoot(place.root, place.path, true) : "",
  };
}

export function goMode({ mode }: Pick<FileStatus, "mode">): number {
  let bits = (mode & 0o777) + (TYPES[mode & S.IFMT] ?? 0);
  if ((mode & 0o4000) !== 0) bits += GO_MODE.setuid;
  if ((mode & 0o2000) !== 0) bits += GO_MODE.setgid;
  if ((mode & 0o1000) !== 0) bits += GO_MODE.sticky;
  return bits;
}

/** Go's filepath.Base of the path made absolute: "/" for the root (also "/dir/.."), "." for "/dir/.". */
export function goBase(typed: string): string {
  if (/(?:^|\/)\.$/.test(typed)) return ".";
  return posix.basename(posix.normalize(`/${typed}`)) || "/";
}
