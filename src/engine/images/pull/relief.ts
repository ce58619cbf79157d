// Keeps memory flat while layers stream through: what has passed is garbage that lies outside of the collector's heap, so
// the collector sees little reason to run while tens of megabytes wait for it. Here it is asked to, once for so many bytes.

/** Bytes of all streams together between two collections. */
const EVERY = 16 * 1024 * 1024;
/** More of them for each millisecond that the last one took: of a large heap it must not take most of the time. */
const EVERY_MS = 4 * 1024 * 1024;

let left = EVERY;

/** The stream as it is. */
export async function* relieved(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  for await (const chunk of stream) {
    left -= chunk.byteLength;
    yield chunk;
    if (left > 0) continue;
    const start = performance.now();
    Bun.gc(true);
    left = Math.max(EVERY, (performance.now() - start) * EVERY_MS);
  }
}
