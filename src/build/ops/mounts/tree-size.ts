// How much disk a directory tree takes.

import { setImmediate } from "node:timers/promises";
import { AT } from "../../../linux/at.ts";
import { isErrno } from "../../../linux/libc.ts";
import { O, OwnedFd, openat2 } from "../../../linux/open.ts";
import { walkTree } from "../../../storage/tree/walk.ts";

const AT_ONCE = 1000;

/** Bytes of the files' blocks, those with several names once; 0 when it is not there. */
export async function treeSize(path: string): Promise<number> {
  const seen = new Set<bigint>();
  let size = 0;
  let count = 0;
  try {
    using root = new OwnedFd(openat2(AT.FDCWD, path, { flags: O.RDONLY | O.DIRECTORY | O.NOFOLLOW }));
    for (const { status } of walkTree(root.fd, { oneFilesystem: true })) {
      if (++count % AT_ONCE === 0) await setImmediate();
      if (status.nlink > 1) {
        if (seen.has(status.inode)) continue;
        seen.add(status.inode);
      }
      size += status.allocated;
    }
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
  return size;
}
