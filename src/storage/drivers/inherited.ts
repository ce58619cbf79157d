// Directories that a layer's archive only implies ("usr/bin/x" without "usr/"): in a chain they keep the mode, owner and
// times that a layer below gave them. Overlay would show the topmost one's, so a directory tree of nothing but the right
// attributes is put above the layers.

import { AT } from "../../linux/at.ts";
import { O, OwnedFd, openat2 } from "../../linux/open.ts";
import { type MergedDirectory, mergeLayers } from "../layer/merge.ts";
import type { Inode, LayerTree } from "../layer/tree.ts";
import type { RawText } from "../tar/entry.ts";
import { NO_SHIFT } from "../tree/ids.ts";
import { finishDirectory, makeDirectoryIn, openChild } from "../tree/node.ts";

export interface InheritedDirectory {
  readonly inode: Inode;
  readonly children: ReadonlyMap<RawText, InheritedDirectory>;
}

/** The directories of a chain (bottom first) that need it, with those that lead to them; undefined when none does. */
export function inheritedDirectories(layers: readonly LayerTree[]): InheritedDirectory | undefined {
  return collect(mergeLayers(layers.map((tree, source) => ({ tree, source }))));
}

function collect(directory: MergedDirectory): InheritedDirectory | undefined {
  const children = new Map<RawText, InheritedDirectory>();
  for (const [name, child] of directory.children) {
    const found = child.kind === "dir" ? collect(child) : undefined;
    if (found !== undefined) children.set(name, found);
  }
  return directory.inherited || children.size > 0 ? { inode: directory.inode, children } : undefined;
}

export function makeInherited(path: string, root: InheritedDirectory): void {
  using fd = new OwnedFd(openat2(AT.FDCWD, path, { flags: O.RDONLY | O.DIRECTORY | O.NOFOLLOW }));
  fill(fd.fd, root);
}

function fill(fd: number, directory: InheritedDirectory): void {
  for (const [name, child] of directory.children) {
    makeDirectoryIn(fd, name, NO_SHIFT);
    using made = new OwnedFd(openChild(fd, name, O.RDONLY | O.DIRECTORY));
    fill(made.fd, child);
  }
  finishDirectory(fd, directory.inode, NO_SHIFT);
}
