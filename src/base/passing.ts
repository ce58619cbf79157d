// Bytes that pass through, and whose memory is given back as soon as they have: what streams by lies outside of the
// collector's heap, and collecting it costs more than moving it. Two sides agree on each chunk: the one that reads it last
// for itself says `mayGo` or `lend`, the one that is through with it calls `letGo`; without both, the collector has it as
// always.

const passing = new WeakSet<ArrayBuffer>();

interface Lent {
  /** Where the chunk ends in its memory. */
  readonly end: number;
  readonly back: () => void;
}
const lent = new WeakMap<ArrayBuffer, Lent>();

/** Nobody but who calls `letGo` needs the chunk any more, nor what lies before it in the same memory. */
export function mayGo(chunk: Uint8Array): void {
  const memory = wholeBefore(chunk);
  if (memory !== undefined) passing.add(memory);
}

/** The same of memory that is to be used again: `back` is called, once, in place of giving it up. */
export function lend(chunk: Uint8Array, back: () => void): void {
  const { buffer, byteOffset, byteLength } = chunk;
  if (buffer instanceof ArrayBuffer) lent.set(buffer, { end: byteOffset + byteLength, back });
}

/**
 * Done with the chunk, and with what was before it in the same memory. It and every other view of the memory are empty or
 * hold something else afterwards, if it was let and this was the last of it: a chunk may come in pieces.
 */
export function letGo(chunk: Uint8Array): void {
  const { buffer, byteOffset, byteLength } = chunk;
  if (!(buffer instanceof ArrayBuffer) || byteLength === 0) return;
  const loan = lent.get(buffer);
  if (loan !== undefined) {
    if (loan.end !== byteOffset + byteLength) return;
    lent.delete(buffer);
    loan.back();
    return;
  }
  const memory = wholeBefore(chunk);
  if (memory !== undefined && passing.delete(memory)) memory.transfer(0);
}

/** The memory that ends where the chunk does; behind another end there may be more, that others still read or write. */
function wholeBefore({ buffer, byteOffset, byteLength }: Uint8Array): ArrayBuffer | undefined {
  if (!(buffer instanceof ArrayBuffer) || byteLength === 0) return undefined;
  return byteOffset + byteLength === buffer.byteLength ? buffer : undefined;
}
