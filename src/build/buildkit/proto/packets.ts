// fsutil's packets (fsutil.proto beside this file) read and written by hand, many at once: a context is tens of thousands
// of them, and an object with a description for each costs more than the files do. The same bytes as the generated code
// reads and writes, which the tests compare.

import { HoyError } from "../../../base/error.ts";

/** Kinds of packets: fsutil.types.Packet.PacketType. */
export const PACKET = { stat: 0, request: 1, data: 2, fin: 3, error: 4 } as const;

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
    let low = 0;
    let high = 0n;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#byte();
      if (shift < 49) low += (byte & 0x7f) * 2 ** shift;
      else high |= BigInt(byte & 0x7f) << BigInt(shift);
      if (byte < 0x80) return BigInt.asIntN(64, BigInt(low) | high);
      if (shift > 62) throw notAPacket();
    }
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

/** Bytes before each message: see ../grpc/frames.ts. */
const FRAME = 5;
/** The most that the numbers of a stat or a packet take. */
const ROOM = 128;

/** Gathers packets, each framed as gRPC has it, until somebody takes them. */
export class PacketWriter {
  #buffer: Buffer;
  #at = 0;

  constructor(room: number = 64 * 1024) {
    this.#buffer = Buffer.allocUnsafe(room);
  }

  get length(): number {
    return this.#at;
  }

  /** What was gathered; it is the caller's. */
  take(): Uint8Array {
    const taken = this.#buffer.subarray(0, this.#at);
    this.#buffer = Buffer.allocUnsafe(this.#buffer.length);
    this.#at = 0;
    return taken;
  }

  /** @param path and linkname are text here, not bytes. */
  stat(stat: Omit<WireStat, "xattrs">): void {
    const [path, linkname] = [Buffer.byteLength(stat.path), Buffer.byteLength(stat.linkname)];
    const start = this.#begin(path + linkname + ROOM);
    // The length before it is known when it is written: three bytes are kept, which a varint may fill with zeros.
    const body = start + 4;
    let at = body;
    at = this.#text(at, 0x0a, stat.path, path);
    at = this.#number(at, 0x10, stat.mode);
    at = this.#number(at, 0x18, stat.uid);
    at = this.#number(at, 0x20, stat.gid);
    at = this.#number(at, 0x28, stat.size);
    at = this.#bigint(at, 0x30, stat.modTime);
    at = this.#text(at, 0x3a, stat.linkname, linkname);
    at = this.#number(at, 0x40, stat.devmajor);
    at = this.#number(at, 0x48, stat.devminor);
    const length = at - body;
    this.#buffer[start] = 0x12;
    this.#buffer[start + 1] = (length & 0x7f) | 0x80;
    this.#buffer[start + 2] = ((length >>> 7) & 0x7f) | 0x80;
    this.#buffer[start + 3] = length >>> 14;
    this.#finish(start, at);
  }

  packet(type: number, id: number, data: Uint8Array = NOTHING): void {
    const start = this.#begin(data.length + ROOM);
    let at = this.#number(start, 0x08, type);
    at = this.#number(at, 0x18, id);
    if (data.length > 0) {
      at = this.#number(at, 0x22, data.length);
      this.#buffer.set(data, at);
      at += data.length;
    }
    this.#finish(start, at);
  }

  #begin(room: number): number {
    const needed = this.#at + FRAME + room;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      larger.set(this.#buffer.subarray(0, this.#at));
      this.#buffer = larger;
    }
    return this.#at + FRAME;
  }

  #finish(start: number, end: number): void {
    this.#buffer[this.#at] = 0;
    this.#buffer.writeUInt32BE(end - start, this.#at + 1);
    this.#at = end;
  }

  /** Zero is not written: that is what is read where nothing is. */
  #number(at: number, tag: number, value: number): number {
    if (value === 0) return at;
    this.#buffer[at] = tag;
    return this.#varint(at + 1, value);
  }

  #varint(from: number, value: number): number {
    let at = from;
    let rest = value;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) this.#buffer[at++] = (rest % 128) | 0x80;
    this.#buffer[at++] = rest;
    return at;
  }

  #bigint(at: number, tag: number, value: bigint): number {
    if (value === 0n) return at;
    this.#buffer[at] = tag;
    const bits = BigInt.asUintN(64, value);
    let [low, high] = [Number(bits & 0x1ff_ffff_ffff_ffn), Number(bits >> 49n)];
    let to = at + 1;
    if (high === 0) return this.#varint(to, low);
    for (let group = 0; group < 7; group++) {
      this.#buffer[to++] = (low % 128) | 0x80;
      low = Math.floor(low / 128);
    }
    return this.#varint(to, high);
  }

  #text(at: number, tag: number, text: string, length: number): number {
    if (length === 0) return at;
    this.#buffer[at] = tag;
    const to = this.#varint(at + 1, length);
    this.#buffer.write(text, to, "utf8");
    return to + length;
  }
}
