// Bytes that pass through, and whose memory is given back as soon as they have: what streams by lies outside of the
// collector's heap, and collecting it costs more than moving it. Two sides agree on each chunk: the one that reads it last
// for itself says `mayGo`, the one that is through with it calls `letGo`; without both, the collector has it as always.

const passing = new WeakSet<ArrayBuffer>();

/** Nobody but who calls `letGo` needs the chunk any more, nor what lies before it in the same memory. */
export function mayGo(chunk: Uint8Array): void {
  const { buffer, byteOffset, byteLength } = chunk;
  // Behind its end there may be more, that others still read or write.
  if (buffer instanceof ArrayBuffer && byteOffset + byteLength === buffer.byteLength) passing.add(buffer);
}

/** The chunk, and every other view of its memory, is empty afterwards, if it was let. */
export function letGo({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && passing.delete(buffer)) buffer.transfer(0);
}
