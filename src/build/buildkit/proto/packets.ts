// fsutil's packets (fsutil.proto beside this file) read by hand: a context is tens of thousands of them, and an object with
// a description for each costs more than the files do. The same bytes as the generated code writes, which the tests
// compare. Written by packet-writer.ts.

import { HoyError } from "../../../base/error.ts";
import { WireReader } from "./wire.ts";

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

/** @throws HoyError "invalid" when it is no packet. */
export function readPacket(message: Uint8Array): WirePacket {
  const reader = new WireReader(message, notAPacket);
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

function readStat(reader: WireReader): WireStat {
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

function readXattr(reader: WireReader): [string, Uint8Array] {
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

function notAPacket(): HoyError {
  return new HoyError("invalid", "not a fsutil.types.Packet");
}
