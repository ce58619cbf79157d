// Chunks of a file: its data stays in the layer's tar, the image only says where. A file without holes is one chunk; a
// sparse file gets the largest chunk size at which every hole and every piece of data begins on a chunk.
//
// A sparse map may also cut a file inside of blocks (no known tar writes such, but the format allows it). Chunks can't
// say that, so the data of such a file is copied into the image.

import { HoyError } from "../../base/error.ts";
import type { Inode } from "../layer/tree.ts";
import type { SparseSegment } from "../tar/entry.ts";
import { NULL_ADDRESS } from "./format.ts";

/** Most indexes (8 bytes each) that one file may take: a file of many terabytes of holes must not fill the disk. */
const MAX_INDEXES = 4 * 1024 * 1024;
const MAX_CHUNK_BITS = 31;

export interface ChunkPlan {
  /** Chunk size is 2^(block bits + this). */
  readonly bits: number;
  readonly count: number;
  /** Pieces of the file that have data, bordered by blocks (the last may end with the file). */
  readonly pieces: readonly SparseSegment[];
  /** The data must be in the image; else it is in the tar, one piece right after the other. */
  readonly copied: boolean;
}

/** @throws HoyError "too-large" when a sparse file would take too many chunks. */
export function planChunks(inode: Inode, blockSize: number): ChunkPlan {
  const { size, sparse } = inode;
  const copied = sparse !== undefined && !isAligned(sparse, size, blockSize);
  const pieces = copied ? wholeBlocks(sparse, size, blockSize) : (sparse ?? [{ offset: 0, length: size }]);
  const blocks = Math.ceil(size / blockSize);
  const alignment = chunkAlignment(pieces, size, blockSize);
  let bits = 0;
  while (bits < MAX_CHUNK_BITS && 2 ** bits < blocks && 2 ** (bits + 1) <= alignment) bits++;
  const count = Math.ceil(blocks / 2 ** bits);
  if (count > MAX_INDEXES) throw new HoyError("too-large", "a sparse file in a layer has too many pieces");
  return { bits, count, pieces, copied };
}

/** Bytes that a copied file takes in the image: its pieces, each to the end of its last block. */
export function copiedSize(plan: ChunkPlan, blockSize: number): number {
  return plan.pieces.reduce((sum, { length }) => sum + Math.ceil(length / blockSize) * blockSize, 0);
}

/**
 * For each chunk in order, its block, or NULL_ADDRESS for a hole. `dataAt` is where the first piece begins, in bytes of
 * the tar or of the image. Chunks are contiguous inside a piece, since pieces begin and end on chunks.
 */
export function* chunkAddresses(
  plan: ChunkPlan,
  size: number,
  dataAt: number,
  blockSize: number,
): Generator<number, void, void> {
  const chunkSize = blockSize * 2 ** plan.bits;
  let at = 0;
  let data = dataAt;
  for (const { offset, length } of plan.pieces) {
    for (; at < offset; at += chunkSize) yield NULL_ADDRESS;
    const end = offset + length;
    for (let from = data; at < end; at += chunkSize, from += chunkSize) yield from / blockSize;
    data += Math.ceil(length / blockSize) * blockSize;
  }
  for (; at < size; at += chunkSize) yield NULL_ADDRESS;
}

/** True when chunks can say it: each piece but the file's last begins and ends on a block, in the file and so in the tar. */
function isAligned(segments: readonly SparseSegment[], size: number, blockSize: number): boolean {
  return segments.every(({ offset, length }, index) => {
    const last = index === segments.length - 1 && offset + length === size;
    return offset % blockSize === 0 && (length % blockSize === 0 || last);
  });
}

/** The blocks that the segments touch, as pieces; what lies in one block together becomes one. */
function wholeBlocks(segments: readonly SparseSegment[], size: number, blockSize: number): SparseSegment[] {
  const pieces: { offset: number; length: number }[] = [];
  for (const segment of segments) {
    const start = Math.floor(segment.offset / blockSize) * blockSize;
    const end = Math.min(Math.ceil((segment.offset + segment.length) / blockSize) * blockSize, size);
    const last = pieces.at(-1);
    if (last !== undefined && start <= last.offset + last.length) last.length = end - last.offset;
    else pieces.push({ offset: start, length: end - start });
  }
  return pieces;
}

/** The largest power of two of blocks that divides every border between data and hole. */
function chunkAlignment(pieces: readonly SparseSegment[], size: number, blockSize: number): number {
  let alignment = 2 ** MAX_CHUNK_BITS;
  const lower = (border: number) => {
    if (border === size) return;
    const blocks = border / blockSize;
    while (alignment > 1 && blocks % alignment !== 0) alignment /= 2;
  };
  for (const { offset, length } of pieces) {
    lower(offset);
    lower(offset + length);
  }
  return alignment;
}
