// A part of a file as the body of a request: read while it is sent, with one small buffer in memory. As an array it would
// be there three times over: read, copied for the connection, copied again by TLS.

import type { FileHandle } from "node:fs/promises";
import { HoyError } from "../../base/error.ts";

const CHUNK = 256 * 1024;

/**
 * The bytes from `offset` on, `size` of them; a stream errs with "internal" when the file ends before.
 * @returns what makes the stream, anew for each try.
 */
export function filePart(file: FileHandle, offset: number, size: number): () => ReadableStream<Uint8Array> {
  return () => {
    const end = offset + size;
    // One for all chunks: what reads the body of a request copies a chunk before it asks for the next (Fetch standard,
    // "incrementally read a body"), and with a high-water mark of 0 it is not asked for before.
    const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK, size));
    let at = offset;
    const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, end - at), at);
      if (bytesRead === 0) throw new HoyError("internal", "a file is shorter than it should be");
      at += bytesRead;
      controller.enqueue(buffer.subarray(0, bytesRead));
      if (at === end) controller.close();
    };
    return new ReadableStream({ pull }, { highWaterMark: 0 });
  };
}
