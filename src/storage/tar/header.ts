// One 512-byte header block of a tar: field layout of POSIX ustar (pax(1), "ustar Interchange Format"), of GNU and of
// star. Only reads; which headers belong together is for parser.ts.

import { BLOCK, badArchive, type RawText } from "./entry.ts";
import { parseNumber } from "./numbers.ts";

export interface RawHeader {
  /** One character: "0" file, "1" hard link, "2" symlink, "3" char, "4" block, "5" dir, "6" fifo, "x" PAX … */
  readonly typeflag: string;
  readonly name: RawText;
  readonly linkname: RawText;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Seconds. */
  readonly mtime: number;
  readonly devmajor: number;
  readonly devminor: number;
}

/** @throws HoyError "invalid" when the checksum or a number is wrong. */
export function parseHeader(block: Buffer): RawHeader {
  verifyChecksum(block);
  const magic = block.toString("latin1", 257, 265);
  const ustar = magic === "ustar\u000000";
  const gnu = magic === "ustar  \0";
  const star = ustar && block[508] !== 0 && block.toString("latin1", 508, 512) === "tar\0";
  const prefix = ustar ? text(block, 345, star ? 131 : 155) : "";
  const name = text(block, 0, 100);
  const extended = ustar || gnu;
  return {
    typeflag: block.toString("latin1", 156, 157),
    name: prefix === "" ? name : `${prefix}/${name}`,
    linkname: text(block, 157, 100),
    mode: parseNumber(block, 100, 8, "mode"),
    uid: parseNumber(block, 108, 8, "uid"),
    gid: parseNumber(block, 116, 8, "gid"),
    size: parseNumber(block, 124, 12, "size"),
    mtime: parseNumber(block, 136, 12, "mtime"),
    devmajor: extended ? parseNumber(block, 329, 8, "devmajor") : 0,
    devminor: extended ? parseNumber(block, 337, 8, "devminor") : 0,
  };
}

export function isZeroBlock(block: Buffer): boolean {
  for (let i = 0; i < BLOCK; i++) if (block[i] !== 0) return false;
  return true;
}

/** A field of text: ends at the first zero byte, or where the field does. */
function text(block: Buffer, offset: number, length: number): RawText {
  if (block[offset] === 0) return "";
  const raw = block.toString("latin1", offset, offset + length);
  const end = raw.indexOf("\0");
  return end < 0 ? raw : raw.slice(0, end);
}

/** The sum of all bytes, the checksum's own taken as spaces. Old writers summed signed bytes: both are taken. */
function verifyChecksum(block: Buffer): void {
  const expected = parseNumber(block, 148, 8, "checksum");
  let unsigned = 8 * 0x20;
  let high = 0;
  for (let i = 0; i < BLOCK; i++) {
    const byte = block[i] ?? 0;
    unsigned += byte;
    high += byte >> 7;
  }
  for (let i = 148; i < 156; i++) {
    const byte = block[i] ?? 0;
    unsigned -= byte;
    high -= byte >> 7;
  }
  if (expected !== unsigned && expected !== unsigned - 256 * high) throw badArchive("wrong header checksum");
}
