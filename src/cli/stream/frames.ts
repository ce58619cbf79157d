// A container's two outputs over one connection: frames of an 8-byte head (stream, 3 zeros, length big-endian) and the
// bytes (moby api/pkg/stdcopy). Pieces are handed on as they come; a frame is never held whole.

import { HoyError } from "../../base/error.ts";

export interface Piece {
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
}

const HEAD = 8;
const STDERR = 2;
const SYSTEM_ERROR = 3;

/** @throws HoyError when the stream is not of this kind, or the engine reports a failure in it. */
export async function* demultiplex(source: AsyncIterable<Uint8Array>): AsyncGenerator<Piece> {
  let head = new Uint8Array(0);
  let left = 0;
  let kind = 0;
  const failure: Uint8Array[] = [];
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; ) {
      if (left === 0) {
        const wanted = HEAD - head.length;
        head = Buffer.concat([head, chunk.subarray(at, at + wanted)]);
        at += wanted;
        if (head.length < HEAD) continue;
        kind = head[0] ?? 0;
        if (kind > SYSTEM_ERROR) throw new HoyError("unavailable", `unrecognized stream: ${kind}`);
        left = Buffer.from(head).readUInt32BE(4);
        head = new Uint8Array(0);
        continue;
      }
      const data = chunk.subarray(at, at + left);
      at += data.length;
      left -= data.length;
      if (kind === SYSTEM_ERROR) failure.push(data);
      else yield { stream: kind === STDERR ? "stderr" : "stdout", data };
    }
  }
  if (failure.length > 0)
    throw new HoyError("internal", `error from daemon in stream: ${Buffer.concat(failure).toString()}`);
}
