// Writes the EROFS image of a chain of layers: metadata only, in memory, each file's data being chunks of its layer's
// tar, which the kernel is given as extra devices.

import { setImmediate } from "node:timers/promises";
import { HoyError } from "../../base/error.ts";
import type { MergedDirectory } from "../layer/merge.ts";
import { type ChunkPlan, chunkAddresses } from "./chunks.ts";
import { writeDirectoryBlock } from "./directory.ts";
import {
  CHUNK_FORMAT_INDEXES,
  CHUNK_INDEX_SIZE,
  encodeDevice,
  FILE_TYPE,
  INODE_SIZE,
  LAYOUT,
  MODE_TYPE,
  NULL_ADDRESS,
  SLOT,
  writeChunkIndex,
  writeDeviceSlot,
  writeInode,
  writeSuperBlock,
} from "./format.ts";
import { type DirectoryPlan, type Item, indexesAt, isInlineTarget, type Layout, layOut } from "./layout.ts";
import { xattrCount } from "./xattr.ts";

export interface ImageLayer {
  /** 64 characters that name the tar; they go into the device table. */
  readonly tag: string;
  readonly tarSize: number;
  /** Fills `into` from `offset` of the tar; asked for seldom (see chunks.ts). */
  read(into: Uint8Array, offset: number): void;
}

export interface ImageOptions {
  /** 9: blocks of 512 bytes, as tars are aligned. Others are for tests of images without file data. */
  readonly blockBits?: number;
  /** 16 bytes that name the image. */
  readonly uuid: Uint8Array;
}

const BILLION = 1_000_000_000n;
/** After so many, other work gets its turn. */
const ITEMS_A_TURN = 8192;
/** An image is made in memory; a million files with long names take some 200 MB. */
const MAX_IMAGE = 1024 * 1024 * 1024;

/** @throws HoyError "too-large" when the metadata of the chain takes over 1 GiB. */
export async function buildImage(
  root: MergedDirectory,
  layers: readonly ImageLayer[],
  options: ImageOptions,
): Promise<Buffer> {
  const blockBits = options.blockBits ?? 9;
  const blockSize = 1 << blockBits;
  const layout = layOut(root, blockSize);
  if (layout.size > MAX_IMAGE) throw new HoyError("too-large", "the image's layers have too many files");
  const image = Buffer.alloc(layout.size);
  const writer = new ImageWriter(image, layout, layers, blockSize);
  for (const [index, item] of layout.items.entries()) {
    writer.item(item);
    if (index % ITEMS_A_TURN === ITEMS_A_TURN - 1) await setImmediate();
  }
  for (const [index, layer] of layout.devices.entries()) {
    const source = layers[layer];
    if (source === undefined) throw new HoyError("internal", "image of a layer that was not given");
    writeDeviceSlot(image, index, { tag: source.tag, blocks: Math.ceil(source.tarSize / blockSize) });
  }
  writeSuperBlock(image, {
    blockBits,
    rootNid: nidOf(layout.root),
    inodes: layout.items.length,
    blocks: image.length / blockSize,
    uuid: options.uuid,
    devices: layout.devices.length,
    chunked: layout.items.some((item) => item.chunks !== undefined),
  });
  return image;
}

function nidOf(item: Item): number {
  return item.at / SLOT;
}

class ImageWriter {
  readonly #image: Buffer;
  readonly #layers: readonly ImageLayer[];
  readonly #blockSize: number;
  /** Device number of a layer, from 1. */
  readonly #devices: ReadonlyMap<number, number>;

  constructor(image: Buffer, layout: Layout, layers: readonly ImageLayer[], blockSize: number) {
    this.#image = image;
    this.#layers = layers;
    this.#blockSize = blockSize;
    this.#devices = new Map(layout.devices.map((layer, index) => [layer, index + 1]));
  }

  item(item: Item): void {
    this.#inode(item);
    this.#image.set(item.xattrs, item.at + INODE_SIZE);
    if (item.directory !== undefined) this.#directory(item, item.directory);
    else if (item.inode.type === "symlink") this.#target(item);
    else if (item.chunks !== undefined) this.#chunks(item, item.chunks);
  }

  #inode(item: Item): void {
    const { inode } = item;
    const nanoseconds = ((inode.mtime % BILLION) + BILLION) % BILLION;
    writeInode(this.#image, item.at, {
      layout: this.#layoutOf(item),
      xattrCount: xattrCount(item.xattrs.length),
      mode: MODE_TYPE[inode.type] | inode.mode,
      size: item.directory ? item.dataSize : inode.type === "symlink" ? inode.target.length : inode.size,
      union: this.#unionOf(item),
      ino: item.number,
      uid: inode.uid,
      gid: inode.gid,
      seconds: (inode.mtime - nanoseconds) / BILLION,
      nanoseconds: Number(nanoseconds),
      nlink: item.nlink,
    });
  }

  #layoutOf(item: Item): number {
    if (item.chunks !== undefined) return LAYOUT.CHUNKS;
    return isInlineTarget(item.inode.target, this.#blockSize) ? LAYOUT.INLINE : LAYOUT.PLAIN;
  }

  #unionOf(item: Item): number {
    if (item.chunks !== undefined) return CHUNK_FORMAT_INDEXES | item.chunks.bits;
    if (item.dataSize > 0) return item.dataAt / this.#blockSize;
    if (item.inode.type === "char" || item.inode.type === "block") return encodeDevice(item.inode.device);
    return item.inode.type === "file" ? NULL_ADDRESS : 0;
  }

  #target(item: Item): void {
    const inline = isInlineTarget(item.inode.target, this.#blockSize);
    this.#image.write(item.inode.target, inline ? item.at + INODE_SIZE + item.xattrs.length : item.dataAt, "latin1");
  }

  #chunks(item: Item, plan: ChunkPlan): void {
    // Device 0 is the image itself.
    const device = plan.copied ? 0 : (this.#devices.get(item.layer) ?? 0);
    const dataAt = plan.copied ? item.dataAt : item.inode.offset;
    let at = indexesAt(item);
    for (const block of chunkAddresses(plan, item.inode.size, dataAt, this.#blockSize)) {
      if (block > NULL_ADDRESS) throw new HoyError("too-large", "a layer is larger than 2 TiB");
      writeChunkIndex(this.#image, at, block === NULL_ADDRESS ? 0 : device, block);
      at += CHUNK_INDEX_SIZE;
    }
    if (plan.copied) this.#copy(item, plan);
  }

  #copy(item: Item, plan: ChunkPlan): void {
    let from = item.inode.offset;
    let at = item.dataAt;
    let next = 0;
    const segments = item.inode.sparse ?? [];
    for (const { offset, length } of plan.pieces) {
      for (let one = segments[next]; one !== undefined && one.offset < offset + length; one = segments[++next]) {
        const target = at + (one.offset - offset);
        this.#layers[item.layer]?.read(this.#image.subarray(target, target + one.length), from);
        from += one.length;
      }
      at += Math.ceil(length / this.#blockSize) * this.#blockSize;
    }
  }

  #directory(item: Item, plan: DirectoryPlan): void {
    for (const [index, names] of plan.blocks.entries()) {
      const items = names.map((name) => {
        const target = name === "." ? item : name === ".." ? (plan.parent ?? item) : plan.children.get(name);
        if (target === undefined) throw new HoyError("internal", `directory without its entry ${name}`);
        return { name, nid: nidOf(target), fileType: FILE_TYPE[target.inode.type] };
      });
      writeDirectoryBlock(this.#image, item.dataAt + index * this.#blockSize, items);
    }
  }
}
