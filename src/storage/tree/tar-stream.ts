// Files of a disk as entries of a tar stream: headers from what statx and the attributes say, hard links by inode, data
// read as it goes. Used for whole trees (tree-tar.ts) and for a container's changes (layer-tar.ts).

import { read } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { readlinkat } from "../../linux/at.ts";
import { O, OwnedFd } from "../../linux/open.ts";
import { type FileStatus, S } from "../../linux/stat.ts";
import { getXattr, listXattrs } from "../../linux/xattr.ts";
import { type RawText, rawBytes, type TarType } from "../tar/entry.ts";
import { END_OF_ARCHIVE, formatHeader, paddingAfter, type TarHeader } from "../tar/writer.ts";
import { fromDisk, type IdShift, xattrFromDisk } from "./ids.ts";
import { reopen } from "./walk.ts";

const TYPES: Readonly<Record<number, TarType>> = {
  [S.IFREG]: "file",
  [S.IFDIR]: "dir",
  [S.IFLNK]: "symlink",
  [S.IFCHR]: "char",
  [S.IFBLK]: "block",
  [S.IFIFO]: "fifo",
};

const READ_SIZE = 1024 * 1024;
const readAsync = promisify(read);

export class TarStream {
  readonly #shift: IdShift;
  /** First names of files that have several. */
  readonly #links = new Map<string, RawText>();

  constructor(shift: IdShift) {
    this.#shift = shift;
  }

  /**
   * One file as an entry named `name`; nothing for a socket, which a tar can't hold. `fd` is O_PATH.
   * With `empty`, a file comes without its data: what is mounted over it is not the tree's.
   */
  async *entry(name: RawText, fd: number, status: FileStatus, empty = false): AsyncGenerator<Uint8Array, void, void> {
    const type = TYPES[status.mode & S.IFMT];
    if (type === undefined) return;
    const key = `${status.dev.major}:${status.dev.minor}:${status.inode}`;
    const first = type !== "dir" && status.nlink > 1 ? this.#links.get(key) : undefined;
    const header = this.#header(name, fd, status, type);
    if (first !== undefined) {
      yield formatHeader({ ...header, type: "hardlink", linkname: first, size: 0, xattrs: NO_XATTRS });
      return;
    }
    if (type !== "dir" && status.nlink > 1) this.#links.set(key, name);
    yield formatHeader(empty ? { ...header, size: 0 } : header);
    if (type === "file" && status.size > 0 && !empty) yield* contentOf(fd, status.size);
  }

  /** An empty file that is not on the disk. */
  marker(name: RawText): Uint8Array {
    return formatHeader({ ...MARKER, name });
  }

  end(): Uint8Array {
    return END_OF_ARCHIVE;
  }

  #header(name: RawText, fd: number, status: FileStatus, type: TarType): TarHeader {
    const { uidBase, gidBase, size } = this.#shift;
    const node = type === "char" || type === "block";
    return {
      type,
      name,
      linkname: type === "symlink" ? readlinkat(fd, "").toString("latin1") : "",
      mode: status.mode & 0o7777,
      uid: fromDisk(status.uid, uidBase, size),
      gid: fromDisk(status.gid, gidBase, size),
      size: type === "file" ? status.size : 0,
      mtime: status.mtime,
      device: node ? status.rdev : { major: 0, minor: 0 },
      xattrs: this.#xattrs(fd),
    };
  }

  #xattrs(fd: number): ReadonlyMap<RawText, Uint8Array> {
    const file = `/proc/self/fd/${fd}`;
    const names = listXattrs(file, true).filter(travels);
    if (names.length === 0) return NO_XATTRS;
    const xattrs = new Map<RawText, Uint8Array>();
    for (const name of names) {
      const value = getXattr(file, rawBytes(name), true);
      if (value !== undefined) xattrs.set(name, xattrFromDisk(name, value, this.#shift));
    }
    return xattrs;
  }
}

const NO_XATTRS: ReadonlyMap<RawText, Uint8Array> = new Map();

const MARKER: TarHeader = {
  type: "file",
  name: "",
  linkname: "",
  mode: 0o600,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0n,
  device: { major: 0, minor: 0 },
  xattrs: NO_XATTRS,
};

/** Attributes that belong to the file; overlay's marks and the host's own labels and measurements stay. */
function travels(name: RawText): boolean {
  if (name.startsWith("trusted.overlay.")) return false;
  return name.startsWith("user.") || name.startsWith("trusted.") || KEPT.has(name);
}

const KEPT: ReadonlySet<string> = new Set([
  "security.capability",
  "system.posix_acl_access",
  "system.posix_acl_default",
]);

/** Exactly as many bytes as the header promised: a file that shrank is filled up, one that grew is cut. */
async function* contentOf(fd: number, size: number): AsyncGenerator<Uint8Array, void, void> {
  using file = new OwnedFd(reopen(fd, O.RDONLY));
  let left = size;
  while (left > 0) {
    const buffer = Buffer.allocUnsafe(Math.min(left, READ_SIZE));
    const { bytesRead } = await readAsync(file.fd, buffer, 0, buffer.length, null);
    if (bytesRead === 0) buffer.fill(0);
    const piece = bytesRead === 0 ? buffer : buffer.subarray(0, bytesRead);
    left -= piece.length;
    yield piece;
  }
  yield paddingAfter(size);
}

const GATHERED = 64 * 1024;

/** Joins small pieces, so that a tree of small files is not a stream of headers. */
export async function* gathered(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const piece of pieces) {
    held.push(piece);
    size += piece.length;
    if (size < GATHERED) continue;
    yield held.length === 1 ? piece : Buffer.concat(held);
    held = [];
    size = 0;
    // A reader that is always ready would keep all other work waiting for the whole tree.
    await setImmediate();
  }
  if (size > 0) yield Buffer.concat(held);
}
