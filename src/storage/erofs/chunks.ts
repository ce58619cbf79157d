// Chunks of a file: its data stays in the layer's tar, the image only says where. A file without holes is one chunk; a
// sparse file gets the largest chunk size at which every hole and every piece of data begins on a chunk.

import { HoyError } from "../../base/error.ts";
import type { Inode } from "../layer/tree.ts";
import { NULL_ADDRESS } from "./format.ts";

/** Most indexes (8 bytes each) that one file may take: a file of many terabytes of holes must not fill the disk. */
const MAX_INDEXES = 4 * 1024 * 1024;
const MAX_CHUNK_BITS = 31;

export interface ChunkPlan {
  /** Chunk size is 2^(block bits + this). */
  readonly bits: number;
  readonly count: number;
}

/** @throws HoyError "too-large" when a sparse file would take too many chunks. */
export function planChunks(inode: Inode, blockSize: number): ChunkPlan {
  const blocks = Math.ceil(inode.size / blockSize);
  const alignment = inode.sparse === undefined ? 2 ** MAX_CHUNK_BITS : sparseAlignment(inode, blockSize);
  let bits = 0;
  while (bits < MAX_CHUNK_BITS && 2 ** bits < blocks && 2 ** (bits + 1) <= alignment) bits++;
  const count = Math.ceil(blocks / 2 ** bits);
  if (count > MAX_INDEXES) throw new HoyError("too-large", "a sparse file in a layer has too many pieces");
  return { bits, count };
}

/**
 * For each chunk in order, its block in the tar, or NULL_ADDRESS for a hole.
 * Chunks are contiguous inside a segment, since segments begin and end on chunks.
 */
export function* chunkAddresses(inode: Inode, plan: ChunkPlan, blockSize: number): Generator<number, void, void> {
  const chunkSize = blockSize * 2 ** plan.bits;
  const segments = inode.sparse ?? [{ offset: 0, length: inode.size }];
  let at = 0;
  let data = inode.offset;
  for (const { offset, length } of segments) {
    for (; at < offset; at += chunkSize) yield NULL_ADDRESS;
    const end = offset + length;
    for (let from = data; at < end; at += chunkSize, from += chunkSize) yield from / blockSize;
    data += length;
  }
  for (; at < inode.size; at += chunkSize) yield NULL_ADDRESS;
}

/** True when chunks can say it: each piece but the last ends on a block, in the file and so in the tar. */
export function isChunkable(inode: Inode, blockSize: number): boolean {
  const segments = inode.sparse ?? [];
  return segments.every(({ offset, length }, index) => {
    const toEnd = index === segments.length - 1 && offset + length === inode.size;
    return offset % blockSize === 0 && (length % blockSize === 0 || toEnd);
  });
}

/** The largest power of two of blocks that divides every border between data and hole. */
function sparseAlignment(inode: Inode, blockSize: number): number {
  let alignment = 2 ** MAX_CHUNK_BITS;
  const lower = (border: number) => {
    if (border === inode.size) return;
    const blocks = border / blockSize;
    while (alignment > 1 && blocks % alignment !== 0) alignment /= 2;
  };
  for (const { offset, length } of inode.sparse ?? []) {
    lower(offset);
    lower(offset + length);
  }
  return alignment;
}
