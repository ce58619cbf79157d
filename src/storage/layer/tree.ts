// A layer as a tree: what one archive puts there when its entries are taken in order, before any other layer is looked
// at. Both drivers build it while the archive passes, so both agree on what a layer is. Plain data; built in build.ts.

import type { RawText, SparseSegment } from "../tar/entry.ts";

/** A file of any type, perhaps with several names: hard links are the same object. */
export interface Inode {
  readonly type: "file" | "dir" | "symlink" | "char" | "block" | "fifo";
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** ns since 1970. */
  readonly mtime: bigint;
  readonly xattrs: ReadonlyMap<RawText, Uint8Array>;
  /** Symlinks only, else "". */
  readonly target: RawText;
  readonly device: { readonly major: number; readonly minor: number };
  /** Files only: bytes as one reads them, where the data is in the layer's tar, and its segments when it has holes. */
  readonly size: number;
  readonly offset: number;
  readonly sparse: readonly SparseSegment[] | undefined;
}

export interface Directory {
  readonly kind: "dir";
  inode: Inode;
  readonly children: Map<RawText, LayerNode>;
  /** Hides what layers below have in it. */
  opaque: boolean;
  /** The archive never named it, only things in it: where a layer below has it, that one's mode and owner stay. */
  implied: boolean;
}

export interface Leaf {
  readonly kind: "leaf";
  readonly inode: Inode;
}

/** Hides what layers below have under this name. */
export interface Whiteout {
  readonly kind: "whiteout";
}

export type LayerNode = Directory | Leaf | Whiteout;

export interface LayerTree {
  readonly root: Directory;
  /** Entries that the archive had. */
  readonly entries: number;
  /** Sum of the sizes of the files in the tree, each once. */
  readonly size: number;
}

const NO_DEVICE = { major: 0, minor: 0 };

/** What a directory is that only its contents speak of: root's, 0755, of 1970. */
export const IMPLIED_DIRECTORY: Inode = {
  type: "dir",
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtime: 0n,
  xattrs: new Map(),
  target: "",
  device: NO_DEVICE,
  size: 0,
  offset: 0,
  sparse: undefined,
};

export function impliedDirectory(opaque = false): Directory {
  return { kind: "dir", inode: IMPLIED_DIRECTORY, children: new Map(), opaque, implied: true };
}
