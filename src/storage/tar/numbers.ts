// Numbers in tar headers: octal text, and the base-256 form for what does not fit (GNU, star). As strict as Go's
// archive/tar: padding may be spaces or zero bytes, anything else that is no octal digit is an error.

import { badArchive, type RawText } from "./entry.ts";

/** An unsigned or base-256 field of `length` bytes. @throws HoyError "invalid". */
export function parseNumber(block: Buffer, offset: number, length: number, field: string): number {
  const first = block.readUInt8(offset);
  if (first & 0x80) return parseBase256(block, offset, length, field);
  return parseOctal(block, offset, length, field);
}

/** Byte by byte: a header has eight of them, an archive many headers. */
function parseOctal(block: Buffer, offset: number, length: number, field: string): number {
  let start = offset;
  let end = offset + length;
  while (start < end && isPadding(block[start])) start++;
  while (start < end && isPadding(block[end - 1])) end--;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = (block[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 7) {
      const text: RawText = block.toString("latin1", offset, offset + length);
      throw badArchive(`${field} is not a number: ${JSON.stringify(text)}`);
    }
    value = value * 8 + digit;
  }
  if (!Number.isSafeInteger(value)) throw badArchive(`${field} is too large`);
  return value;
}

function isPadding(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0;
}

/** Two's complement, big endian; the field's top bit only marks the form. */
function parseBase256(block: Buffer, offset: number, length: number, field: string): number {
  const negative = (block.readUInt8(offset) & 0x40) !== 0;
  let value = negative ? -1n : 0n;
  for (let i = 0; i < length; i++) {
    const byte = BigInt(block.readUInt8(offset + i) & (i === 0 ? 0x7f : 0xff));
    value = i === 0 ? (value << 7n) | byte : (value << 8n) | byte;
  }
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw badArchive(`${field} is too large`);
  return number;
}

/** True when `value` fits an octal field of `length` bytes with its closing zero. */
export function fitsOctal(value: number, length: number): boolean {
  return value >= 0 && value < 8 ** (length - 1);
}

/** Writes an octal field, zero-padded, closed by a zero byte. The caller has checked that it fits. */
export function formatOctal(block: Buffer, offset: number, length: number, value: number): void {
  let rest = value;
  for (let at = offset + length - 2; at >= offset; at--) {
    const above = Math.floor(rest / 8);
    block[at] = 0x30 + (rest - above * 8);
    rest = above;
  }
  block[offset + length - 1] = 0;
}
