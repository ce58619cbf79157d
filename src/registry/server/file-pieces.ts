// A part of a file as a stream of pieces. The next piece is read while the last is on its way out.

import type { FileHandle } from "node:fs/promises";
import type { ByteRange } from "./storage.ts";

const PIECE = 1024 * 1024;

/** Closes the file at its end. @throws when the file is shorter than the range. */
export async function* pieces(file: FileHandle, { start, end }: ByteRange): AsyncGenerator<Uint8Array> {
  const readAt = async (at: number) => {
    const room = Buffer.allocUnsafeSlow(Math.min(PIECE, end - at));
    const { bytesRead } = await file.read(room, 0, room.length, at);
    if (bytesRead === 0) throw new Error("a blob is shorter than its row says");
    return room.subarray(0, bytesRead);
  };
  const read = (at: number) => {
    const bytes = readAt(at);
    // Its fault is heard of when it is waited for, which may be long after.
    bytes.catch(() => undefined);
    return bytes;
  };
  let next = read(start);
  try {
    for (let at = start; at < end; ) {
      const bytes = await next;
      at += bytes.length;
      if (at < end) next = read(at);
      yield bytes;
    }
  } finally {
    // A reader that goes leaves a read under way: the file must not be closed, and reused, below it.
    await next.catch(() => undefined);
    await file.close();
  }
}
