// Numbers in tar headers: octal text, and the base-256 form for what does not fit (GNU, star). As strict as Go's
// archive/tar: padding may be spaces or zero bytes, anything else that is no octal digit is an error.

import { badArchive, type RawText } from "./entry.ts";

/** An unsigned or base-256 field of `length` bytes. @throws HoyError "invalid". */
export function parseNumber(block: Buffer, offset: number, length: number, field: string): number {
  const first = block.readUInt8(offset);
  if (first & 0x80) return parseBase256(block, offset, length, field);
  return parseOctal(block.toString("latin1", offset, offset + length), field);
}

function parseOctal(text: RawText, field: string): number {
  const start = text.search(/[^ \0]/);
  if (start < 0) return 0;
  const digits = text.slice(start).replace(/[ \0]+$/, "");
  if (!/^[0-7]+$/.test(digits)) throw badArchive(`${field} is not a number: ${JSON.stringify(text)}`);
  const value = Number.parseInt(digits, 8);
  if (!Number.isSafeInteger(value)) throw badArchive(`${field} is too large`);
  return value;
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
  block.write(value.toString(8).padStart(length - 1, "0"), offset, "latin1");
}
