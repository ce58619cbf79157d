// Walking a directory tree by descriptors: names in order of their bytes, parents before what is in them, never through
// a link. Each file is looked at through an O_PATH descriptor of its own, so what is said of it and what is read from
// it is the same file, whatever a running container does to the names meanwhile.

import { openSync } from "node:fs";
import { HoyError } from "../../base/error.ts";
import { readDirectory } from "../../linux/directory.ts";
import { isErrno } from "../../linux/libc.ts";
import { O, OwnedFd } from "../../linux/open.ts";
import { type FileStatus, fdstat, S } from "../../linux/stat.ts";
import { isKernelView } from "../../linux/statfs.ts";
import type { RawText } from "../tar/entry.ts";
import { openChild } from "./node.ts";

export interface Visit {
  /** From where the walk began, prefix included. */
  readonly path: RawText;
  readonly name: RawText;
  /** O_PATH; closed when the walk goes on. */
  readonly fd: number;
  readonly status: FileStatus;
  /** Another file system, or the same one again, is mounted here. */
  readonly mounted: boolean;
}

export interface WalkOptions {
  /** Goes before each path. */
  readonly prefix?: RawText;
  /** What is mounted in the tree is visited, but not entered. */
  readonly oneFilesystem?: boolean;
  /** The same for what is mounted and shows the kernel (proc, sysfs): it has no end, and reading it has effects. */
  readonly filesOnly?: boolean;
}

/** Each level of a walk holds a descriptor; no tree that anybody means is deeper. */
const MAX_DEPTH = 1000;

/** Everything below `directory` (an open one, also O_PATH), itself not. @throws HoyError "too-large" past 1000 levels. */
export function* walkTree(directory: number, options: WalkOptions = {}): Generator<Visit, void, void> {
  using top = new OwnedFd(reopen(directory, O.RDONLY | O.DIRECTORY));
  yield* walk(top.fd, options.prefix ?? "", fdstat(directory).mountId, options, 0);
}

function* walk(
  directory: number,
  prefix: RawText,
  mountId: bigint,
  options: WalkOptions,
  depth: number,
): Generator<Visit, void, void> {
  if (depth > MAX_DEPTH) throw new HoyError("too-large", `directories are nested more than ${MAX_DEPTH} deep`);
  const names = readDirectory(directory).map((entry) => entry.name);
  for (const name of names.sort()) {
    const path = prefix + name;
    let inside: number;
    {
      const node = openUnlessGone(directory, name);
      if (node === undefined) continue;
      using owned = node;
      const status = fdstat(owned.fd);
      const mounted = status.mountId !== mountId;
      yield { path, name, fd: owned.fd, status, mounted };
      if ((status.mode & S.IFMT) !== S.IFDIR || (mounted && options.oneFilesystem)) continue;
      if (mounted && options.filesOnly && isKernelView(owned.fd)) continue;
      inside = reopen(owned.fd, O.RDONLY | O.DIRECTORY);
    }
    using below = new OwnedFd(inside);
    yield* walk(below.fd, `${path}/`, mountId, options, depth + 1);
  }
}

/** The file that an O_PATH descriptor stands for, opened for reading. */
export function reopen(fd: number, flags: number): number {
  // This follows one magic link to exactly that file. NONBLOCK: a fifo or device must not hold us.
  return openSync(`/proc/self/fd/${fd}`, flags | O.NONBLOCK);
}

function openUnlessGone(directory: number, name: RawText): OwnedFd | undefined {
  try {
    return new OwnedFd(openChild(directory, name, O.PATH));
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
