// Fields of a protobuf message read by hand, one after the other, for messages where the generated code costs too much.

import type { HoyError } from "../../../base/error.ts";

/** Wire types (protobuf.dev/programming-guides/encoding); a tag is the field's number times eight, and one of these. */
export const [VARINT, FIXED64, LENGTH, FIXED32] = [0, 1, 2, 5];

/** A number of 64 bits in two halves, the lower one first: as all machines that this runs on have it. */
const whole = new BigInt64Array(1);
const halves = new Uint32Array(whole.buffer);

export class WireReader {
  readonly #bytes: Buffer;
  readonly #fail: () => HoyError;
  readonly #end: number;
  #at: number;

  /** @param fail what is thrown for bytes that are no message */
  constructor(bytes: Uint8Array, fail: () => HoyError, from = 0, end: number = bytes.length) {
    this.#fail = fail;
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = from;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** A number that is not negative; -1 for one that is, or is too large to be exact. */
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return Number.isSafeInteger(value) ? value : -1;
      if (scale > 2 ** 62) throw this.#fail();
    }
  }

  /** Of 64 bits, with a sign. */
  int64(): bigint {
    // In three pieces that bit operations have room for: arithmetic on big integers costs more than the rest of a stat.
    let low = 0;
    let middle = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#byte();
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift < 56) middle |= bits << (shift - 28);
      else high |= bits << (shift - 56);
      if (byte < 0x80) break;
      if (shift > 62) throw this.#fail();
    }
    halves[0] = low | (middle << 28);
    halves[1] = (middle >>> 4) | (high << 24);
    return whole[0] ?? 0n;
  }

  /** A view. */
  bytes(): Uint8Array {
    const start = this.#length();
    return this.#bytes.subarray(start, this.#at);
  }

  /** Latin-1: each byte a character. */
  text(): string {
    const start = this.#length();
    return this.#bytes.toString("latin1", start, this.#at);
  }

  /** A message in this one. */
  inner(): WireReader {
    const start = this.#length();
    return new WireReader(this.#bytes, this.#fail, start, this.#at);
  }

  /** A field that is not known. */
  skip(tag: number): void {
    const type = tag % 8;
    if (type === VARINT) this.int64();
    else if (type === LENGTH) this.#length();
    else if (type === FIXED64 || type === FIXED32) this.#forward(type === FIXED64 ? 8 : 4);
    else throw this.#fail();
  }

  /** Goes past a field with a length; gives where it begins. */
  #length(): number {
    const length = this.varint();
    const start = this.#at;
    this.#forward(length);
    return start;
  }

  #forward(length: number): void {
    if (length < 0 || length > this.#end - this.#at) throw this.#fail();
    this.#at += length;
  }

  #byte(): number {
    const byte = this.#at < this.#end ? this.#bytes[this.#at++] : undefined;
    if (byte === undefined) throw this.#fail();
    return byte;
  }
}
