// Netlink messages as bytes: header, attributes, nesting, and reading them back. Pure; the socket is netlink.ts.
// Layout: netlink(7), rtnetlink(7), <linux/netlink.h>. Host byte order is little endian on every platform hoy runs on.

export const NLMSG_HEADER = 16;
const NLA_HEADER = 4;
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;

const align = (length: number) => (length + 3) & ~3;

/** One attribute: `rta_len, rta_type, data`, padded to 4 bytes. */
export function attribute(type: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(align(NLA_HEADER + data.length));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, NLA_HEADER + data.length, true);
  view.setUint16(2, type, true);
  bytes.set(data, NLA_HEADER);
  return bytes;
}

export function attributeText(type: number, text: string): Uint8Array {
  return attribute(type, new TextEncoder().encode(`${text}\0`));
}

export function attributeU8(type: number, value: number): Uint8Array {
  return attribute(type, Uint8Array.of(value));
}

export function attributeU16(type: number, value: number): Uint8Array {
  const data = new Uint8Array(2);
  new DataView(data.buffer).setUint16(0, value, true);
  return attribute(type, data);
}

export function attributeU32(type: number, value: number): Uint8Array {
  const data = new Uint8Array(4);
  new DataView(data.buffer).setUint32(0, value, true);
  return attribute(type, data);
}

export function attributeU64(type: number, value: bigint): Uint8Array {
  const data = new Uint8Array(8);
  new DataView(data.buffer).setBigUint64(0, value, true);
  return attribute(type, data);
}

export function nested(type: number, parts: readonly Uint8Array[]): Uint8Array {
  return attribute(type | NLA_F_NESTED, concat(parts));
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

export interface MessageHeader {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
}

export function message(header: MessageHeader, parts: readonly Uint8Array[]): Uint8Array {
  const body = concat(parts);
  const bytes = new Uint8Array(NLMSG_HEADER + align(body.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, NLMSG_HEADER + body.length, true);
  view.setUint16(4, header.type, true);
  view.setUint16(6, header.flags, true);
  view.setUint32(8, header.sequence, true);
  bytes.set(body, NLMSG_HEADER);
  return bytes;
}

export interface Message extends MessageHeader {
  readonly payload: Uint8Array;
}

/** The messages of one datagram. @throws RangeError when a length leads out of it. */
export function* messages(datagram: Uint8Array): Generator<Message> {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength);
  let offset = 0;
  while (offset + NLMSG_HEADER <= datagram.length) {
    const length = view.getUint32(offset, true);
    if (length < NLMSG_HEADER || offset + length > datagram.length) throw new RangeError("bad netlink message length");
    yield {
      type: view.getUint16(offset + 4, true),
      flags: view.getUint16(offset + 6, true),
      sequence: view.getUint32(offset + 8, true),
      payload: datagram.subarray(offset + NLMSG_HEADER, offset + length),
    };
    offset += align(length);
  }
}

/** Attributes by type; the last of a type wins. @throws RangeError when a length leads out of the bytes. */
export function attributes(bytes: Uint8Array): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  while (offset + NLA_HEADER <= bytes.length) {
    const length = view.getUint16(offset, true);
    if (length < NLA_HEADER || offset + length > bytes.length) throw new RangeError("bad netlink attribute length");
    found.set(view.getUint16(offset + 2, true) & NLA_TYPE_MASK, bytes.subarray(offset + NLA_HEADER, offset + length));
    offset += align(length);
  }
  return found;
}

export function textOf(data: Uint8Array | undefined): string {
  if (data === undefined) return "";
  const end = data.indexOf(0);
  return new TextDecoder().decode(end < 0 ? data : data.subarray(0, end));
}

export function u32Of(data: Uint8Array | undefined): number {
  if (data === undefined || data.length < 4) return 0;
  return new DataView(data.buffer, data.byteOffset, 4).getUint32(0, true);
}
