// Values as ssh writes them (RFC 4251, section 5): strings with their length before them, big integers, numbers.

export class Wire {
  readonly #parts: Buffer[] = [];

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  byte(value: number): this {
    this.#parts.push(Buffer.from([value]));
    return this;
  }

  number(value: number): this {
    const four = Buffer.alloc(4);
    four.writeUInt32BE(value);
    this.#parts.push(four);
    return this;
  }

  string(bytes: Uint8Array): this {
    this.number(bytes.length);
    this.#parts.push(Buffer.from(bytes));
    return this;
  }

  text(value: string): this {
    return this.string(Buffer.from(value));
  }

  /** A positive one, its bytes first to last: without zeros before it, but for one where it would look negative. */
  integer(bytes: Uint8Array): this {
    let from = 0;
    while (from < bytes.length && bytes[from] === 0) from++;
    const short = Buffer.from(bytes.subarray(from));
    return this.string(((short[0] ?? 0) & 0x80) === 0 ? short : Buffer.concat([Buffer.from([0]), short]));
  }
}

export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** @throws Error past the end, as all of these. */
  byte(): number {
    return this.#take(1)[0] ?? 0;
  }

  number(): number {
    return this.#take(4).readUInt32BE(0);
  }

  string(): Buffer {
    return this.#take(this.number());
  }

  text(): string {
    return this.string().toString("latin1");
  }

  /** Without the zeros before it. */
  integer(): Buffer {
    const bytes = this.string();
    let from = 0;
    while (from < bytes.length && bytes[from] === 0) from++;
    return bytes.subarray(from);
  }

  #take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) throw new Error("it ends too early");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
