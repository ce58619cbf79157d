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
  #chunks: Uint8Array[] = [];
  #length = 0;

  push(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
  }

  /** The next whole message, if there is one. */
  next(): Uint8Array | undefined {
    if (this.#length < HEAD) return undefined;
    const head = this.#peek(HEAD);
    if (head[0] !== 0) throw new GrpcError(CODE.unimplemented, "compressed messages are not understood");
    const length = head.readUInt32BE(1);
    if (length > MESSAGE_LIMIT) throw tooLarge(length);
    if (this.#length < HEAD + length) return undefined;
    const whole = this.#peek(HEAD + length);
    const rest = (this.#chunks[0] ?? whole).subarray(HEAD + length);
    this.#chunks = rest.length > 0 ? [rest, ...this.#chunks.slice(1)] : this.#chunks.slice(1);
    this.#length -= HEAD + length;
    return whole.subarray(HEAD, HEAD + length);
  }

  end(): void {
    if (this.#length > 0) throw new GrpcError(CODE.internal, "the stream ended in the middle of a message");
  }

  /** The first `size` bytes in one piece, which stays the first chunk. */
  #peek(size: number): Buffer {
    const first = this.#chunks[0];
    if (first !== undefined && first.length >= size) return Buffer.from(first.buffer, first.byteOffset, first.length);
    let count = 0;
    let length = 0;
    for (const chunk of this.#chunks) {
      count += 1;
      length += chunk.length;
      if (length >= size) break;
    }
    const joined = Buffer.concat(this.#chunks.slice(0, count));
    this.#chunks = [joined, ...this.#chunks.slice(count)];
    return joined;
  }
}

function tooLarge(length: number): GrpcError {
  return new GrpcError(CODE.resourceExhausted, `a message of ${length} bytes is more than ${MESSAGE_LIMIT}`);
}
