// Reads a container's tree from its layers (upper and lowers) without mounting anything: what overlayfs would show.
// For the few files that the engine needs itself (/etc/passwd, /etc/group) and for what an image has where a volume
// goes. Links are followed by hand, one name at a time, so none leads out of the layers.
//
// Overlay's marks (Documentation/filesystems/overlayfs.rst): a whiteout is a character device 0:0; an opaque directory
// has trusted.overlay.opaque=y.

import { closeSync, readSync } from "node:fs";
import { HoyError } from "../../base/error.ts";
import { readlinkat } from "../../linux/at.ts";
import { readDirectory } from "../../linux/directory.ts";
import { isErrno } from "../../linux/libc.ts";
import { O, openat2, RESOLVE } from "../../linux/open.ts";
import { type FileStatus, fdstat, lstatat, S } from "../../linux/stat.ts";
import { getXattr } from "../../linux/xattr.ts";

const MAX_LINKS = 40;
const MAX_DEPTH = 256;

/** A directory as the overlay shows it: the same path in one or more layers, top first. */
interface Directory {
  readonly kind: "directory";
  readonly fds: readonly number[];
}

interface Leaf {
  readonly kind: "leaf";
  /** The directory that holds it, and its name there (Latin-1 bytes). */
  readonly parent: number;
  readonly name: string;
  readonly status: FileStatus;
}

export type Node = Directory | Leaf;

export class LayeredRoot implements Disposable {
  readonly #fds = new Set<number>();
  readonly #plain: boolean;
  readonly #root: Directory;

  /**
   * Directories of the layers, top first. What is opened is closed when this is disposed of.
   * @param plain one directory that is no layer: overlay's marks in it are files like others
   */
  constructor(layers: readonly string[], plain = false) {
    this.#plain = plain;
    const fds = layers.map((path) => this.#own(openat2(-100, path, { flags: O.RDONLY | O.DIRECTORY })));
    this.#root = { kind: "directory", fds };
  }

  /** What is at an absolute path, links followed (also at the end); undefined when there is nothing. */
  find(path: string): Node | undefined {
    const pending = parts(Buffer.from(path, "utf8").toString("latin1"));
    const trail: Directory[] = [this.#root];
    for (let links = 0; ; ) {
      const here = trail.at(-1);
      const name = pending.shift();
      if (here === undefined) return undefined;
      if (name === undefined) return here;
      if (name === "..") {
        if (trail.length > 1) trail.pop();
        continue;
      }
      const node = this.child(here, name);
      if (node === undefined || trail.length > MAX_DEPTH) return undefined;
      if (node.kind === "directory") {
        trail.push(node);
        continue;
      }
      if ((node.status.mode & S.IFMT) !== S.IFLNK) return pending.length === 0 ? node : undefined;
      if (++links > MAX_LINKS) return undefined;
      const target = readlinkat(node.parent, latin1(node.name)).toString("latin1");
      if (target.startsWith("/")) trail.length = 1;
      pending.unshift(...parts(target));
    }
  }

  /** One entry of a directory, links not followed. */
  child(directory: Directory, name: string): Node | undefined {
    const below: number[] = [];
    for (const parent of directory.fds) {
      const status = entryStatus(parent, name);
      if (status === undefined) continue;
      if (!this.#plain && isWhiteout(status)) break;
      if ((status.mode & S.IFMT) !== S.IFDIR) {
        if (below.length === 0) return { kind: "leaf", parent, name, status };
        break;
      }
      const fd = this.#own(openat2(parent, latin1(name), { flags: O.RDONLY | O.DIRECTORY | O.NOFOLLOW }));
      below.push(fd);
      if (!this.#plain && getXattr(fd, "trusted.overlay.opaque")?.toString() === "y") break;
    }
    return below.length === 0 ? undefined : { kind: "directory", fds: below };
  }

  /** Closes a directory that `child` gave, when nothing in it is needed any more. */
  leave(directory: Directory): void {
    for (const fd of directory.fds) if (this.#fds.delete(fd)) closeSync(fd);
  }

  /** Whether an extended attribute is the files' own, and not a mark of overlayfs. */
  isOwn(attribute: string): boolean {
    return this.#plain || !attribute.startsWith("trusted.overlay.");
  }

  /** Names in a directory (Latin-1 bytes), those of hidden entries too: `child` gives undefined for them. */
  names(directory: Directory): string[] {
    return [...new Set(directory.fds.flatMap((fd) => readDirectory(fd).map((entry) => entry.name)))];
  }

  status(directory: Directory): FileStatus {
    const [top] = directory.fds;
    if (top === undefined) throw new HoyError("internal", "a directory of no layer");
    return fdstat(top);
  }

  /** A regular file's text; undefined when there is none. @throws HoyError "too-large" above `limit` bytes. */
  readText(path: string, limit: number): string | undefined {
    const node = this.find(path);
    if (node === undefined || node.kind !== "leaf" || (node.status.mode & S.IFMT) !== S.IFREG) return undefined;
    if (node.status.size > limit) throw new HoyError("too-large", `${path} in the image is larger than ${limit} bytes`);
    const fd = this.open(node);
    try {
      const buffer = Buffer.alloc(node.status.size);
      let length = 0;
      while (length < buffer.length) {
        const read = readSync(fd, buffer, length, buffer.length - length, length);
        if (read === 0) break;
        length += read;
      }
      return buffer.toString("utf8", 0, length);
    } finally {
      closeSync(fd);
    }
  }

  /** A regular file for reading; the caller closes it. */
  open(node: Leaf): number {
    return openat2(node.parent, latin1(node.name), { flags: O.RDONLY | O.NOFOLLOW, resolve: RESOLVE.NO_SYMLINKS });
  }

  [Symbol.dispose](): void {
    for (const fd of this.#fds) closeSync(fd);
    this.#fds.clear();
  }

  #own(fd: number): number {
    this.#fds.add(fd);
    return fd;
  }
}

function entryStatus(parent: number, name: string): FileStatus | undefined {
  try {
    return lstatat(parent, latin1(name));
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENAMETOOLONG")) return undefined;
    throw error;
  }
}

function isWhiteout(status: FileStatus): boolean {
  return (status.mode & S.IFMT) === S.IFCHR && status.rdev.major === 0 && status.rdev.minor === 0;
}

function parts(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

export function latin1(name: string): Buffer {
  return Buffer.from(name, "latin1");
}
