// A layer that is being drafted: a tree of what changes above a base, in memory. Data is not in it, only where it comes
// from. Written out as a tar by emit.ts.

import type { OwnedFd } from "../../../linux/open.ts";
import type { RawText, SparseSegment } from "../../../storage/tar/entry.ts";
import type { Attributes } from "./attributes.ts";

export interface DraftDirectory {
  readonly kind: "dir";
  attributes: Attributes;
  readonly children: Map<RawText, DraftNode>;
  /** Nothing of what the base has in it shows. */
  opaque: boolean;
}

/** Several names of one file share one inode. */
export interface DraftLeaf {
  readonly kind: "leaf";
  readonly inode: DraftInode;
}

/** What the base has under the name is gone. */
export interface DraftGone {
  readonly kind: "gone";
}

export type DraftNode = DraftDirectory | DraftLeaf | DraftGone;

export interface DraftInode {
  readonly type: "file" | "symlink" | "char" | "block" | "fifo";
  readonly attributes: Attributes;
  /** Symlinks only, else "". */
  readonly target: RawText;
  readonly device: { readonly major: number; readonly minor: number };
  readonly size: number;
  readonly content: Content | undefined;
}

export type Content =
  | { readonly kind: "bytes"; readonly data: Uint8Array }
  /** A file in a tree that stays open: `path` beneath `directory`, without links; "": `directory` itself is the file. */
  | { readonly kind: "file"; readonly directory: OwnedFd; readonly path: RawText }
  /** A piece of a file: an entry of an archive. `segments` where it has holes. */
  | {
      readonly kind: "piece";
      readonly file: OwnedFd;
      readonly offset: number;
      readonly segments: readonly SparseSegment[] | undefined;
    };

export const NO_DEVICE = { major: 0, minor: 0 };

export function draftDirectory(attributes: Attributes, opaque = false): DraftDirectory {
  return { kind: "dir", attributes, children: new Map(), opaque };
}
