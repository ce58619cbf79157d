// Archives that lie, and odd ones that are right: what the parser refuses, and in which words.

import { describe, expect, test } from "bun:test";
import { archiveOf, PLAIN, patched, readEverything } from "./fixture.ts";
import { TarParser } from "./parser.ts";
import { formatHeader, paddingAfter } from "./writer.ts";

describe("archives that lie", () => {
  const octal = (block: Buffer, offset: number, text: string) => block.write(text, offset, "latin1");
  const pax = (body: string) =>
    Buffer.concat([
      patched({ size: body.length }, (block) => block.write("x", 156, "latin1")),
      Buffer.from(body),
      paddingAfter(body.length),
      formatHeader(PLAIN),
    ]);
  const cases: [string, Buffer, RegExp][] = [
    ["random text", Buffer.from("this is no tar".repeat(100)), /checksum/],
    [
      "wrong checksum",
      (() => {
        const b = formatHeader(PLAIN);
        b[0] = 1;
        return b;
      })(),
      /checksum/,
    ],
    ["size not octal", patched({}, (b) => octal(b, 124, "99999999999")), /size is not a number/],
    ["negative size", patched({}, (b) => b.fill(0xff, 124, 136)), /too large/],
    [
      "size of 2^90",
      patched({}, (b) => {
        b.fill(0, 124, 136);
        b[124] = 0x80;
        b[125] = 4;
      }),
      /too large/,
    ],
    ["uid of -1", patched({}, (b) => b.fill(0xff, 108, 116)), /uid is out of range/],
    ["no name", patched({ name: "" }, () => undefined), /without a name/],
    ["unknown type", patched({}, (b) => octal(b, 156, "M")), /unknown type "M"/],
    ["huge PAX header", patched({ size: 2 << 20 }, (b) => octal(b, 156, "x")), /extended header is too large/],
    ["PAX length 0", pax("0 a=b\n"), /without a length/],
    ["PAX length past the end", pax("99 a=b\n"), /longer than its header/],
    ["PAX without newline", pax("6 a=bX"), /longer than its header/],
    ["PAX path with a zero byte", pax("11 path=a\0\n"), /zero byte/],
    ["PAX name too long", pax(`5008 path=${"a".repeat(4997)}\n`), /name is too long/],
    ["PAX size negative", pax("10 size=-\n"), /size is not a number/],
    ["sparse map out of order", pax("26 GNU.sparse.map=5,1,2,1\n21 GNU.sparse.size=9\n"), /out of order/],
    ["sparse map larger than the data", pax("22 GNU.sparse.map=0,9\n21 GNU.sparse.size=9\n"), /does not match/],
    ["sparse without a map", pax("21 GNU.sparse.size=9\n"), /without a map/],
    ["truncated header", formatHeader(PLAIN).subarray(0, 300), /unexpected end/],
    ["truncated data", archiveOf({ header: {}, data: Buffer.alloc(600) }).subarray(0, 900), /unexpected end/],
    ["truncated padding", archiveOf({ header: {}, data: Buffer.alloc(600) }).subarray(0, 1500), /unexpected end/],
    ["PAX header and nothing after", pax("6 a=b\n").subarray(0, 1024), /unexpected end/],
    ["zero block, then more", Buffer.concat([new Uint8Array(512), formatHeader(PLAIN)]), /zero block/],
  ];
  test.each(cases)("%s", (_, archive, message) => {
    const parse = () => {
      const parser = new TarParser({ entry: () => undefined });
      parser.push(archive);
      parser.end();
    };
    expect(parse).toThrow(message);
  });

  test("a global path would rename every file: refused", () => {
    const body = "10 path=x\n";
    const header = patched({ size: body.length }, (block) => block.write("g", 156));
    const parser = new TarParser({ entry: () => undefined });
    expect(() => parser.push(Buffer.concat([header, Buffer.from(body), paddingAfter(body.length)]))).toThrow(/global/);
  });

  test("no end marker, and an empty stream, are no errors", async () => {
    expect((await readEverything(formatHeader(PLAIN))).length).toBe(1);
    expect(await readEverything(new Uint8Array(0))).toEqual([]);
  });

  test("global times and ids hold until taken back", async () => {
    const body = "13 uid=12345\n11 mtime=7\n";
    const global = patched({ size: body.length }, (block) => block.write("g", 156));
    const archive = Buffer.concat([global, Buffer.from(body), paddingAfter(body.length), pax("8 uid=7\n")]);
    expect((await readEverything(archive))[0]?.entry).toMatchObject({ uid: 7, mtime: 7_000_000_000n });
  });
});
