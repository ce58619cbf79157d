// Messages on a gRPC stream: one byte that says whether it is compressed, four of length, the message ("gRPC over
// HTTP2", Length-Prefixed-Message). Compression is not spoken: nothing here asks for it, and what comes so is refused.

import { CODE, GrpcError } from "./status.ts";

/** Bytes of one message, both ways; what BuildKit's clients and servers allow. */
export const MESSAGE_LIMIT = 16 * 1024 * 1024;

const HEAD = 5;

export function frame(message: Uint8Array): Buffer {
  if (message.length > MESSAGE_LIMIT) throw tooLarge(message.length);
  const framed = Buffer.allocUnsafe(HEAD + message.length);
  framed[0] = 0;
  framed.writeUInt32BE(message.length, 1);
  framed.set(message, HEAD);
  return framed;
}

/** Cuts bytes, as they come, into messages. @throws GrpcError for what is compressed, too large or cut short. */
export class Unframer {
  /** What is being cut, up to where. */
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  /** What came after it. */
  #later: Uint8Array[] = [];
  #laterLength = 0;

  push(chunk: Uint8Array): void {
    this.#later.push(chunk);
    this.#laterLength += chunk.length;
  }

  /** The next whole message, if there is one: a view. */
  next(): Uint8Array | undefined {
    if (!this.#has(HEAD)) return undefined;
    if (this.#chunk[this.#at] !== 0) throw new GrpcError(CODE.unimplemented, "compressed messages are not understood");
    const length = this.#chunk.readUInt32BE(this.#at + 1);
    if (length > MESSAGE_LIMIT) throw tooLarge(length);
    if (!this.#has(HEAD + length)) return undefined;
    const start = this.#at + HEAD;
    this.#at = start + length;
    return this.#chunk.subarray(start, this.#at);
  }

  end(): void {
    if (this.#at < this.#chunk.length || this.#laterLength > 0) {
      throw new GrpcError(CODE.internal, "the stream ended in the middle of a message");
    }
  }

  /** Whether the next `size` bytes have come; they then lie in one piece. */
  #has(size: number): boolean {
    const here = this.#chunk.length - this.#at;
    if (here >= size) return true;
    if (here + this.#laterLength < size) return false;
    const [first] = this.#later;
    if (here === 0 && first !== undefined && first.length >= size) {
      this.#later.shift();
      this.#laterLength -= first.length;
      this.#chunk = bufferOf(first);
      this.#at = 0;
      return true;
    }
    // A message that lies over chunks: only that much is put together, what comes after it stays where it is.
    const joined = Buffer.allocUnsafe(size);
    joined.set(this.#chunk.subarray(this.#at));
    let length = here;
    let count = 0;
    for (const piece of this.#later) {
      const taken = Math.min(piece.length, size - length);
      joined.set(piece.subarray(0, taken), length);
      length += taken;
      if (taken < piece.length) {
        this.#later[count] = piece.subarray(taken);
        break;
      }
      count += 1;
    }
    this.#later.splice(0, count);
    this.#laterLength -= size - here;
    this.#chunk = joined;
    this.#at = 0;
    return true;
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function tooLarge(length: number): GrpcError {
  return new GrpcError(CODE.resourceExhausted, `a message of ${length} bytes is more than ${MESSAGE_LIMIT}`);
}
