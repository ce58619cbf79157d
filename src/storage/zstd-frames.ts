// Follows the frames of a zstd stream (RFC 8878, section 3.1) without decoding them, only to know whether the stream
// ended where a frame ends: the decoder gives what it has of a truncated one and calls that the end.

const MAGIC = 0xfd2fb528;
const SKIPPABLE = 0x184d2a50;
/** The longest piece that must be seen whole: magic, descriptor, window, dictionary id, content size. */
const HEADER_LIMIT = 18;

export class ZstdFrames {
  /** Bytes of the header that is being gathered. */
  #held = Buffer.alloc(0);
  /** Bytes of a block, checksum or skippable frame still to pass. */
  #skip = 0;
  #state: "frame" | "block" = "frame";
  #last = false;
  #checksum = false;
  #broken = false;

  /** The stream ended at the end of a frame. True for what is not zstd at all: the decoder says that better. */
  get complete(): boolean {
    return this.#broken || (this.#skip === 0 && this.#held.length === 0 && this.#state === "frame");
  }

  push(chunk: Uint8Array): void {
    let rest = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    while (rest.length > 0 && !this.#broken) {
      if (this.#skip > 0) {
        const passed = Math.min(this.#skip, rest.length);
        this.#skip -= passed;
        rest = rest.subarray(passed);
        continue;
      }
      const before = this.#held.length;
      const bytes = before === 0 ? rest : Buffer.concat([this.#held, rest.subarray(0, HEADER_LIMIT)]);
      const used = this.#state === "frame" ? this.#frameHeader(bytes) : this.#blockHeader(bytes);
      if (used === 0) {
        this.#held = Buffer.from(bytes);
        return;
      }
      this.#held = Buffer.alloc(0);
      rest = rest.subarray(used - before);
    }
  }

  /** @returns length of the header, 0 when more bytes are needed. */
  #frameHeader(bytes: Buffer): number {
    if (bytes.length < 5) return 0;
    const magic = bytes.readUInt32LE(0);
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
      if (bytes.length < 8) return 0;
      this.#skip = bytes.readUInt32LE(4);
      return 8;
    }
    if (magic !== MAGIC) {
      this.#broken = true;
      return bytes.length;
    }
    const descriptor = bytes.readUInt8(4);
    const single = (descriptor & 0x20) !== 0;
    const contentSize = [single ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
    const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
    const length = 5 + (single ? 0 : 1) + dictionary + contentSize;
    if (bytes.length < length) return 0;
    this.#checksum = (descriptor & 4) !== 0;
    this.#state = "block";
    return length;
  }

  #blockHeader(bytes: Buffer): number {
    if (bytes.length < 3) return 0;
    const header = bytes.readUIntLE(0, 3);
    this.#last = (header & 1) !== 0;
    const runLength = ((header >> 1) & 3) === 1;
    this.#skip = runLength ? 1 : header >> 3;
    if (this.#last) {
      this.#skip += this.#checksum ? 4 : 0;
      this.#state = "frame";
    }
    return 3;
  }
}
