// A copy of a directory tree, owners, modes, times, attributes and hard links too: of what an image has where a volume
// goes, or of a volume. Files are copied in the kernel, as reflinks where the file system has them. Walks by descriptors
// on both sides and follows no link.

import { readSync, writeSync } from "node:fs";
import {
  fchmodat,
  lchownat,
  linkat,
  makedev,
  mkdirat,
  mknodat,
  readlinkat,
  symlinkat,
  utimensat,
} from "../../linux/at.ts";
import { copyFileRange } from "../../linux/copy.ts";
import { isErrno } from "../../linux/libc.ts";
import { O, OwnedFd, openat2, RESOLVE } from "../../linux/open.ts";
import { type FileStatus, S } from "../../linux/stat.ts";
import { getXattr, listXattrs, setXattr } from "../../linux/xattr.ts";
import { type LayeredRoot, latin1, type Node } from "./layered-root.ts";

/** Files of one copy between two turns of the event loop. */
const BATCH = 200;

export class TreeCopy {
  readonly #root: LayeredRoot;
  readonly #shared: boolean;
  /** Inodes with several names: where the first copy is, below the target. */
  readonly #links = new Map<string, { readonly directory: string; readonly name: Buffer }>();
  #target = -1;
  #count = 0;

  /** @param shared give files another name in place of copying them, where they are on one file system */
  constructor(root: LayeredRoot, shared = false) {
    this.#root = root;
    this.#shared = shared;
  }

  /** `target`: descriptor of an empty directory. */
  async fill(source: Extract<Node, { kind: "directory" }>, target: number): Promise<void> {
    this.#target = target;
    await this.#directory(source, target, ".");
  }

  /** @param path of the target, below the one that is filled (Latin-1 bytes) */
  async #directory(source: Extract<Node, { kind: "directory" }>, target: number, path: string): Promise<void> {
    for (const name of this.#root.names(source)) {
      const node = this.#root.child(source, name);
      if (node === undefined) continue;
      if (++this.#count % BATCH === 0) await new Promise((resolve) => setImmediate(resolve));
      if (node.kind === "directory") {
        mkdirat(target, latin1(name), 0o700);
        using below = new OwnedFd(openat2(target, latin1(name), { flags: O.RDONLY | O.DIRECTORY | O.NOFOLLOW }));
        await this.#directory(node, below.fd, `${path}/${name}`);
        this.#root.leave(node);
      } else {
        this.#leaf(node, target, path);
      }
    }
    const [top = -1] = source.fds;
    this.#settle(target, "", this.#root.status(source), top);
  }

  #leaf(node: Extract<Node, { kind: "leaf" }>, target: number, path: string): void {
    const { status } = node;
    const name = latin1(node.name);
    if (this.#shared && share(node, target)) return;
    const key = `${status.dev.major}:${status.dev.minor}:${status.inode}`;
    const first = status.nlink > 1 ? this.#links.get(key) : undefined;
    if (first !== undefined) {
      // Who shares the target may have put a link in the way: it is not followed.
      const resolve = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS;
      using from = new OwnedFd(
        openat2(this.#target, latin1(first.directory), { flags: O.PATH | O.DIRECTORY, resolve }),
      );
      linkat(from.fd, first.name, target, name);
      return;
    }
    const type = status.mode & S.IFMT;
    if (type === S.IFREG) this.#file(node, target);
    else if (type === S.IFLNK) {
      symlinkat(readlinkat(node.parent, name), target, name);
      this.#settle(target, node.name, status, undefined);
    } else {
      mknodat(target, name, status.mode, makedev(status.rdev.major, status.rdev.minor));
      this.#settle(target, node.name, status, undefined);
    }
    if (status.nlink > 1) this.#links.set(key, { directory: path, name });
  }

  #file(node: Extract<Node, { kind: "leaf" }>, target: number): void {
    using from = new OwnedFd(this.#root.open(node));
    const flags = O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW;
    using to = new OwnedFd(openat2(target, latin1(node.name), { flags, mode: 0o600 }));
    copyContents(from.fd, to.fd, node.status.size);
    this.#settle(target, node.name, node.status, from.fd, to.fd);
  }

  /** Owner, mode, attributes, times, in the order in which none undoes another. */
  #settle(directory: number, name: string, status: FileStatus, source: number | undefined, copy = directory): void {
    const path = latin1(name);
    lchownat(directory, path, status.uid, status.gid);
    const isLink = (status.mode & S.IFMT) === S.IFLNK;
    if (!isLink) fchmodat(directory, name === "" ? "." : path, status.mode & 0o7777);
    if (source !== undefined) {
      for (const key of listXattrs(source)) {
        if (!this.#root.isOwn(key)) continue;
        const value = getXattr(source, latin1(key));
        if (value !== undefined) setXattr(copy, latin1(key), value);
      }
    }
    utimensat(directory, name === "" ? "." : path, status.atime, status.mtime);
  }
}

/** @returns false when it has to be copied */
function share({ parent, name }: Extract<Node, { kind: "leaf" }>, target: number): boolean {
  try {
    linkat(parent, latin1(name), target, latin1(name));
    return true;
  } catch (error) {
    if (isErrno(error, "EXDEV", "EMLINK", "EPERM")) return false;
    throw error;
  }
}

/** In the kernel where the two file systems can; through memory else. */
function copyContents(from: number, to: number, size: number): void {
  let at = 0;
  try {
    while (at < size) {
      const copied = copyFileRange(from, at, to, at, size - at);
      if (copied === 0) break;
      at += copied;
    }
  } catch (error) {
    if (!isErrno(error, "EXDEV", "EOPNOTSUPP", "EINVAL", "ENOSYS")) throw error;
  }
  if (at >= size) return;
  const buffer = Buffer.alloc(Math.min(size - at, 1024 * 1024));
  for (let read = -1; at < size && read !== 0; at += read) {
    read = readSync(from, buffer, 0, buffer.length, at);
    for (let written = 0; written < read; ) written += writeSync(to, buffer, written, read - written, at + written);
  }
}
