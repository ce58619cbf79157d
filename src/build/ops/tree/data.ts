// Reading a part of a file as a stream of chunks.

import { read, readSync } from "node:fs";
import { promisify } from "node:util";

const READ_SIZE = 1024 * 1024;
const readAsync = promisify(read);

/** Up to so many bytes are better read at once: a promise for each of many small files costs more than its bytes. */
export const SMALL = 256 * 1024;

/** `length` bytes of a file from `start` on, at once; filled up with zeros where it has become shorter. */
export function readSmall(fd: number, start: number, length: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  const got = readSync(fd, buffer, 0, length, start);
  return got < length ? buffer.fill(0, got) : buffer;
}

/** `length` bytes from `start` on, or fewer when the file ends before. The descriptor stays the caller's. */
export async function* readFrom(
  fd: number,
  start: number,
  length: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  for (let at = start; at < start + length; ) {
    signal.throwIfAborted();
    const buffer = Buffer.allocUnsafe(Math.min(start + length - at, READ_SIZE));
    const { bytesRead } = await readAsync(fd, buffer, 0, buffer.length, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}
