// Gives every inode of a merged tree its place in an EROFS image. Order on the disk: super block, device slots, inodes
// (each with its attributes, chunk indexes or short link target behind it), directory blocks and long link targets. The
// order is the tree's own, sorted, so the same chain gives the same bytes.

import type { MergedDirectory, MergedNode } from "../layer/merge.ts";
import type { Inode } from "../layer/tree.ts";
import type { RawText } from "../tar/entry.ts";
import { type ChunkPlan, copiedSize, planChunks } from "./chunks.ts";
import { directorySize, splitDirectory } from "./directory.ts";
import { CHUNK_INDEX_SIZE, DEVICE_SLOT_SIZE, DEVICE_TABLE_OFFSET, INODE_SIZE, SLOT } from "./format.ts";
import { encodeXattrs } from "./xattr.ts";

/** An inode and where it goes. */
export interface Item {
  readonly inode: Inode;
  readonly layer: number;
  readonly number: number;
  readonly xattrs: Buffer;
  nlink: number;
  /** Byte offset of the inode. */
  at: number;
  /** Directories, links too long to stand behind their inode, and data that must be in the image: offset and length. */
  dataAt: number;
  dataSize: number;
  readonly chunks: ChunkPlan | undefined;
  readonly directory: DirectoryPlan | undefined;
}

export interface DirectoryPlan {
  readonly blocks: readonly (readonly RawText[])[];
  readonly children: ReadonlyMap<RawText, Item>;
  readonly parent: Item | undefined;
}

export interface Layout {
  readonly root: Item;
  readonly items: readonly Item[];
  /** Layers whose tars hold data of the image, in order; device numbers count from 1 in this list. */
  readonly devices: readonly number[];
  readonly size: number;
}

export function layOut(root: MergedDirectory, blockSize: number): Layout {
  const collector = new Collector(blockSize);
  const rootItem = collector.directory(root, undefined);
  const devices = [...collector.layers].sort((a, b) => a - b);
  let at = DEVICE_TABLE_OFFSET + devices.length * DEVICE_SLOT_SIZE;
  for (const item of collector.items) {
    item.at = placeFor(item, at, blockSize);
    at = item.at + sizeBehind(item, blockSize);
  }
  at = roundUp(at, blockSize);
  for (const item of collector.items) {
    if (item.dataSize === 0) continue;
    item.dataAt = at;
    at += roundUp(item.dataSize, blockSize);
  }
  return { root: rootItem, items: collector.items, devices, size: at };
}

/** True when a link's target stands behind its inode: it may not cross the border of a block there. */
export function isInlineTarget(target: RawText, blockSize: number): boolean {
  return target.length > 0 && target.length <= blockSize - SLOT;
}

/** Where the chunk indexes of an item begin. */
export function indexesAt(item: Item): number {
  return roundUp(item.at + INODE_SIZE + item.xattrs.length, CHUNK_INDEX_SIZE);
}

function placeFor(item: Item, from: number, blockSize: number): number {
  let at = roundUp(from, SLOT);
  const { target } = item.inode;
  if (!isInlineTarget(target, blockSize)) return at;
  while (((at + INODE_SIZE + item.xattrs.length) % blockSize) + target.length > blockSize) at += SLOT;
  return at;
}

function sizeBehind(item: Item, blockSize: number): number {
  const fixed = INODE_SIZE + item.xattrs.length;
  if (item.chunks !== undefined) return roundUp(fixed, CHUNK_INDEX_SIZE) + item.chunks.count * CHUNK_INDEX_SIZE;
  return fixed + (isInlineTarget(item.inode.target, blockSize) ? item.inode.target.length : 0);
}

function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit;
}

class Collector {
  readonly items: Item[] = [];
  readonly layers = new Set<number>();
  readonly #known = new Map<Inode, Item>();
  readonly #blockSize: number;

  constructor(blockSize: number) {
    this.#blockSize = blockSize;
  }

  directory(node: MergedDirectory, parent: Item | undefined): Item {
    const blocks = splitDirectory([".", "..", ...node.children.keys()], this.#blockSize);
    const children = new Map<RawText, Item>();
    const item: Item = {
      ...this.#new(node.inode, node.layer),
      dataSize: directorySize(blocks, this.#blockSize),
      nlink: 2,
      directory: { blocks, children, parent },
    };
    this.items.push(item);
    for (const name of [...node.children.keys()].sort()) {
      const child = node.children.get(name);
      if (child === undefined) continue;
      if (child.kind === "dir") item.nlink++;
      children.set(name, this.#node(child, item));
    }
    return item;
  }

  #node(node: MergedNode, parent: Item): Item {
    if (node.kind === "dir") return this.directory(node, parent);
    const known = this.#known.get(node.inode);
    if (known !== undefined) {
      known.nlink++;
      return known;
    }
    const { inode, layer } = node;
    const file = inode.type === "file" && inode.size > 0;
    const longTarget = inode.type === "symlink" && !isInlineTarget(inode.target, this.#blockSize);
    const chunks = file ? planChunks(inode, this.#blockSize) : undefined;
    const copied = chunks?.copied ? copiedSize(chunks, this.#blockSize) : 0;
    const item: Item = {
      ...this.#new(inode, layer),
      dataSize: longTarget ? inode.target.length : copied,
      chunks,
    };
    if (chunks !== undefined && !chunks.copied && chunks.pieces.length > 0) this.layers.add(layer);
    this.#known.set(inode, item);
    this.items.push(item);
    return item;
  }

  #new(inode: Inode, layer: number): Item {
    return {
      inode,
      layer,
      number: this.items.length + 1,
      xattrs: encodeXattrs(inode.xattrs),
      nlink: 1,
      at: 0,
      dataAt: 0,
      dataSize: 0,
      chunks: undefined,
      directory: undefined,
    };
  }
}
