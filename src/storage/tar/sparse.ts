// GNU tar's sparse files: the four ways in which their maps were written over the years (old GNU headers; PAX 0.0, 0.1
// and 1.0; the GNU tar manual, "Storing Sparse Files"). All give one list of segments, checked.

import { BLOCK, badArchive, type SparseSegment, TAR_LIMITS } from "./entry.ts";
import { parseNumber } from "./numbers.ts";

/** The four pairs in an old GNU header, and whether a block with more follows. */
export function oldSparseHeader(block: Buffer): { pairs: number[]; more: boolean; realSize: number } {
  return {
    pairs: oldPairs(block, 386, 4),
    more: block[482] !== 0,
    realSize: parseNumber(block, 483, 12, "sparse size"),
  };
}

/** The 21 pairs in a block that follows an old GNU header. */
export function oldSparseBlock(block: Buffer): { pairs: number[]; more: boolean } {
  return { pairs: oldPairs(block, 0, 21), more: block[504] !== 0 };
}

function oldPairs(block: Buffer, offset: number, count: number): number[] {
  const pairs: number[] = [];
  for (let at = offset; at < offset + count * 24; at += 24) {
    if (block[at] === 0) break;
    pairs.push(parseNumber(block, at, 12, "sparse offset"), parseNumber(block, at + 12, 12, "sparse length"));
  }
  return pairs;
}

/** PAX 0.1's list "offset,length,offset,length…". */
export function sparseFromList(list: string): number[] {
  if (list === "") return [];
  if (list.length > TAR_LIMITS.extendedHeader || !/^[0-9]+(,[0-9]+)*$/.test(list))
    throw badArchive("bad GNU sparse map");
  return list.split(",").map(Number);
}

/**
 * PAX 1.0's map, which precedes the data: a count and then offsets and lengths, each on a line, padded to a block.
 * Fed block by block; `undefined` as long as more is needed.
 */
export class SparseMap {
  #text = "";
  readonly #numbers: number[] = [];

  add(block: Buffer): number[] | undefined {
    const lines = (this.#text + block.toString("latin1", 0, BLOCK)).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) {
      if (!/^[0-9]{1,16}$/.test(line)) throw badArchive("bad GNU sparse map");
      this.#numbers.push(Number(line));
      const count = this.#numbers[0] ?? 0;
      if (count > TAR_LIMITS.sparseSegments) throw badArchive("GNU sparse map is too large");
      if (this.#numbers.length === 1 + 2 * count) return this.#numbers.slice(1);
    }
    // A line is at most a number of 16 digits: more without an end is no map.
    if (this.#text.length > 16) throw badArchive("bad GNU sparse map");
    return undefined;
  }
}

/** Pairs to segments. @throws HoyError "invalid" unless ordered, apart, within the size and as long as what is stored. */
export function checkSparse(pairs: readonly number[], realSize: number, stored: number): SparseSegment[] {
  if (pairs.length % 2 !== 0) throw badArchive("GNU sparse map has half a pair");
  if (pairs.length > 2 * TAR_LIMITS.sparseSegments) throw badArchive("GNU sparse map is too large");
  const segments: SparseSegment[] = [];
  let end = 0;
  let sum = 0;
  for (let i = 0; i < pairs.length; i += 2) {
    const offset = pairs[i] ?? 0;
    const length = pairs[i + 1] ?? 0;
    if (offset < end || offset + length > realSize) throw badArchive("GNU sparse map is out of order or bounds");
    end = offset + length;
    sum += length;
    if (length > 0) segments.push({ offset, length });
  }
  if (sum !== stored) throw badArchive("GNU sparse map does not match the data");
  return segments;
}
