// Reading a part of a file as a stream of chunks.

import { read } from "node:fs";
import { promisify } from "node:util";

const READ_SIZE = 1024 * 1024;
const readAsync = promisify(read);

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
