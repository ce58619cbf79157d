// What a client says of its files before it sends any: one Stat each, parents first, in the order of a walk. Checked
// here, since everything after believes it.

import { HoyError } from "../../../base/error.ts";
import type { RawText, TarType } from "../../../storage/tar/entry.ts";
import { textToRaw } from "../../../storage/tar/entry.ts";
import type { Stat } from "../proto/gen/fsutil_pb.ts";
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

/** Takes one Stat after the other. @throws HoyError "invalid" for a list that no walk gives. */
export class Listing {
  readonly files: ListedFile[] = [];
  readonly #types = new Map<RawText, TarType>();
  #count = 0;

  add(stat: Stat): void {
    const id = this.#count;
    this.#count += 1;
    if (this.#count > MAX_FILES) throw new HoyError("too-large", `more than ${MAX_FILES} files`);
    const path = cleanPath(stat.path);
    const kind = typeOf(stat.mode);
    // A whiteout to a layer; in a context only a file with an odd name, which no image could hold.
    if (path === "" || kind === undefined || /(?:^|\/)\.wh\./.test(path)) return;
    const parent = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : undefined;
    if (parent !== undefined && this.#types.get(parent) !== "dir") throw bad(`${stat.path} has no parent`);
    if (this.#types.has(path)) throw bad(`${stat.path} came twice`);
    const linked = kind === "file" && stat.linkname !== "";
    const type = linked ? "hardlink" : kind;
    const linkname = linked ? cleanPath(stat.linkname) : textToRaw(stat.linkname);
    if (linked && this.#types.get(linkname) !== "file") throw bad(`${stat.path} is a link to what did not come`);
    if (linkname.length > MAX_PATH || linkname.includes("\0")) throw bad(`the link ${stat.path} leads nowhere`);
    if (type === "symlink" && linkname === "") throw bad(`the link ${stat.path} leads nowhere`);
    this.#types.set(path, type);
    this.files.push({
      path,
      type,
      mode: permissionsOf(stat.mode),
      uid: 0,
      gid: 0,
      size: type === "file" ? sizeOf(stat) : 0,
      mtime: stat.modTime,
      linkname: type === "symlink" || type === "hardlink" ? linkname : "",
      device: { major: Number(stat.devmajor), minor: Number(stat.devminor) },
      xattrs: new Map(Object.entries(stat.xattrs).map(([name, value]) => [textToRaw(name), value])),
      id,
    });
  }
}

/** @throws HoyError for a path that is absolute, leads out, or is not in its shortest form. */
function cleanPath(text: string): RawText {
  const path = textToRaw(text);
  if (path === "" || path === ".") return "";
  const parts = path.split("/");
  const wrong = parts.some((part) => part === "" || part === "." || part === ".." || part.length > 255);
  if (wrong || path.length > MAX_PATH || path.includes("\0")) throw bad(JSON.stringify(text.slice(0, 200)));
  return path;
}

function sizeOf(stat: Stat): number {
  const size = Number(stat.size);
  if (!Number.isSafeInteger(size) || size < 0) throw bad(`${stat.path} has no size`);
  return size;
}

function bad(what: string): HoyError {
  return new HoyError("invalid", `the client sent a bad list of files: ${what}`);
}
