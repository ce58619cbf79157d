// What a client says of its files before it sends any: one Stat each, parents first, in the order of a walk. Checked
// here, since everything after believes it.

import { HoyError } from "../../../base/error.ts";
import { type RawText, rawToText, type TarType } from "../../../storage/tar/entry.ts";
import type { WireStat } from "../proto/packets.ts";
import { permissionsOf, typeOf } from "./go-mode.ts";

/** Files of one directory tree. */
export const MAX_FILES = 1_000_000;
const MAX_PATH = 4096;

export interface ListedFile {
  /** Without a leading slash. */
  readonly path: RawText;
  readonly type: TarType;
  readonly mode: number;
  /** A context belongs to root, whoever it belongs to at the client. */
  readonly uid: 0;
  readonly gid: 0;
  /** Bytes; 0 for what is no file. */
  readonly size: number;
  /** ns since the epoch. */
  readonly mtime: bigint;
  /** Target of a symlink, or the earlier name of the same file. */
  readonly linkname: RawText;
  readonly device: { readonly major: number; readonly minor: number };
  readonly xattrs: ReadonlyMap<RawText, Uint8Array>;
  /** By which its content is asked for: its place in the list. */
  readonly id: number;
}

const WHITEOUT = ".wh.";
const NO_DEVICE = { major: 0, minor: 0 };

/** Takes one Stat after the other. @throws HoyError "invalid" for a list that no walk gives. */
export class Listing {
  readonly files: ListedFile[] = [];
  /** The directories that the last file is in, from the root: what may come next is in one of them. */
  readonly #open: OpenDirectory[] = [{ path: "", last: "" }];
  /** By path, for links; made when there is a first one. */
  #types: Map<RawText, TarType> | undefined;
  #count = 0;

  add(stat: WireStat): void {
    const id = this.#count;
    this.#count += 1;
    if (this.#count > MAX_FILES) throw new HoyError("too-large", `more than ${MAX_FILES} files`);
    const path = cleanPath(stat.path);
    if (stat.mode < 0 || stat.devmajor < 0 || stat.devminor < 0) throw bad(`${rawToText(path)} is nothing`);
    const kind = typeOf(stat.mode);
    // A whiteout to a layer; in a context only a file with an odd name, which no image could hold.
    if (path === "" || kind === undefined || isWhiteout(path)) return;
    this.#enter(path);
    if (kind === "dir") this.#open.push({ path, last: "" });
    const linked = kind === "file" && stat.linkname !== "";
    const type = linked ? "hardlink" : kind;
    const linkname = linked ? cleanPath(stat.linkname) : stat.linkname;
    if (linked && this.#typeAt(linkname) !== "file") throw bad(`${rawToText(path)} is a link to what did not come`);
    const nowhere = linkname.length > MAX_PATH || linkname.includes("\0") || (type === "symlink" && linkname === "");
    if (nowhere) throw bad(`the link ${rawToText(path)} leads nowhere`);
    this.#types?.set(path, type);
    this.files.push({
      path,
      type,
      mode: permissionsOf(stat.mode),
      uid: 0,
      gid: 0,
      size: type === "file" ? sizeOf(stat) : 0,
      mtime: stat.modTime,
      linkname: type === "symlink" || type === "hardlink" ? linkname : "",
      device: stat.devmajor === 0 && stat.devminor === 0 ? NO_DEVICE : { major: stat.devmajor, minor: stat.devminor },
      xattrs: stat.xattrs,
      id,
    });
  }

  /** Its directory came, is one, and has had no name yet that a walk finds later: so it comes once only. */
  #enter(path: RawText): void {
    const slash = path.lastIndexOf("/");
    const parent = slash < 0 ? "" : path.slice(0, slash);
    let directory = this.#open.at(-1);
    while (directory !== undefined && directory.path !== parent) {
      this.#open.pop();
      directory = this.#open.at(-1);
    }
    if (directory === undefined) throw bad(`${rawToText(path)} has no parent`);
    const name = path.slice(slash + 1);
    if (name <= directory.last) throw bad(`${rawToText(path)} came twice, or not in the order of a walk`);
    directory.last = name;
  }

  #typeAt(path: RawText): TarType | undefined {
    this.#types ??= new Map(this.files.map((file) => [file.path, file.type]));
    return this.#types.get(path);
  }
}

interface OpenDirectory {
  readonly path: RawText;
  /** The last name in it. */
  last: RawText;
}

/** @throws HoyError for a path that is absolute, leads out, or is not in its shortest form. */
function cleanPath(path: RawText): RawText {
  if (path === "" || path === ".") return "";
  if (path.length > MAX_PATH || path.includes("\0")) throw bad(JSON.stringify(rawToText(path.slice(0, 200))));
  for (let start = 0; start <= path.length; ) {
    const slash = path.indexOf("/", start);
    const end = slash < 0 ? path.length : slash;
    const length = end - start;
    const isDots = length <= 2 && path.charCodeAt(start) === DOT && path.charCodeAt(end - 1) === DOT;
    if (length === 0 || length > 255 || isDots) throw bad(JSON.stringify(rawToText(path.slice(0, 200))));
    start = end + 1;
  }
  return path;
}

const DOT = 0x2e;

function isWhiteout(path: RawText): boolean {
  return path.includes(WHITEOUT) && (path.startsWith(WHITEOUT) || path.includes(`/${WHITEOUT}`));
}

function sizeOf({ path, size }: WireStat): number {
  if (size < 0) throw bad(`${rawToText(path)} has no size`);
  return size;
}

function bad(what: string): HoyError {
  return new HoyError("invalid", `the client sent a bad list of files: ${what}`);
}
