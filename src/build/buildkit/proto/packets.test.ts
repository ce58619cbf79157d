// Packets by hand against the generated code, in both directions, and what is no packet.

import { expect, test } from "bun:test";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { Unframer } from "../grpc/frames.ts";
import { Packet_PacketType as Kind, PacketSchema, StatSchema } from "./gen/fsutil_pb.ts";
import { PacketWriter } from "./packet-writer.ts";
import { PACKET, readPacket, type WireStat } from "./packets.ts";

const number32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const size = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const stat = fc.record({
  path: fc.string({ unit: "grapheme", maxLength: 200 }),
  mode: number32,
  uid: number32,
  gid: number32,
  size,
  modTime: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  linkname: fc.string({ unit: "grapheme", maxLength: 50 }),
  devmajor: number32,
  devminor: number32,
});
const bytes = fc.uint8Array({ maxLength: 100 });
const raw = (text: string) => Buffer.from(text, "utf8").toString("latin1");

test("what the generated code writes is read", () => {
  const packet = fc.record({
    type: fc.constantFrom(...Object.values(Kind)),
    id: number32,
    data: bytes,
    stat: fc.option(stat, { nil: undefined }),
    xattrs: fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), bytes, { maxKeys: 3 }),
  });
  fc.assert(
    fc.property(packet, ({ type, id, data, stat: given, xattrs }) => {
      const message = create(PacketSchema, {
        type,
        id,
        data,
        ...(given && {
          stat: {
            ...given,
            size: BigInt(given.size),
            devmajor: BigInt(given.devmajor),
            devminor: BigInt(given.devminor),
            xattrs,
          },
        }),
      });
      const read = readPacket(toBinary(PacketSchema, message));
      expect({ type: read.type, id: read.id, data: Uint8Array.from(read.data) }).toEqual({ type, id, data });
      const expected: WireStat | undefined = given && {
        ...given,
        path: raw(given.path),
        linkname: raw(given.linkname),
        xattrs: new Map(Object.entries(xattrs).map(([name, value]) => [raw(name), value])),
      };
      expect(read.stat).toEqual(expected);
    }),
  );
});

test("the generated code reads what is written, many in one piece", () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(stat, fc.record({ id: number32, data: bytes })), { maxLength: 20 }), (all) => {
      const writer = new PacketWriter(64);
      for (const each of all) {
        if ("path" in each) writer.stat(each);
        else writer.packet(PACKET.data, each.id, each.data);
      }
      const unframer = new Unframer();
      unframer.push(writer.take());
      expect(writer.length).toBe(0);
      for (const each of all) {
        const packet = fromBinary(PacketSchema, unframer.next() ?? Buffer.from("none"));
        if (!("path" in each)) {
          expect([packet.type, packet.id, Uint8Array.from(packet.data)]).toEqual([PACKET.data, each.id, each.data]);
          continue;
        }
        const { path, mode, uid, gid, modTime, linkname } = packet.stat ?? create(StatSchema);
        const [length, devmajor, devminor] = [packet.stat?.size, packet.stat?.devmajor, packet.stat?.devminor].map(
          Number,
        );
        expect({ path, mode, uid, gid, size: length, modTime, linkname, devmajor, devminor } as unknown).toEqual(each);
      }
      unframer.end();
    }),
  );
});

test("a packet of another protocol's future is read past what is not known", () => {
  // Fields 15 (varint), 14 (64 bits), 13 (bytes) and 12 (32 bits), then the id.
  const known = [0x78, 0x96, 0x01, 0x71, 1, 2, 3, 4, 5, 6, 7, 8, 0x6a, 2, 9, 9, 0x65, 1, 2, 3, 4, 0x18, 7];
  expect(readPacket(Uint8Array.from(known)).id).toBe(7);
});

test("what is no packet is refused: cut short, a length past the end, a number without an end, a group", () => {
  const bad = [
    [0x18],
    [0x22, 5, 1],
    [0x12, 2, 0x0a, 9],
    [0x18, ...Array<number>(12).fill(0xff)],
    [0x7b],
    [0x22, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1],
  ];
  for (const each of bad) expect(() => readPacket(Uint8Array.from(each))).toThrow("not a fsutil.types.Packet");
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
      try {
        readPacket(noise);
      } catch (error) {
        expect(String(error)).toContain("not a fsutil.types.Packet");
      }
    }),
  );
  expect(readPacket(Uint8Array.from([0x12, 11, 0x28, ...Array<number>(9).fill(0xff), 1])).stat?.size).toBe(-1);
});
