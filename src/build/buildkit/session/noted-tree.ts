// What is told of a client's files while they are received, as a tree that later copies need not look for on a disk.

import { type KnownFile, KnownTree } from "../../ops/tree/known-tree.ts";
import type { ListedFile } from "./listing.ts";
import type { Placed } from "./receive.ts";

export class NotedTree {
  readonly #places = new Map<ListedFile, { readonly offset: number; readonly digest: string }>();

  readonly placed: Placed = (file, offset, digest) => void this.#places.set(file, { offset, digest });

  /** All of what was listed; undefined where a layer may show something otherwise than it was listed. */
  tree(files: readonly ListedFile[]): KnownTree | undefined {
    const known: KnownFile[] = [];
    const byPath = new Map<string, KnownFile>();
    for (const file of files) {
      const made = file.type === "hardlink" ? linked(byPath.get(file.linkname), file) : this.#known(file, known.length);
      if (made === undefined) return undefined;
      known.push(made);
      byPath.set(made.path, made);
    }
    return KnownTree.of(known);
  }

  #known(file: ListedFile, inode: number): KnownFile | undefined {
    const { path, type, mode, size, mtime, linkname, xattrs } = file;
    // Devices may be whiteouts to a layer, and not every attribute is one that it keeps.
    if (type === "char" || type === "block" || type === "hardlink" || xattrs.size > 0) return undefined;
    const { offset = 0, digest = "" } = this.#places.get(file) ?? {};
    return {
      path,
      type,
      mode: type === "symlink" ? 0o777 : mode,
      size,
      mtime,
      target: linkname,
      digest,
      offset,
      inode,
    };
  }
}

/** Another name of a file. */
function linked(first: KnownFile | undefined, { path }: ListedFile): KnownFile | undefined {
  return first === undefined ? undefined : { ...first, path };
}
