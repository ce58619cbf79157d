// A part of a file as the body of an answer. What the page cache has is read and written within one turn of the event
// loop, through buffers that are used again and again: they stay in the processor's cache, and fast readers cost no
// memory. What is on disk only is read by the runtime's threads.
//
// The runtime keeps what the socket did not take, and does not copy it: a buffer is free when its write is done, not
// when `write` returns. A test with slow readers holds that.

import type { FileHandle } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import { ReadBuffer } from "../../linux/read.ts";
import { ended } from "./send-body.ts";
import type { ByteRange } from "./storage.ts";

/** Larger ones take no less of the processor, and each slow reader holds one. */
const PIECE = 256 * 1024;
/** Written to one reader before others get their turn. */
const TURN = 2 * 1024 * 1024;
/** Free buffers that are kept. */
const KEPT = 4;

const free: ReadBuffer[] = [];

/**
 * Ends the answer; returns when it is sent or the reader is gone. @param onSent Told of each piece's bytes. @throws when the file is shorter than the range.
 */
export async function sendFile(
  response: ServerResponse,
  file: FileHandle,
  { start, end }: ByteRange,
  onSent: (bytes: number) => void = () => undefined,
): Promise<void> {
  let turn = 0;
  for (let at = start; at < end && !response.destroyed; ) {
    const buffer = free.pop() ?? new ReadBuffer(PIECE);
    const length = Math.min(PIECE, end - at);
    const count = buffer.fillCached(file.fd, at, length) ?? (await file.read(buffer.bytes, 0, length, at)).bytesRead;
    if (count === 0) throw new Error("a file is shorter than its row says");
    at += count;
    onSent(count);
    // Of a reader that has gone, the runtime may still hold the buffer: then it is not used again.
    if (!(await written(response, buffer.bytes.subarray(0, count)))) break;
    if (free.length < KEPT) free.push(buffer);
    turn += count;
    if (turn < TURN) continue;
    turn = 0;
    await nextTurn();
  }
  await ended(response);
}

/** @returns whether the bytes are with the kernel; false: the reader is gone. */
function written(response: ServerResponse, bytes: Uint8Array): Promise<boolean> {
  if (response.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const gone = () => resolve(false);
    response.once("close", gone);
    response.write(bytes, (error) => {
      response.off("close", gone);
      resolve(error === undefined || error === null);
    });
  });
}
