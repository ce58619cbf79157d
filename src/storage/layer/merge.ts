// A chain of layers as one tree: whiteouts applied, later layers over earlier ones (OCI image spec, layer.md#applying).

import type { RawText } from "../tar/entry.ts";
import { type Directory, IMPLIED_DIRECTORY, type Inode, type LayerTree } from "./tree.ts";

export interface MergedDirectory {
  readonly kind: "dir";
  inode: Inode;
  /** The layer that `inode` is from; files' data is in that layer's tar. */
  layer: number;
  /** The topmost layer that has it does not name it: its attributes are those of a layer below. */
  inherited: boolean;
  readonly children: Map<RawText, MergedNode>;
}

export interface MergedLeaf {
  readonly kind: "leaf";
  readonly inode: Inode;
  readonly layer: number;
}

export type MergedNode = MergedDirectory | MergedLeaf;

export interface ChainLayer {
  readonly tree: LayerTree;
  /** Which tar its data is in; a layer that is in the chain twice has one. */
  readonly source: number;
}

/** Merges layers, bottom first. The layers are not changed; inodes are shared with them. */
export function mergeLayers(layers: readonly ChainLayer[]): MergedDirectory {
  const root = emptyDirectory();
  for (const { tree, source } of layers) apply(root, tree.root, source);
  return root;
}

function emptyDirectory(): MergedDirectory {
  return { kind: "dir", inode: IMPLIED_DIRECTORY, layer: 0, inherited: false, children: new Map() };
}

function apply(target: MergedDirectory, source: Directory, layer: number): void {
  if (source.opaque) target.children.clear();
  target.inherited = source.implied && target.inode !== IMPLIED_DIRECTORY;
  if (!source.implied) {
    target.inode = source.inode;
    target.layer = layer;
  }
  for (const [name, node] of source.children) {
    if (node.kind === "whiteout") {
      target.children.delete(name);
    } else if (node.kind === "leaf") {
      target.children.set(name, { kind: "leaf", inode: node.inode, layer });
    } else {
      const existing = target.children.get(name);
      const directory = existing?.kind === "dir" ? existing : emptyDirectory();
      target.children.set(name, directory);
      apply(directory, node, layer);
    }
  }
}
