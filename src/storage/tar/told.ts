// An archive together with what is in it, from the one who writes it: whoever keeps it need not parse what was just put
// together. The bytes are an archive all the same, and who keeps it is told just what reading it would tell
// (archive-writer.ts).

import type { TarEntry } from "./entry.ts";

/** Told of each entry before its bytes are given on. */
export type Tell = (entry: TarEntry) => void;

export class ToldTar implements AsyncIterable<Uint8Array> {
  readonly #write: (tell: Tell) => AsyncIterable<Uint8Array>;

  constructor(write: (tell: Tell) => AsyncIterable<Uint8Array>) {
    this.#write = write;
  }

  /** The bytes, with what they are. To be read once. */
  told(tell: Tell): AsyncIterable<Uint8Array> {
    return this.#write(tell);
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    return this.#write(() => undefined)[Symbol.asyncIterator]();
  }
}
