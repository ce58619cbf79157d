// Small pieces of an archive that go on as one, so that a tree of small files is not a stream of headers.

import { mayGo } from "../../base/passing.ts";

/** Bytes that go on together. */
export const GATHERED = 256 * 1024;

export class Gathering {
  #pieces: Uint8Array[] = [];
  #length = 0;

  /** Enough came together to go on. */
  get isFull(): boolean {
    return this.#length >= GATHERED;
  }

  add(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  /** All that came together, in one piece. */
  take(): Uint8Array {
    const [only] = this.#pieces;
    const all = this.#pieces.length === 1 && only !== undefined ? only : joined(this.#pieces, this.#length);
    this.#pieces = [];
    this.#length = 0;
    return all;
  }

  /** Adds what comes, and gives it on whenever enough has come together. */
  async *through(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    for await (const piece of pieces) {
      this.add(piece);
      if (this.isFull) yield this.take();
    }
  }
}

/** In memory of its own, which goes when who reads it is through with it. */
function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  const all = Buffer.allocUnsafeSlow(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  mayGo(all);
  return all;
}
