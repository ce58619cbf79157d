// fsutil's packets (fsutil.proto beside this file) read by hand: a context is tens of thousands of them, and an object with
// a description for each costs more than the files do. The same bytes as the generated code writes, which the tests
// compare. Written by packet-writer.ts.

import { HoyError } from "../../../base/error.ts";

/**
 * Kinds of packets: fsutil.types.Packet.PacketType. The last is our own, to clients that say they know it: its data is a
 * token by which contents may come on a connection of their own (../session/direct.ts).
 */
export const PACKET = { stat: 0, request: 1, data: 2, fin: 3, error: 4, direct: 64 } as const;

/** What a file is, as it is listed. Texts are bytes, one a character (Latin-1): UTF-8 where the other side is honest. */
export interface WireStat {
  path: string;
  /** Go's os.FileMode. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes; -1 for what is no size. */
  size: number;
  /** ns since the epoch. */
  modTime: bigint;
  linkname: string;
  devmajor: number;
  devminor: number;
  xattrs: ReadonlyMap<string, Uint8Array>;
}

export interface WirePacket {
  type: number;
  stat: WireStat | undefined;
  id: number;
  /** A view into the message. */
  data: Uint8Array;
}

const NOTHING = new Uint8Array(0);
const NO_XATTRS: ReadonlyMap<string, Uint8Array> = new Map();
/** Wire types (protobuf.dev/programming-guides/encoding). */
const [VARINT, FIXED64, LENGTH, FIXED32] = [0, 1, 2, 5];

/** @throws HoyError "invalid" when it is no packet. */
export function readPacket(message: Uint8Array): WirePacket {
  const reader = new Reader(message);
  const packet: WirePacket = { type: 0, stat: undefined, id: 0, data: NOTHING };
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x08) packet.type = reader.varint();
    else if (tag === 0x12) packet.stat = readStat(reader.inner());
    else if (tag === 0x18) packet.id = reader.varint();
    else if (tag === 0x22) packet.data = reader.bytes();
    else reader.skip(tag);
  }
  return packet;
}

function readStat(reader: Reader): WireStat {
  const stat: WireStat = {
    path: "",
    mode: 0,
    uid: 0,
    gid: 0,
    size: 0,
    modTime: 0n,
    linkname: "",
    devmajor: 0,
    devminor: 0,
    xattrs: NO_XATTRS,
  };
  let xattrs: Map<string, Uint8Array> | undefined;
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) stat.path = reader.text();
    else if (tag === 0x10) stat.mode = reader.varint();
    else if (tag === 0x18) stat.uid = reader.varint();
    else if (tag === 0x20) stat.gid = reader.varint();
    else if (tag === 0x28) stat.size = reader.varint();
    else if (tag === 0x30) stat.modTime = reader.int64();
    else if (tag === 0x3a) stat.linkname = reader.text();
    else if (tag === 0x40) stat.devmajor = reader.varint();
    else if (tag === 0x48) stat.devminor = reader.varint();
    else if (tag === 0x52) {
      xattrs ??= new Map();
      const [name, value] = readXattr(reader.inner());
      xattrs.set(name, value);
      stat.xattrs = xattrs;
    } else reader.skip(tag);
  }
  return stat;
}

function readXattr(reader: Reader): [string, Uint8Array] {
  let name = "";
  let value = NOTHING;
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === 0x0a) name = reader.text();
    else if (tag === 0x12) value = Uint8Array.from(reader.bytes());
    else reader.skip(tag);
  }
  return [name, value];
}

/** A number of 64 bits in two halves, the lower one first: as all machines that this runs on have it. */
const whole = new BigInt64Array(1);
const halves = new Uint32Array(whole.buffer);

class Reader {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at: number;

  constructor(bytes: Uint8Array, from = 0, end: number = bytes.length) {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = from;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** A number that is not negative; -1 for one that is, or is too large to be exact. */
  varint(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return Number.isSafeInteger(value) ? value : -1;
      if (scale > 2 ** 62) throw notAPacket();
    }
  }

  int64(): bigint {
    // In three pieces that bit operations have room for: arithmetic on big integers costs more than the rest of a stat.
    let low = 0;
    let middle = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#byte();
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift < 56) middle |= bits << (shift - 28);
      else high |= bits << (shift - 56);
      if (byte < 0x80) break;
      if (shift > 62) throw notAPacket();
    }
    halves[0] = low | (middle << 28);
    halves[1] = (middle >>> 4) | (high << 24);
    return whole[0] ?? 0n;
  }

  bytes(): Uint8Array {
    const start = this.#length();
    return this.#bytes.subarray(start, this.#at);
  }

  text(): string {
    const start = this.#length();
    return this.#bytes.toString("latin1", start, this.#at);
  }

  inner(): Reader {
    const start = this.#length();
    return new Reader(this.#bytes, start, this.#at);
  }

  /** A field that is not known. */
  skip(tag: number): void {
    const type = tag % 8;
    if (type === VARINT) this.int64();
    else if (type === LENGTH) this.#length();
    else if (type === FIXED64 || type === FIXED32) this.#forward(type === FIXED64 ? 8 : 4);
    else throw notAPacket();
  }

  /** Goes past a field with a length; gives where it begins. */
  #length(): number {
    const length = this.varint();
    const start = this.#at;
    this.#forward(length);
    return start;
  }

  #forward(length: number): void {
    if (length < 0 || length > this.#end - this.#at) throw notAPacket();
    this.#at += length;
  }

  #byte(): number {
    const byte = this.#at < this.#end ? this.#bytes[this.#at++] : undefined;
    if (byte === undefined) throw notAPacket();
    return byte;
  }
}

function notAPacket(): HoyError {
  return new HoyError("invalid", "not a fsutil.types.Packet");
}
