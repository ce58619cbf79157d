// Keeps memory flat while layers stream through. Most of what passes is given back by those who are through with it
// (base/passing.ts); the rest is garbage outside of the collector's heap, which sees little reason to run while tens of
// megabytes wait for it. Here it is asked to, once for so many bytes.

import { giveMemoryBack } from "./give-memory-back.ts";

/** Bytes of all streams together between two collections: at 16 MiB these took a tenth of a pull, and saved 2 MB. */
const EVERY = 48 * 1024 * 1024;
/** The same for the first of them: what other work has left goes before more comes. A small layer is not worth one. */
const FIRST = 1024 * 1024;
/** More of them for each millisecond that the last one took: of a large heap it must not take most of the time. */
const EVERY_MS = 1 * 1024 * 1024;

/** Bytes of archives that we wrote ourselves, between two collections. */
const EVERY_WRITTEN = 512 * 1024 * 1024;
/** Milliseconds: whoever waited for the work has its answer by then, and the one after it as well. */
const AFTERWARDS = 1000;

let left = FIRST;
let first = true;
let streams = 0;
let written = 0;

/** The stream as it is. */
export async function* relieved(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  if (streams === 0) {
    left = FIRST;
    first = true;
  }
  streams++;
  try {
    for await (const chunk of stream) {
      left -= chunk.byteLength;
      yield chunk;
      if (left > 0) continue;
      const start = performance.now();
      if (first) giveMemoryBack();
      else Bun.gc(true);
      first = false;
      left = Math.max(EVERY, (performance.now() - start) * EVERY_MS);
    }
  } finally {
    streams--;
  }
}

/**
 * So many bytes were written whose memory is used again. What is left of them is small objects, one or a few for each file:
 * these are collected when the work is done, not while somebody waits for it.
 */
export function relieveAfter(bytes: number): void {
  written += bytes;
  if (written < EVERY_WRITTEN) return;
  written = 0;
  setTimeout(() => Bun.gc(true), AFTERWARDS).unref();
}
