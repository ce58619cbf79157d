// fsutil's packets written by hand, many into one piece of memory, each framed as gRPC has it (see packets.ts for why).

import type { WireStat } from "./packets.ts";

const NOTHING = new Uint8Array(0);
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
