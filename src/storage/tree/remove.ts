// Removing a whole tree, however deep and whatever its names: by descriptors, never through a link, with two of them
// open at a time. A directory inside a directory is moved up before it is emptied, so depth costs nothing.

import { setImmediate } from "node:timers/promises";
import { HoyError } from "../../base/error.ts";
import { AT, renameat2, unlinkat } from "../../linux/at.ts";
import { DT, readDirectory } from "../../linux/directory.ts";
import { isErrno } from "../../linux/libc.ts";
import { O, OwnedFd, openat2, RESOLVE } from "../../linux/open.ts";
import { type RawText, rawBytes } from "../tar/entry.ts";

/** Removes a directory and all that is in it; other work gets its turn in between. Absent is well. */
export async function removeTree(path: string): Promise<void> {
  let root: OwnedFd;
  try {
    root = new OwnedFd(openat2(AT.FDCWD, path, { flags: O.RDONLY | O.DIRECTORY | O.NOFOLLOW }));
  } catch (error) {
    if (isErrno(error, "ENOENT")) return;
    throw error;
  }
  using directory = root;
  for (const _ of emptyDirectory(directory.fd)) await setImmediate();
  unlinkat(AT.FDCWD, path, AT.REMOVEDIR);
}

/** Removes one name in a directory, with all below it when it is a directory. */
export function removeChild(directory: number, name: RawText): void {
  if (unlinkUnlessDirectory(directory, name)) return;
  {
    using child = new OwnedFd(openDirectory(directory, name));
    for (const _ of emptyDirectory(child.fd));
  }
  unlinkat(directory, rawBytes(name), AT.REMOVEDIR);
}

/** Each pass takes a level away; more levels than any path can have means that somebody is filling it all the while. */
const MAX_PASSES = 10_000;

/** One step a directory. */
function* emptyDirectory(root: number): Generator<void, void, void> {
  let moved = 0;
  let passes = 0;
  for (let entries = readDirectory(root); entries.length > 0; entries = readDirectory(root)) {
    if (++passes > MAX_PASSES) throw new HoyError("conflict", "a directory is being filled while it is removed");
    for (const { name, type } of entries) {
      if (type !== DT.DIR && unlinkUnlessDirectory(root, name)) continue;
      using child = new OwnedFd(openDirectory(root, name));
      for (const inner of readDirectory(child.fd)) {
        if (inner.type !== DT.DIR && unlinkUnlessDirectory(child.fd, inner.name)) continue;
        // A name that no other has: what is moved up twice is still one rename a directory.
        renameat2(child.fd, rawBytes(inner.name), root, `.removed-${process.pid}-${Date.now()}-${moved++}`);
      }
      unlinkat(root, rawBytes(name), AT.REMOVEDIR);
      yield;
    }
  }
}

function openDirectory(directory: number, name: RawText): number {
  const resolve = RESOLVE.NO_SYMLINKS | RESOLVE.BENEATH | RESOLVE.NO_XDEV;
  return openat2(directory, rawBytes(name), { flags: O.RDONLY | O.DIRECTORY | O.NOFOLLOW, resolve });
}

function unlinkUnlessDirectory(directory: number, name: RawText): boolean {
  try {
    unlinkat(directory, rawBytes(name));
    return true;
  } catch (error) {
    if (isErrno(error, "EISDIR")) return false;
    throw error;
  }
}
