// Which files in a container's upper directory nobody in it made: where the runtime mounts something and the image has
// nothing, it makes an empty file or directory first, and that touches the directory around it; and /.dockerenv. Docker keeps
// these in a layer of its own below the container's; here they are left out when the changes are read.

import { AT } from "../../linux/at.ts";
import { readDirectory } from "../../linux/directory.ts";
import { isErrno } from "../../linux/libc.ts";
import { O, OwnedFd, openat2, RESOLVE } from "../../linux/open.ts";
import { type FileStatus, fdstat, S } from "../../linux/stat.ts";
import { type RawText, rawBytes, textToRaw } from "../../storage/tar/entry.ts";
import { openContainerTree } from "../../storage/tree/container-tree.ts";
import type { ContainerSource } from "../images/contract.ts";

/** What is mounted in every container, and what is made in each. */
const ALWAYS = [
  ".dockerenv",
  "dev/console",
  "dev/mqueue",
  "dev/pts",
  "dev/shm",
  "etc/hostname",
  "etc/hosts",
  "etc/resolv.conf",
  "proc",
  "sys/fs/cgroup",
];

const BENEATH = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS;

/** For `omit` of the tree functions: whether a path of the upper directory is a mount point and nothing else. */
export function enginesOwn(
  source: Pick<ContainerSource, "mountPoints" | "upper" | "lowers">,
): (path: RawText) => boolean {
  const targets = new Set([...ALWAYS, ...source.mountPoints].map(inside));
  targets.delete("");
  using upper = new OwnedFd(openat2(AT.FDCWD, source.upper, { flags: O.RDONLY | O.DIRECTORY }));
  using lower = source.lowers.length === 0 ? undefined : openContainerTree({ lowers: source.lowers });
  const own = new Set<RawText>();
  for (const path of deepestFirst(targets)) {
    const made = statIn(upper.fd, path);
    if (made === undefined) continue;
    const before = lower === undefined ? undefined : statIn(lower.fd, path);
    const isOwn = isDirectory(made)
      ? unchanged(made, before) && namesIn(upper.fd, path).every((name) => own.has(`${path}/${name}`))
      : before === undefined && targets.has(path) && (made.mode & S.IFMT) === S.IFREG && made.size === 0;
    if (isOwn) own.add(path);
  }
  return (path) => own.has(path);
}

/** New, or as the image has it but for its time. */
function unchanged(made: FileStatus, before: FileStatus | undefined): boolean {
  if (before === undefined) return true;
  return made.mode === before.mode && made.uid === before.uid && made.gid === before.gid;
}

/** The paths and all directories that lead to them. */
function deepestFirst(paths: Iterable<RawText>): RawText[] {
  const all = new Set<RawText>();
  for (const path of paths) {
    for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) all.add(path.slice(0, end));
  }
  const depth = (path: RawText) => path.split("/").length;
  return [...all].sort((a, b) => depth(b) - depth(a));
}

function inside(path: string): RawText {
  return textToRaw(path.replace(/^\/+|\/+$/g, ""));
}

function statIn(directory: number, path: RawText): FileStatus | undefined {
  try {
    using fd = new OwnedFd(openat2(directory, rawBytes(path), { flags: O.PATH | O.NOFOLLOW, resolve: BENEATH }));
    return fdstat(fd.fd);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw error;
  }
}

function namesIn(directory: number, path: RawText): RawText[] {
  using fd = new OwnedFd(openat2(directory, rawBytes(path), { flags: O.RDONLY | O.DIRECTORY, resolve: BENEATH }));
  return readDirectory(fd.fd).map((entry) => entry.name);
}

function isDirectory(status: FileStatus): boolean {
  return (status.mode & S.IFMT) === S.IFDIR;
}
