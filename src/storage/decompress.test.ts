import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { constants, crc32, gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { decompress, detectCompression, peek } from "./decompress.ts";
import { ZstdFrames } from "./zstd-frames.ts";

const TEXT = Buffer.from("the quick brown fox jumps over the lazy dog\n".repeat(5000));

const pack: Record<string, (data: Buffer) => Buffer> = {
  plain: (data) => data,
  gzip: (data) => gzipSync(data),
  // With the checksum that the zstd program writes; without one a changed byte of text is just another text.
  zstd: (data) => zstdCompressSync(data, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
  xz: (data) => spawnSync("xz", ["-c"], { input: data, maxBuffer: 1e9 }).stdout,
  bzip2: (data) => spawnSync("bzip2", ["-c"], { input: data, maxBuffer: 1e9 }).stdout,
};

async function* cut(data: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < data.length; at += size) yield data.subarray(at, at + size);
}

async function all(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(part);
  return Buffer.concat(parts);
}

for (const [kind, compress] of Object.entries(pack)) {
  describe(kind, () => {
    const packed = compress(TEXT);
    test("is recognised and read, however it is cut", async () => {
      expect(detectCompression(packed)).toBe(kind as "plain");
      for (const size of [1, 7, 4096, packed.length]) {
        if (size === 1 && packed.length > 50_000) continue;
        expect((await all(decompress(cut(packed, size)))).equals(TEXT)).toBe(true);
      }
    });
    if (kind === "plain") return;
    test("truncated is an error", async () => {
      for (const length of [10, packed.length >> 1, packed.length - 1]) {
        await expect(all(decompress(cut(packed.subarray(0, length), 4096)))).rejects.toThrow(
          `the ${kind} stream is damaged or incomplete`,
        );
      }
    });
    test("corrupt is an error", async () => {
      const bad = Buffer.from(packed);
      bad.fill(0xff, bad.length >> 1, (bad.length >> 1) + 16);
      await expect(all(decompress(cut(bad, 4096)))).rejects.toThrow("damaged or incomplete");
    });
    test("past the limit is an error", async () => {
      await expect(all(decompress(cut(packed, 4096), { limit: 1000 }))).rejects.toThrow(
        `the ${kind} stream unfolds to more than 1000 bytes`,
      );
    });
    test("the source's own failure comes through as it is", async () => {
      async function* broken() {
        yield packed.subarray(0, 20);
        throw new Error("the connection broke");
      }
      await expect(all(decompress(broken()))).rejects.toThrow("the connection broke");
    });
    test("may be left early", async () => {
      for await (const chunk of decompress(cut(packed, 64))) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
    });
  });
}

test("several gzip members and zstd frames are one stream", async () => {
  const [a, b] = [Buffer.from("hello "), Buffer.from("world")];
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);
  const streams = [
    Buffer.concat([gzipSync(a), gzipSync(b)]),
    Buffer.concat([zstdCompressSync(a), zstdCompressSync(b)]),
    Buffer.concat([skippable, zstdCompressSync(a), skippable, zstdCompressSync(b), skippable]),
  ];
  for (const stream of streams) expect((await all(decompress(cut(stream, 5)))).toString()).toBe("hello world");
});

describe("gzip, RFC 1952", () => {
  const whole = gzipSync(TEXT);
  const changed = (at: number, bit = 1) => {
    const bytes = Buffer.from(whole);
    const place = at < 0 ? bytes.length + at : at;
    bytes[place] = (bytes[place] ?? 0) ^ bit;
    return bytes;
  };
  // FHCRC: two bytes of a checksum over the header follow it.
  const headerCrc = (right: boolean) => {
    const header = Buffer.from(whole.subarray(0, 10));
    header[3] = 2;
    const sum = Buffer.alloc(2);
    sum.writeUInt16LE((crc32(header) & 0xffff) ^ (right ? 0 : 1));
    return Buffer.concat([header, sum, whole.subarray(10)]);
  };
  const cases: Record<string, readonly [Buffer, boolean]> = {
    "a wrong CRC32": [changed(-8), false],
    "a wrong ISIZE": [changed(-4), false],
    "reserved flags": [changed(3, 0x80), false],
    "a header's right checksum": [headerCrc(true), true],
    "a header's wrong checksum": [headerCrc(false), false],
    "zeros after it": [Buffer.concat([whole, Buffer.alloc(600)]), true],
    "something else after it": [Buffer.concat([whole, Buffer.from("not gzip")]), false],
    "half a member after it": [Buffer.concat([whole, whole.subarray(0, 30)]), false],
  };
  for (const [what, [bytes, isGood]] of Object.entries(cases)) {
    test(`${what}: ${isGood ? "read" : "refused"}`, async () => {
      for (const size of [1000, bytes.length]) {
        if (isGood) expect((await all(decompress(cut(bytes, size)))).equals(TEXT)).toBe(true);
        else await expect(all(decompress(cut(bytes, size)))).rejects.toThrow("damaged or incomplete");
      }
    });
  }
});

test("an empty stream is empty", async () => {
  expect((await all(decompress(cut(Buffer.alloc(0), 1)))).length).toBe(0);
});

test("a bomb is stopped by its ratio", async () => {
  const bomb = zstdCompressSync(Buffer.alloc(64 * 1024 * 1024));
  const many = Buffer.concat(Array.from({ length: 20 }, () => bomb));
  await expect(all(decompress(cut(many, 1024)))).rejects.toThrow("more than 2000 times its size");
});

test("peek gives the whole stream again", async () => {
  const { head, stream } = await peek(cut(Buffer.from("abcdefgh"), 3), 4);
  expect(Buffer.from(head).toString()).toBe("abcd");
  expect((await all(stream)).toString()).toBe("abcdefgh");
});

test("ZstdFrames knows every place where a stream may end", () => {
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 3000 }), { minLength: 1, maxLength: 4 }),
      fc.nat(),
      (frames, seed) => {
        const packed = frames.map((frame) => zstdCompressSync(frame));
        const ends = new Set<number>([0]);
        let total = 0;
        for (const frame of packed) {
          total += frame.length;
          ends.add(total);
        }
        const stream = Buffer.concat(packed);
        const step = (seed % 7) + 1;
        const watch = new ZstdFrames();
        for (let at = 0; at < stream.length; at += step) {
          watch.push(stream.subarray(at, at + step));
          expect(watch.complete).toBe(ends.has(Math.min(at + step, stream.length)));
        }
      },
    ),
  );
});
