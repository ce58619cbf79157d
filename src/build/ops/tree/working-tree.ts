// A tree that file operations change: a base that is mounted read-only, and the draft of a layer above it. Paths are
// resolved here as in a chroot of the tree: links in it lead to places in it, whoever made them. The base itself is only
// ever opened by names without links, beneath its root, which the kernel checks (openat2(2)).

import { HoyError } from "../../../base/error.ts";
import { readlinkat } from "../../../linux/at.ts";
import { readDirectory } from "../../../linux/directory.ts";
import { isErrno } from "../../../linux/libc.ts";
import { O, OwnedFd, openat2, RESOLVE } from "../../../linux/open.ts";
import { type FileStatus, fdstat, S } from "../../../linux/stat.ts";
import { type RawText, rawBytes, rawToText, textToRaw } from "../../../storage/tar/entry.ts";
import { type Attributes, attributesOf, MADE_AT, NO_XATTRS } from "./attributes.ts";
import { type DraftDirectory, type DraftNode, draftDirectory } from "./draft.ts";

const MAX_LINKS = 40;
const BENEATH = RESOLVE.BENEATH | RESOLVE.NO_SYMLINKS | RESOLVE.NO_MAGICLINKS;

/** Names from the root down, without links and dots. */
export type Path = readonly RawText[];

export type Found =
  | { readonly kind: "dir" }
  | { readonly kind: "symlink"; readonly target: RawText }
  | { readonly kind: "other" };

export class WorkingTree {
  readonly root: DraftDirectory;
  readonly #base: OwnedFd | undefined;

  /** @param base the tree below; undefined: nothing. Stays the caller's. */
  constructor(base: OwnedFd | undefined) {
    this.#base = base;
    this.root = draftDirectory(base === undefined ? rootAttributes() : attributesOf(base.fd));
  }

  /** What is at a path without links. */
  find(path: Path): Found | undefined {
    const drafted = this.#drafted(path);
    if (drafted === "base") {
      const fd = this.#openBase(path);
      if (fd === undefined) return undefined;
      using owned = fd;
      return foundOf(owned.fd, fdstat(owned.fd));
    }
    if (drafted === undefined || drafted.kind === "gone") return undefined;
    if (drafted.kind === "dir") return { kind: "dir" };
    const { type, target } = drafted.inode;
    return type === "symlink" ? { kind: "symlink", target } : { kind: "other" };
  }

  /**
   * Where a path leads, links followed in all of it (`last`: at its end too). What is missing is taken as it is written,
   * so the result may not exist.
   * @throws HoyError "invalid" for a loop of links, or a file where a directory must be.
   */
  resolve(path: string | Path, last = true): RawText[] {
    const todo = (typeof path === "string" ? partsOf(textToRaw(path)) : [...path]).reverse();
    const done: RawText[] = [];
    let links = 0;
    for (let name = todo.pop(); name !== undefined; name = todo.pop()) {
      if (name === "..") {
        done.pop();
        continue;
      }
      const here = [...done, name];
      const found = this.find(here);
      if (found?.kind === "symlink" && (last || todo.length > 0)) {
        if (++links > MAX_LINKS) throw new HoyError("invalid", `too many links in ${shown(path)}`);
        if (found.target.startsWith("/")) done.length = 0;
        todo.push(...partsOf(found.target).reverse());
        continue;
      }
      if (found?.kind === "other" && todo.length > 0) {
        throw new HoyError("invalid", `not a directory: ${shown(here)}`);
      }
      done.push(name);
    }
    return done;
  }

  /**
   * The directory at a path without links, in the draft. Where the base has it, it keeps its attributes; where nothing
   * is, it is made, and its missing parents with it, as `make` says. @throws HoyError "invalid" for another kind of file.
   */
  directory(path: Path, make: () => Attributes): DraftDirectory {
    let here = this.root;
    for (const [depth, name] of path.entries()) {
      const child = here.children.get(name);
      if (child?.kind === "dir") {
        here = child;
        continue;
      }
      const at = path.slice(0, depth + 1);
      if (child?.kind === "leaf") throw new HoyError("invalid", `not a directory: ${shown(at)}`);
      const made = child === undefined ? this.#baseDirectory(at) : undefined;
      const next = made ?? draftDirectory(make(), child?.kind === "gone");
      here.children.set(name, next);
      here = next;
    }
    return here;
  }

  /** Puts a node at a path whose directory is there (see `directory`). */
  put(path: Path, node: DraftNode): void {
    const name = path.at(-1);
    if (name === undefined) throw new HoyError("invalid", "the root can't be replaced");
    const parent = this.directory(path.slice(0, -1), rootAttributes);
    // A directory that comes where the base had something else, or was removed before, starts empty.
    parent.children.set(name, node);
  }

  /** Removes whatever is at a path without links; nothing there is no error. */
  remove(path: Path): void {
    const name = path.at(-1);
    if (name === undefined) throw new HoyError("invalid", "the root can't be removed");
    if (this.find(path) === undefined) return;
    const parent = this.directory(path.slice(0, -1), rootAttributes);
    if (!parent.opaque && this.#inBase(path)) parent.children.set(name, { kind: "gone" });
    else parent.children.delete(name);
  }

  /** Names in a directory. */
  names(path: Path): RawText[] {
    const drafted = this.#drafted(path);
    const names = new Set<RawText>();
    if (drafted === "base" || (drafted !== undefined && drafted.kind === "dir" && !drafted.opaque)) {
      const fd = this.#openBase(path, O.RDONLY | O.DIRECTORY);
      if (fd !== undefined) {
        using owned = fd;
        for (const { name } of readDirectory(owned.fd)) names.add(name);
      }
    }
    if (drafted !== undefined && drafted !== "base" && drafted.kind === "dir") {
      for (const [name, node] of drafted.children) {
        if (node.kind === "gone") names.delete(name);
        else names.add(name);
      }
    }
    return [...names].sort();
  }

  /** Of a directory or file that is there. */
  attributes(path: Path): Attributes | undefined {
    const drafted = this.#drafted(path);
    if (drafted === "base") {
      const fd = this.#openBase(path);
      if (fd === undefined) return undefined;
      using owned = fd;
      return attributesOf(owned.fd);
    }
    if (drafted === undefined || drafted.kind === "gone") return undefined;
    return drafted.kind === "dir" ? drafted.attributes : drafted.inode.attributes;
  }

  /** A regular file of the base or with bytes of its own; undefined when there is none. */
  readText(path: string, read: (fd: number) => string): string | undefined {
    const at = this.resolve(path);
    const drafted = this.#drafted(at);
    if (drafted === "base") {
      const fd = this.#openBase(at);
      if (fd === undefined) return undefined;
      using owned = fd;
      return (fdstat(owned.fd).mode & S.IFMT) === S.IFREG ? read(owned.fd) : undefined;
    }
    if (drafted?.kind !== "leaf" || drafted.inode.content === undefined) return undefined;
    const { content } = drafted.inode;
    if (content.kind === "bytes") return Buffer.from(content.data).toString("utf8");
    if (content.kind !== "file") return undefined;
    const how = { flags: O.PATH | O.NOFOLLOW, resolve: BENEATH };
    if (content.path === "") return read(content.directory.fd);
    using file = new OwnedFd(openat2(content.directory.fd, rawBytes(content.path), how));
    return read(file.fd);
  }

  /** The draft's node; "base" where the draft says nothing and the base shows; undefined when the draft hides it. */
  #drafted(path: Path): DraftNode | "base" | undefined {
    let here: DraftNode = this.root;
    let hidden = false;
    for (const name of path) {
      if (here.kind !== "dir") return undefined;
      hidden ||= here.opaque;
      const child: DraftNode | undefined = here.children.get(name);
      if (child === undefined) return hidden || this.#base === undefined ? undefined : "base";
      here = child;
    }
    return here;
  }

  #baseDirectory(path: Path): DraftDirectory | undefined {
    if (this.#drafted(path) !== "base") return undefined;
    const fd = this.#openBase(path);
    if (fd === undefined) return undefined;
    using owned = fd;
    const status = fdstat(owned.fd);
    if ((status.mode & S.IFMT) !== S.IFDIR) throw new HoyError("invalid", `not a directory: ${shown(path)}`);
    return draftDirectory(attributesOf(owned.fd, status));
  }

  #inBase(path: Path): boolean {
    const fd = this.#openBase(path);
    fd?.[Symbol.dispose]();
    return fd !== undefined;
  }

  #openBase(path: Path, flags: number = O.PATH): OwnedFd | undefined {
    if (this.#base === undefined) return undefined;
    try {
      const name = path.length === 0 ? "." : rawBytes(path.join("/"));
      return new OwnedFd(openat2(this.#base.fd, name, { flags: flags | O.NOFOLLOW, resolve: BENEATH }));
    } catch (error) {
      if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG")) return undefined;
      throw error;
    }
  }
}

/** The parts of a path; ".." is among them. */
export function partsOf(path: RawText): RawText[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

export function shown(path: string | Path): string {
  return typeof path === "string" ? path : `/${rawToText(path.join("/"))}`;
}

function rootAttributes(): Attributes {
  return { mode: 0o755, uid: 0, gid: 0, mtime: MADE_AT, xattrs: NO_XATTRS };
}

function foundOf(fd: number, status: FileStatus): Found {
  const type = status.mode & S.IFMT;
  if (type === S.IFDIR) return { kind: "dir" };
  if (type === S.IFLNK) return { kind: "symlink", target: readlinkat(fd, "").toString("latin1") };
  return { kind: "other" };
}
