// An archive put together in a few pieces of memory that are used again and again, for trees of many small files: their
// headers and data are written where they will be read, and nothing is allocated for each. Who reads a piece says when it
// is through with it (base/passing.ts), or has it for good.

import { readSync } from "node:fs";
import { lend } from "../../base/passing.ts";
import { describeHeader } from "./describe.ts";
import type { Tell } from "./told.ts";
import { END_OF_ARCHIVE, HeaderBlocks, paddingAfter, type TarHeader } from "./writer.ts";

/** Bytes that go on together. */
const GATHERED = 256 * 1024;
/** Of a piece of memory: what was gathered, and a small file more. */
const ROOM = 2 * GATHERED + 8 * 1024;
/** Pieces of data that go on as they are, not copied. */
const LARGE = 128 * 1024;

type Memory = Buffer<ArrayBuffer>;
const NOTHING: Memory = Buffer.alloc(0);

export class ArchiveWriter {
  readonly #tell: Tell;
  #memory: Memory = NOTHING;
  /** Pieces that came back. */
  #free: Memory[] = [];
  #ended = false;
  /** Bytes in the memory. */
  #at = 0;
  /** Bytes of the archive before them. */
  #before = 0;

  constructor(tell: Tell = () => undefined) {
    this.#tell = tell;
  }

  /** Bytes of the archive so far. */
  get position(): number {
    return this.#before + this.#at;
  }

  /** Enough came together to go on. */
  get isFull(): boolean {
    return this.#at >= GATHERED;
  }

  /** @throws HoyError "invalid" for what no reader would take. */
  header(header: TarHeader): void {
    const blocks = new HeaderBlocks(header);
    const at = this.#room(blocks.size);
    blocks.write(this.#memory, at);
    this.#at = at + blocks.size;
    this.#tell(describeHeader(header, this.position));
  }

  /** Bytes of the last header's file, in one or more pieces; `padding` ends them. */
  data(bytes: Uint8Array): void {
    const at = this.#room(bytes.length);
    this.#memory.set(bytes, at);
    this.#at = at + bytes.length;
  }

  /** `length` bytes of a file from `start` on, read at once; filled up with zeros where it has become shorter. */
  read(fd: number, start: number, length: number): void {
    const at = this.#room(length);
    let got = 0;
    while (got < length) {
      const count = readSync(fd, this.#memory, at + got, length - got, start + got);
      if (count === 0) break;
      got += count;
    }
    if (got < length) this.#memory.fill(0, at + got, at + length);
    this.#at = at + length;
  }

  /** Many bytes of the last header's file. */
  async *through(pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    for await (const piece of pieces) {
      if (piece.length < LARGE) {
        this.data(piece);
        if (this.isFull) yield this.take();
        continue;
      }
      if (this.#at > 0) yield this.take();
      this.#before += piece.length;
      yield piece;
    }
  }

  /** After `size` bytes of data. */
  padding(size: number): void {
    this.data(paddingAfter(size));
  }

  end(): Uint8Array {
    this.data(END_OF_ARCHIVE);
    const last = this.take();
    this.#ended = true;
    for (const memory of this.#free.splice(0)) memory.buffer.transfer(0);
    return last;
  }

  /** All that came together. */
  take(): Uint8Array {
    const memory = this.#memory;
    const taken = memory.subarray(0, this.#at);
    lend(taken, () => {
      if (this.#ended || memory.length !== ROOM) memory.buffer.transfer(0);
      else this.#free.push(memory);
    });
    this.#before += this.#at;
    this.#at = 0;
    this.#memory = NOTHING;
    return taken;
  }

  /** Where `size` bytes more can be written. */
  #room(size: number): number {
    if (this.#at + size <= this.#memory.length) return this.#at;
    if (this.#at === 0 && size <= ROOM) this.#memory = this.#free.pop() ?? Buffer.allocUnsafeSlow(ROOM);
    else {
      const larger = Buffer.allocUnsafeSlow(this.#at + size + GATHERED);
      larger.set(this.#memory.subarray(0, this.#at));
      this.#memory = larger;
    }
    return this.#at;
  }
}
