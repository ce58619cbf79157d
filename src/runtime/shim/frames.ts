// The frames of the shim's socket (shim/PROTOCOL.md, "Frames"): header codec and payload writers. No I/O here.

import { HoyError } from "../../base/error.ts";

export const HEADER = 8;
export const MAX_PAYLOAD = 65_536;

export const ToShim = {
  attach: 1,
  stdin: 2,
  stdinEof: 3,
  resize: 4,
  signal: 5,
  exec: 6,
  subscribe: 7,
  release: 8,
  reopenLog: 9,
} as const;

export const FromShim = { out: 65, ok: 66, error: 67, exit: 68, oom: 69, end: 70 } as const;

export const Want = { stdin: 1, stdout: 2, stderr: 4, terminal: 8, position: 16 } as const;

/** PROTOCOL.md's version that is spoken here; shims of older ones are understood, too. */
export const PROTOCOL = 2;

export interface Frame {
  readonly type: number;
  readonly stream: number;
  readonly payload: Buffer;
}

const EMPTY = Buffer.alloc(0);

export function encodeFrame(type: number, payload: Uint8Array = EMPTY): Buffer {
  const frame = Buffer.allocUnsafe(HEADER + payload.length);
  frame[0] = type;
  frame[1] = 0;
  frame.writeUInt16LE(0, 2);
  frame.writeUInt32LE(payload.length, 4);
  frame.set(payload, HEADER);
  return frame;
}

export function numbers(...values: readonly number[]): Buffer {
  const payload = Buffer.allocUnsafe(values.length * 4);
  values.forEach((value, index) => {
    payload.writeUInt32LE(value >>> 0, index * 4);
  });
  return payload;
}

/** `u32 target, u16 rows, u16 cols`, the shape of RESIZE and the head of EXEC. */
export function sized(first: number, rows: number, cols: number): Buffer {
  const payload = Buffer.allocUnsafe(8);
  payload.writeUInt32LE(first, 0);
  payload.writeUInt16LE(clampU16(rows), 4);
  payload.writeUInt16LE(clampU16(cols), 6);
  return payload;
}

function clampU16(value: number): number {
  return Math.max(0, Math.min(0xff_ff, Math.trunc(value)));
}

/** Cuts a byte stream into frames; keeps what is not whole yet. */
export class FrameReader {
  #parts: Buffer[] = [];
  #length = 0;

  /** @throws HoyError "internal" when the stream is not of frames; it can't be read on then. */
  *push(chunk: Buffer): Generator<Frame> {
    this.#parts.push(chunk);
    this.#length += chunk.length;
    if (this.#length < HEADER) return;
    let data = this.#parts.length === 1 ? chunk : Buffer.concat(this.#parts);
    while (data.length >= HEADER) {
      const length = data.readUInt32LE(4);
      if (length > MAX_PAYLOAD) throw new HoyError("internal", "the shim sent a frame that is too long");
      if (data.length < HEADER + length) break;
      const payload = data.subarray(HEADER, HEADER + length);
      const frame = { type: data.readUInt8(0), stream: data.readUInt8(1), payload };
      data = data.subarray(HEADER + length);
      yield frame;
    }
    this.#parts = data.length > 0 ? [data] : [];
    this.#length = data.length;
  }
}
