// The server's side of a WebSocket (RFC 6455) over a connection that was taken over: the handshake's answer and the
// frames. No extensions, no subprotocols. Frames are bounded; a client that breaks the rules is closed with 1002.

import { createHash } from "node:crypto";
import { HoyError } from "../../base/error.ts";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** Bytes of one frame's payload. */
const MAX_PAYLOAD = 1024 * 1024;

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
export type Opcode = (typeof OPCODE)[keyof typeof OPCODE];

export interface WebSocketFrame {
  readonly opcode: number;
  readonly data: Uint8Array;
}

/** Sec-WebSocket-Accept for a Sec-WebSocket-Key. @throws HoyError "invalid" for a key that is no 16 bytes of base64. */
export function acceptKey(key: string): string {
  if (!/^[A-Za-z0-9+/]{22}==$/.test(key)) throw new HoyError("invalid", "invalid Sec-WebSocket-Key");
  return createHash("sha1").update(`${key}${GUID}`).digest("base64");
}

/** A server's frame: final, unmasked. */
export function encodeFrame(opcode: Opcode, data: Uint8Array): Uint8Array {
  const extended = data.length < 126 ? 0 : data.length < 65536 ? 2 : 8;
  const frame = new Uint8Array(2 + extended + data.length);
  const view = new DataView(frame.buffer);
  frame[0] = 0x80 | opcode;
  frame[1] = extended === 0 ? data.length : extended === 2 ? 126 : 127;
  if (extended === 2) view.setUint16(2, data.length);
  if (extended === 8) view.setBigUint64(2, BigInt(data.length));
  frame.set(data, 2 + extended);
  return frame;
}

/** Takes a client's frames out of a stream that is cut anywhere. */
export class FrameDecoder {
  #rest: Uint8Array = new Uint8Array(0);

  /** @throws HoyError "invalid" for frames that are unmasked, too large, or use what was not agreed on. */
  *push(data: Uint8Array): Generator<WebSocketFrame> {
    this.#rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) yield frame;
  }

  #next(): WebSocketFrame | undefined {
    const bytes = this.#rest;
    const [first = 0, second = 0] = bytes;
    if (bytes.length < 2) return undefined;
    const opcode = first & 0x0f;
    if ((first & 0x70) !== 0 || (second & 0x80) === 0) throw new HoyError("invalid", "bad WebSocket frame");
    const short = second & 0x7f;
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    const head = 2 + extended + 4;
    if (bytes.length < head) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const length = extended === 2 ? view.getUint16(2) : extended === 8 ? Number(view.getBigUint64(2)) : short;
    const control = opcode >= 8;
    if (length > MAX_PAYLOAD || (control && (length > 125 || (first & 0x80) === 0))) {
      throw new HoyError("invalid", "bad WebSocket frame");
    }
    if (bytes.length < head + length) return undefined;
    const mask = bytes.subarray(head - 4, head);
    const payload = bytes.slice(head, head + length).map((byte, i) => byte ^ (mask[i & 3] ?? 0));
    this.#rest = bytes.subarray(head + length);
    return { opcode, data: payload };
  }
}
