// What is no directory, on disk, as an inode of a draft. Its bytes stay where they are until the draft is written.

import { readlinkat } from "../../../linux/at.ts";
import type { OwnedFd } from "../../../linux/open.ts";
import { type FileStatus, S } from "../../../linux/stat.ts";
import type { RawText } from "../../../storage/tar/entry.ts";
import type { Attributes } from "./attributes.ts";
import { type DraftInode, NO_DEVICE } from "./draft.ts";

/**
 * `fd` is open on it (O_PATH for a link), `status` is its own; `path` below `directory` is where its bytes are read later.
 * undefined for a socket, which no layer can hold.
 */
export function leafOf(
  fd: number,
  status: FileStatus,
  attributes: Attributes,
  directory: OwnedFd,
  path: RawText,
): DraftInode | undefined {
  const plain = { attributes, target: "", device: NO_DEVICE, size: 0, content: undefined };
  switch (status.mode & S.IFMT) {
    case S.IFREG:
      return { ...plain, type: "file", size: status.size, content: { kind: "file", directory, path } };
    case S.IFLNK:
      return { ...plain, type: "symlink", target: readlinkat(fd, "").toString("latin1") };
    case S.IFCHR:
      return { ...plain, type: "char", device: status.rdev };
    case S.IFBLK:
      return { ...plain, type: "block", device: status.rdev };
    case S.IFIFO:
      return { ...plain, type: "fifo" };
    default:
      return undefined;
  }
}
