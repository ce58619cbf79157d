// Unpacks a stranger's tar into a tree that others may be changing at the same time: "copy into a container", and ADD in
// a build. Every path is opened by the kernel inside the root (RESOLVE_IN_ROOT), each file is made in a directory that is
// open, and nothing is done to a name that could meanwhile be another file.
//
// Not atomic: what was unpacked before an error stays, as with `docker cp`.

import { setImmediate } from "node:timers/promises";
import { HoyError } from "../../base/error.ts";
import { linkat } from "../../linux/at.ts";
import { isErrno } from "../../linux/libc.ts";
import { O, OwnedFd, openInRoot } from "../../linux/open.ts";
import { type FileStatus, lstatat, S } from "../../linux/stat.ts";
import { cleanName } from "../layer/name.ts";
import type { Inode } from "../layer/tree.ts";
import { keptXattrs } from "../layer/xattrs.ts";
import { type RawText, rawBytes, rawToText, type TarEntry, textToRaw } from "../tar/entry.ts";
import { TarParser } from "../tar/parser.ts";
import { type IdShift, NO_SHIFT } from "./ids.ts";
import { FileWriter, finishDirectory, makeDirectoryIn, makeSpecial, type NodeAttributes } from "./node.ts";
import { removeChild } from "./remove.ts";
import { reopen } from "./walk.ts";

export interface ExtractOptions {
  /** Refuse to put a directory over another kind of file, and the other way round. */
  readonly noOverwriteDirNonDir?: boolean;
  /** Everything belongs to this user, rather than to whom the archive says. Ids of the container. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  readonly shift?: IdShift;
  /** No nodes of devices: the tree is no container's root. */
  readonly refuseDevices?: boolean;
  readonly signal?: AbortSignal;
}

/** Directories of one archive whose times are still to be set; more would be a bomb. */
const MAX_DIRECTORIES = 1_000_000;

/**
 * Unpacks into the directory `path` of the tree `root` (a descriptor of a directory), which must be there.
 * @throws HoyError "not-found" without the directory, "invalid" for a bad archive and by noOverwriteDirNonDir;
 * SystemError for what the file system says (EROFS, ENOSPC, EDQUOT …).
 */
export async function extractTar(
  root: number,
  path: string,
  tar: AsyncIterable<Uint8Array>,
  options: ExtractOptions = {},
): Promise<void> {
  using extractor = new Extractor(root, path, options);
  const parser = new TarParser({
    entry: (entry) => extractor.entry(entry),
    data: (bytes) => extractor.data(bytes),
  });
  for await (const chunk of tar) {
    if (options.signal?.aborted) throw new HoyError("cancelled", "unpacking an archive was cancelled");
    parser.push(chunk);
    await setImmediate();
  }
  parser.end();
  extractor.finish();
}

class Extractor implements Disposable {
  readonly #root: number;
  /** The directory to unpack into, as bytes; links in it are resolved anew each time, always inside the root. */
  readonly #base: RawText;
  readonly #options: ExtractOptions;
  readonly #shift: IdShift;
  readonly #directories: { readonly path: RawText; readonly attributes: NodeAttributes }[] = [];
  #parent: { readonly path: RawText; readonly fd: OwnedFd } | undefined;
  #file: FileWriter | undefined;

  constructor(root: number, path: string, options: ExtractOptions) {
    this.#root = root;
    this.#base = textToRaw(path);
    this.#options = options;
    this.#shift = options.shift ?? NO_SHIFT;
    try {
      new OwnedFd(this.#open(this.#base))[Symbol.dispose]();
    } catch (error) {
      if (!isErrno(error, "ENOENT", "ENOTDIR")) throw error;
      throw new HoyError("not-found", `Could not find the directory ${path}`, { cause: error });
    }
  }

  entry(entry: TarEntry): void {
    this.#endFile();
    const path = cleanName(entry.name);
    const name = path.at(-1);
    // The archive's own top is the directory that is there: Docker leaves it as it is, too.
    if (name === undefined) return;
    const directory = this.#enter(path.slice(0, -1));
    const existing = statOf(directory, name);
    const bothDirectories = entry.type === "dir" && existing !== undefined && isDirectory(existing);
    if (existing !== undefined && !bothDirectories) this.#clear(directory, name, existing, entry);
    if (entry.type === "hardlink") this.#link(directory, name, entry);
    else if (entry.type === "dir") this.#directory(directory, name, path, entry, bothDirectories);
    else if (entry.type === "file") {
      this.#file = new FileWriter(directory, name, this.#inode(entry, "file"), this.#shift);
    } else if (this.#options.refuseDevices === true && (entry.type === "char" || entry.type === "block")) {
      throw new HoyError("invalid", `${rawToText(entry.name)} in the archive is a device`);
    } else makeSpecial(directory, name, this.#inode(entry, entry.type), this.#shift);
  }

  data(bytes: Uint8Array): void {
    this.#file?.write(bytes);
  }

  /** Directories get their attributes last, deepest first; one that somebody took away meanwhile is let be. */
  finish(): void {
    this.#endFile();
    for (const { path, attributes } of this.#directories.toReversed()) {
      try {
        using found = new OwnedFd(openInRoot(this.#root, rawBytes(path), O.PATH | O.DIRECTORY | O.NOFOLLOW));
        using directory = new OwnedFd(reopen(found.fd, O.RDONLY | O.DIRECTORY));
        finishDirectory(directory.fd, attributes, this.#shift);
      } catch (error) {
        if (!isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) throw error;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#file?.close();
    this.#leave();
  }

  #directory(directory: number, name: RawText, path: readonly RawText[], entry: TarEntry, exists: boolean): void {
    if (!exists) makeDirectoryIn(directory, name, this.#shift);
    if (this.#directories.length >= MAX_DIRECTORIES)
      throw new HoyError("too-large", "too many directories in the archive");
    this.#directories.push({ path: this.#inBase(path), attributes: this.#inode(entry, "dir") });
  }

  #clear(directory: number, name: RawText, existing: FileStatus, entry: TarEntry): void {
    if (this.#options.noOverwriteDirNonDir && isDirectory(existing) !== (entry.type === "dir")) {
      const [old, fresh] = isDirectory(existing) ? ["directory", "non-directory"] : ["non-directory", "directory"];
      const shown = rawToText(entry.name);
      throw new HoyError("invalid", `cannot overwrite ${old} "${rawToText(name)}" with ${fresh} "${shown}"`);
    }
    removeChild(directory, name);
  }

  #link(directory: number, name: RawText, entry: TarEntry): void {
    const target = cleanName(entry.linkname);
    const last = target.at(-1);
    if (last === undefined) throw new HoyError("invalid", "hard link to the top of the archive");
    using from = new OwnedFd(this.#open(this.#inBase(target.slice(0, -1))));
    linkat(from.fd, rawBytes(last), directory, rawBytes(name));
  }

  #inode(entry: TarEntry, type: Inode["type"]): Inode {
    const { mode, mtime, device, size, offset, sparse, linkname } = entry;
    const { uid, gid } = this.#options.owner ?? entry;
    const xattrs = keptXattrs(type, entry.xattrs);
    return { type, mode, uid, gid, mtime, xattrs, target: linkname, device, size, offset, sparse };
  }

  #endFile(): void {
    this.#file?.finish();
    this.#file = undefined;
  }

  /** The directory that an entry is in, made where it is missing. */
  #enter(path: readonly RawText[]): number {
    const key = this.#inBase(path);
    if (this.#parent?.path === key) return this.#parent.fd.fd;
    this.#leave();
    this.#parent = { path: key, fd: this.#openOrMake(path) };
    return this.#parent.fd.fd;
  }

  #leave(): void {
    this.#parent?.fd[Symbol.dispose]();
    this.#parent = undefined;
  }

  #openOrMake(path: readonly RawText[]): OwnedFd {
    const whole = this.#inBase(path);
    const name = path.at(-1);
    try {
      return new OwnedFd(this.#open(whole));
    } catch (error) {
      if (isErrno(error, "ENOTDIR")) throw notDirectory(whole, error);
      if (!isErrno(error, "ENOENT") || name === undefined) throw error;
    }
    using above = this.#openOrMake(path.slice(0, -1));
    try {
      makeDirectoryIn(above.fd, name, this.#shift);
    } catch (error) {
      // A link to nothing is in the way.
      throw isErrno(error, "EEXIST") ? notDirectory(whole, error) : error;
    }
    const made = new OwnedFd(this.#open(whole));
    const attributes = { mode: 0o755, uid: 0, gid: 0, ...this.#options.owner, mtime: now(), xattrs: new Map() };
    finishDirectory(made.fd, attributes, this.#shift);
    return made;
  }

  #inBase(path: readonly RawText[]): RawText {
    return [this.#base === "" ? "/" : this.#base, ...path].join("/");
  }

  #open(path: RawText): number {
    return openInRoot(this.#root, rawBytes(path), O.RDONLY | O.DIRECTORY);
  }
}

function notDirectory(path: RawText, cause: unknown): HoyError {
  return new HoyError("invalid", `not a directory: ${rawToText(path)}`, { cause });
}

function now(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}

function isDirectory(status: FileStatus): boolean {
  return (status.mode & S.IFMT) === S.IFDIR;
}

function statOf(directory: number, name: RawText): FileStatus | undefined {
  try {
    return lstatat(directory, rawBytes(name));
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
