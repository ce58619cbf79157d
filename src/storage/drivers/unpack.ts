// Unpacks a layer's archive into a directory, as lower directory of an overlay: whiteouts become character devices 0:0,
// opaque directories get overlay's attribute (Documentation/filesystems/overlayfs.rst, "whiteouts and opaque
// directories"). Where an entry lands says the layer's tree, by a path without links; the kernel is told to refuse any
// link on the way, so the two guard each other, and nothing can be made outside of the directory.

import { HoyError } from "../../base/error.ts";
import { AT, linkat, mknodat, unlinkat } from "../../linux/at.ts";
import { isErrno } from "../../linux/libc.ts";
import { O, OwnedFd, openat2, RESOLVE } from "../../linux/open.ts";
import { lstatat, S } from "../../linux/stat.ts";
import { setXattr } from "../../linux/xattr.ts";
import type { Placed } from "../layer/build.ts";
import type { Directory, Inode } from "../layer/tree.ts";
import { type RawText, rawBytes } from "../tar/entry.ts";
import { NO_SHIFT } from "../tree/ids.ts";
import { FileWriter, finishDirectory, makeDirectoryIn, makeSpecial, openChild } from "../tree/node.ts";
import { isWhiteout, OPAQUE_XATTR } from "../tree/overlay-marks.ts";
import { removeChild } from "../tree/remove.ts";

export class LayerUnpacker implements Disposable {
  readonly #root: OwnedFd;
  /** The directory of the last entry: archives name a directory's files in a row. */
  #parent: { readonly path: string; readonly fd: OwnedFd } | undefined;
  #file: FileWriter | undefined;

  /** `directory` is empty, ours, and closed to all others while this works. */
  constructor(directory: string) {
    this.#root = new OwnedFd(openat2(AT.FDCWD, directory, { flags: O.RDONLY | O.DIRECTORY }));
  }

  entry(placed: Placed): void {
    this.#endFile();
    if (placed.kind === "ignored") return;
    if (placed.kind === "opaque") {
      // The attribute comes last, but the directory may be one that only this entry speaks of.
      this.#enter(placed.path);
      return;
    }
    const name = placed.path.at(-1);
    if (name === undefined) return;
    const directory = this.#enter(placed.path.slice(0, -1));
    if (placed.kind === "whiteout") mknodat(directory, rawBytes(name), S.IFCHR, 0);
    else if (placed.kind === "hardlink") this.#link(placed.to, directory, name);
    else this.#node(directory, name, placed.inode);
  }

  data(bytes: Uint8Array): void {
    this.#file?.write(bytes);
  }

  /** Directories get their attributes last, deepest first, since filling them changes their times. */
  finish(root: Directory): void {
    this.#endFile();
    this.#leave();
    this.#finishDirectory(root, []);
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#leave();
    this.#root[Symbol.dispose]();
  }

  #node(directory: number, name: RawText, inode: Inode): void {
    const existing = typeOf(directory, name);
    if (inode.type === "dir" && existing === S.IFDIR) return;
    if (existing !== undefined) removeChild(directory, name);
    if (inode.type === "dir") makeDirectoryIn(directory, name, NO_SHIFT);
    else if (inode.type === "file") this.#file = new FileWriter(directory, name, inode, NO_SHIFT);
    else makeSpecial(directory, name, inode, NO_SHIFT);
  }

  #link(to: readonly RawText[], directory: number, name: RawText): void {
    if (typeOf(directory, name) !== undefined) removeChild(directory, name);
    using from = new OwnedFd(this.#open(to.slice(0, -1)));
    linkat(from.fd, rawBytes(to.at(-1) ?? ""), directory, rawBytes(name));
  }

  #endFile(): void {
    this.#file?.finish();
    this.#file = undefined;
  }

  #enter(path: readonly RawText[]): number {
    const key = path.join("/");
    if (this.#parent?.path === key) return this.#parent.fd.fd;
    this.#leave();
    const fd = this.#openOrMake(path);
    this.#parent = { path: key, fd };
    return fd.fd;
  }

  #leave(): void {
    this.#parent?.fd[Symbol.dispose]();
    this.#parent = undefined;
  }

  #open(path: readonly RawText[]): number {
    const flags = O.RDONLY | O.DIRECTORY | O.NOFOLLOW;
    const resolve = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_XDEV;
    return openat2(this.#root.fd, rawBytes(path.length === 0 ? "." : path.join("/")), { flags, resolve });
  }

  #openOrMake(path: readonly RawText[]): OwnedFd {
    try {
      return new OwnedFd(this.#open(path));
    } catch (error) {
      if (!isErrno(error, "ENOENT", "ENOTDIR")) throw error;
      return this.#make(path);
    }
  }

  /** Makes the directories of a path that the archive has not named; a whiteout in the way becomes an opaque one. */
  #make(path: readonly RawText[]): OwnedFd {
    let here = new OwnedFd(this.#open([]));
    for (const name of path) {
      using above = here;
      const type = typeOf(above.fd, name);
      if (type !== undefined && type !== S.IFDIR) {
        if (!isWhiteout(lstatat(above.fd, rawBytes(name))))
          throw new HoyError("internal", "a file is where a layer has a directory");
        unlinkat(above.fd, rawBytes(name));
      }
      if (type !== S.IFDIR) makeDirectoryIn(above.fd, name, NO_SHIFT);
      here = new OwnedFd(openChild(above.fd, name, O.RDONLY | O.DIRECTORY));
    }
    return here;
  }

  #finishDirectory(directory: Directory, path: readonly RawText[]): void {
    for (const [name, child] of directory.children) {
      if (child.kind === "dir") this.#finishDirectory(child, [...path, name]);
    }
    // One that only a link led through ("a/../b") is in the tree, and not here yet.
    using fd = this.#openOrMake(path);
    if (directory.opaque) setXattr(fd.fd, OPAQUE_XATTR, Buffer.from("y"));
    finishDirectory(fd.fd, directory.inode, NO_SHIFT);
  }
}

function typeOf(directory: number, name: RawText): number | undefined {
  try {
    return lstatat(directory, rawBytes(name)).mode & S.IFMT;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
