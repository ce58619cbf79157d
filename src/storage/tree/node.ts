// Making one file of any type in a directory that is open, with all that belongs to it. Attributes are set through a
// descriptor of the very file that was made: in a running container's tree a name may be another file a moment later.
//
// The order matters: chown clears setuid and file capabilities, so mode and attributes come after it; times come last.

import { chmodSync, fchmodSync, ftruncateSync, writeSync } from "node:fs";
import { lchownat, makedev, mkdirat, mknodat, symlinkat, utimensat } from "../../linux/at.ts";
import { withFsIds } from "../../linux/fsids.ts";
import { isErrno } from "../../linux/libc.ts";
import { O, OwnedFd, openat2, RESOLVE } from "../../linux/open.ts";
import { S } from "../../linux/stat.ts";
import { setXattr } from "../../linux/xattr.ts";
import type { Inode } from "../layer/tree.ts";
import { type RawText, rawBytes, type SparseSegment } from "../tar/entry.ts";
import { type IdShift, toDisk, xattrToDisk } from "./ids.ts";

export type NodeAttributes = Pick<Inode, "mode" | "uid" | "gid" | "mtime" | "xattrs">;

/** Opens a name in a directory, never through a link of any kind. */
export function openChild(directory: number, name: RawText, flags: number, mode?: number): number {
  const resolve = RESOLVE.NO_SYMLINKS | RESOLVE.BENEATH | RESOLVE.NO_MAGICLINKS;
  const how = { flags: flags | O.NOFOLLOW, resolve };
  return openat2(directory, rawBytes(name), mode === undefined ? how : { ...how, mode });
}

/** A new directory; its attributes are set when all that belongs in it is there. @throws SystemError EEXIST. */
export function makeDirectoryIn(directory: number, name: RawText, shift: IdShift): void {
  withFsIds(shift.uidBase, shift.gidBase, () => mkdirat(directory, rawBytes(name), 0o700));
}

export function finishDirectory(fd: number, attributes: NodeAttributes, shift: IdShift): void {
  chown(fd, attributes, shift);
  fchmodSync(fd, attributes.mode);
  setXattrs(fd, attributes, shift);
  setTime(fd, attributes);
}

/** A symlink, device or fifo. @throws SystemError EEXIST when the name is taken. */
export function makeSpecial(directory: number, name: RawText, inode: Inode, shift: IdShift): void {
  const path = rawBytes(name);
  withFsIds(shift.uidBase, shift.gidBase, () => {
    if (inode.type === "symlink") symlinkat(rawBytes(inode.target), directory, path);
    else mknodat(directory, path, typeBits(inode.type) | 0o600, makedev(inode.device.major, inode.device.minor));
  });
  using made = new OwnedFd(openChild(directory, name, O.PATH));
  const through = `/proc/self/fd/${made.fd}`;
  chown(made.fd, inode, shift);
  if (inode.type !== "symlink") chmodSync(through, inode.mode);
  setXattrs(through, inode, shift);
  setTime(made.fd, inode);
}

/** A regular file that is being filled. Not atomic: who needs that makes it in a place of its own. */
export class FileWriter {
  readonly #fd: OwnedFd;
  readonly #inode: Inode;
  readonly #shift: IdShift;
  readonly #segments: SparseSegment[];
  /** Bytes of the current segment that are written. */
  #written = 0;

  /** @throws SystemError EEXIST when the name is taken. */
  constructor(directory: number, name: RawText, inode: Inode, shift: IdShift) {
    this.#inode = inode;
    this.#shift = shift;
    this.#segments = [...(inode.sparse ?? [{ offset: 0, length: inode.size }])].reverse();
    const flags = O.WRONLY | O.CREAT | O.EXCL;
    this.#fd = new OwnedFd(withFsIds(shift.uidBase, shift.gidBase, () => openChild(directory, name, flags, 0o600)));
  }

  /** The next bytes of what the archive stores of the file. */
  write(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      const segment = this.#segments.at(-1);
      if (segment === undefined) return;
      const length = Math.min(segment.length - this.#written, bytes.length - at);
      const done = writeSync(this.#fd.fd, bytes, at, length, segment.offset + this.#written);
      at += done;
      this.#written += done;
      if (this.#written < segment.length) continue;
      this.#segments.pop();
      this.#written = 0;
    }
  }

  finish(): void {
    if (this.#inode.sparse !== undefined) ftruncateSync(this.#fd.fd, this.#inode.size);
    chown(this.#fd.fd, this.#inode, this.#shift);
    fchmodSync(this.#fd.fd, this.#inode.mode);
    setXattrs(this.#fd.fd, this.#inode, this.#shift);
    setTime(this.#fd.fd, this.#inode);
    this.close();
  }

  close(): void {
    this.#fd[Symbol.dispose]();
  }
}

function chown(fd: number, { uid, gid }: NodeAttributes, shift: IdShift): void {
  lchownat(fd, "", toDisk(uid, shift.uidBase, shift.size), toDisk(gid, shift.gidBase, shift.size));
}

function setTime(fd: number, { mtime }: NodeAttributes): void {
  utimensat(fd, "", mtime, mtime);
}

function setXattrs(file: number | string, { xattrs }: NodeAttributes, shift: IdShift): void {
  for (const [name, value] of xattrs) {
    try {
      setXattr(file, rawBytes(name), xattrToDisk(name, value, shift), true);
    } catch (error) {
      // A file system without this kind of attribute (tmpfs, a kernel without the module): as with Docker and tar, the
      // file is worth having without it.
      if (!isErrno(error, "EOPNOTSUPP")) throw error;
    }
  }
}

function typeBits(type: Inode["type"]): number {
  if (type === "char") return S.IFCHR;
  if (type === "block") return S.IFBLK;
  return S.IFIFO;
}
