// The frame in which Docker carries stdout and stderr over one stream (moby pkg/stdcopy): 8 bytes of header, then the
// bytes. Header: stream number (0 stdin, 1 stdout, 2 stderr, 3 an error of the daemon), three zeros, length as
// big-endian uint32. Used for attach, exec and logs of anything without a terminal.

import { HoyError } from "../base/error.ts";

export type StdStream = "stdin" | "stdout" | "stderr" | "systemerr";

export interface Frame {
  readonly stream: StdStream;
  readonly data: Uint8Array;
}

const NUMBER: Record<StdStream, number> = { stdin: 0, stdout: 1, stderr: 2, systemerr: 3 };
const STREAMS: readonly StdStream[] = ["stdin", "stdout", "stderr", "systemerr"];
const HEADER = 8;

/** The 8 bytes that go before `length` bytes of `stream`. */
export function frameHeader(stream: StdStream, length: number): Uint8Array {
  const header = new Uint8Array(HEADER);
  header[0] = NUMBER[stream];
  new DataView(header.buffer).setUint32(4, length);
  return header;
}

/** Header and data in one array, so that one write carries both. */
export function frame(stream: StdStream, data: Uint8Array): Uint8Array {
  const whole = new Uint8Array(HEADER + data.length);
  whole.set(frameHeader(stream, data.length));
  whole.set(data, HEADER);
  return whole;
}

/**
 * Takes a framed stream apart, whatever pieces it arrives in. Payloads are handed on as they come (a frame that is cut
 * by the transport gives several), so a frame of 4 GiB costs no memory.
 */
export class Demultiplexer {
  readonly #header = new Uint8Array(HEADER);
  #have = 0;
  #left = 0;
  #stream: StdStream = "stdout";

  /** @throws HoyError "invalid" on a header that no server sends. */
  *push(data: Uint8Array): Generator<Frame> {
    let at = 0;
    while (at < data.length) {
      if (this.#left > 0) {
        const piece = data.subarray(at, at + this.#left);
        at += piece.length;
        this.#left -= piece.length;
        yield { stream: this.#stream, data: piece };
        continue;
      }
      const take = data.subarray(at, at + HEADER - this.#have);
      this.#header.set(take, this.#have);
      this.#have += take.length;
      at += take.length;
      if (this.#have === HEADER) this.#begin();
    }
  }

  /** True when the stream may end here: no header or payload is cut. */
  get atBoundary(): boolean {
    return this.#have === 0 && this.#left === 0;
  }

  #begin(): void {
    const [number = 0, a, b, c] = this.#header;
    const stream = STREAMS[number];
    if (stream === undefined || a !== 0 || b !== 0 || c !== 0) {
      throw new HoyError("invalid", `Unrecognized input header: ${number}`);
    }
    this.#stream = stream;
    this.#left = new DataView(this.#header.buffer).getUint32(4);
    this.#have = 0;
  }
}

/** A framed byte stream as its frames. @throws HoyError "invalid" when it ends inside a frame. */
export async function* demultiplex(source: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  const demultiplexer = new Demultiplexer();
  for await (const data of source) yield* demultiplexer.push(data);
  if (!demultiplexer.atBoundary) throw new HoyError("invalid", "the stream ended in the middle of a frame");
}
