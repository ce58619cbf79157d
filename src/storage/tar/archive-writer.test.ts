// What a writer tells of its archive is what a reader finds in it, whatever the headers; and a layer that was told of is
// the one that would have been read.

import { describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { letGo } from "../../base/passing.ts";
import { receiveLayer } from "../drivers/receive.ts";
import { encodeIndex } from "../layer/index-file.ts";
import { ArchiveWriter } from "./archive-writer.ts";
import type { TarEntry } from "./entry.ts";
import { PLAIN, readEverything } from "./fixture.ts";
import { ToldTar } from "./told.ts";
import type { TarHeader } from "./writer.ts";

type File = readonly [TarHeader, Uint8Array];

const text = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 120,
});
const header = fc.record({
  type: fc.constantFrom<TarHeader["type"]>("file", "dir", "symlink", "hardlink", "char", "block", "fifo"),
  name: fc.oneof(fc.constantFrom("a", "a/b", "a/b/c", "x", "x/y", ".wh.a", "a/.wh..wh..opq", "l", "l/z"), text),
  linkname: fc.oneof(fc.constantFrom("a", "x", "../x", "a/b", "/"), text),
  mode: fc.integer({ min: 0, max: 0o7777 }),
  uid: fc.integer({ min: -1, max: 4294967295 }),
  gid: fc.integer({ min: 0, max: 4294967295 }),
  size: fc.constant(0),
  mtime: fc.bigInt({ min: -(2n ** 75n), max: 2n ** 75n }),
  device: fc.record({ major: fc.integer({ min: 0, max: 5000 }), minor: fc.integer({ min: 0, max: 2000000 }) }),
  xattrs: fc
    .dictionary(text, fc.uint8Array({ maxLength: 40 }), { maxKeys: 2 })
    .map((all) => new Map(Object.entries(all))),
});
/** Most of the time headers that a reader takes. */
const likely = header.map(({ name, linkname, uid, gid, mtime, device, ...rest }) => ({
  ...rest,
  name: `n${name.replaceAll(/[\0]|\.\./g, "_")}`,
  linkname: `n${linkname.replaceAll("\0", "_")}`,
  uid: Math.max(0, uid) % 4294967295,
  gid: gid % 4294967295,
  mtime: mtime % 2n ** 70n,
  device: { major: device.major % 4096, minor: device.minor % 1048576 },
  xattrs: new Map<string, Uint8Array>(),
}));
const files = fc.array(
  fc.tuple(fc.oneof({ weight: 3, arbitrary: likely }, header), fc.uint8Array({ maxLength: 1500 })),
  {
    maxLength: 6,
  },
);

function archive(given: readonly File[]): ToldTar {
  return new ToldTar(async function* (tell) {
    const out = new ArchiveWriter(tell);
    for (const [each, data] of given) {
      const size = each.type === "file" ? data.length : 0;
      out.header({ ...each, size });
      if (size > 0) out.data(data);
      out.padding(size);
      if (data.length % 2 === 0) yield out.take();
    }
    yield out.end();
  });
}

/** Taken by who keeps nothing of it: memory is used again at once. */
async function bytesOf(tar: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const piece of tar) {
    all.push(Buffer.from(piece));
    letGo(piece);
  }
  return Buffer.concat(all);
}

const outcome = <T>(work: Promise<T>) => work.catch((error: unknown) => String(error));

test("entries as a reader finds them, or an error", async () => {
  await fc.assert(
    fc.asyncProperty(files, async (given) => {
      const told: TarEntry[] = [];
      const bytes = await outcome(bytesOf(archive(given).told((entry) => void told.push(entry))));
      if (typeof bytes === "string") {
        expect(bytes).toStartWith("HoyError: invalid tar archive: ");
        return;
      }
      const read = await readEverything(bytes, 700);
      const comparable = ({ name, xattrs, ...rest }: TarEntry) => ({
        ...rest,
        name: name.replace(/\/$/, ""),
        xattrs: [...xattrs].map(([key, value]) => [key, Buffer.from(value).toString("hex")]).sort(),
      });
      expect(told.map(comparable)).toEqual(read.map(({ entry }) => comparable(entry)));
      const datas = given.map(([each, data]) => (each.type === "file" ? Buffer.from(data) : Buffer.alloc(0)));
      expect(read.map(({ data }) => data.toString("hex"))).toEqual(datas.map((data) => data.toString("hex")));
    }),
    { numRuns: 400 },
  );
});

describe("a layer that was told of", () => {
  /** The bytes alone, as a stranger sends them. */
  async function* untold(tar: ToldTar): AsyncGenerator<Uint8Array, void, void> {
    for await (const piece of tar) yield Buffer.from(piece);
  }

  test("is the one that would have been read", async () => {
    await fc.assert(
      fc.asyncProperty(files, async (given) => {
        const of = async (tar: AsyncIterable<Uint8Array>) => {
          const { info, tree } = await receiveLayer(tar, {}, {});
          return encodeIndex(info, tree);
        };
        const read = await outcome(of(untold(archive(given))));
        const told = await outcome(of(archive(given)));
        // Of several errors the one is found first, or the other.
        if (read.startsWith("HoyError: ")) expect(told).toStartWith("HoyError: ");
        else expect(told).toBe(read);
      }),
      { numRuns: 400 },
    );
  });
});

test("a file's bytes from a disk, filled up where it has become shorter; large ones pass by; memory is used again", async () => {
  const directory = mkdtempSync("/tmp/hoy-writer-");
  const path = join(directory, "f");
  writeFileSync(path, "0123456789");
  const fd = openSync(path, "r");
  try {
    const large = Buffer.alloc(300_000, "L");
    const tar = new ToldTar(async function* (tell) {
      const out = new ArchiveWriter(tell);
      out.header({ ...PLAIN, name: "a", size: 4 });
      out.read(fd, 3, 4);
      out.padding(4);
      out.header({ ...PLAIN, name: "b", size: 20 });
      out.read(fd, 0, 20);
      out.padding(20);
      out.header({ ...PLAIN, name: "c", size: 600_005 });
      yield* out.through([large, Buffer.from("small"), large]);
      out.padding(600_005);
      for (let count = 0; count < 40; count++) {
        out.header({ ...PLAIN, name: `many-${count}`, size: 100_000 });
        out.data(Buffer.alloc(100_000, count));
        out.padding(100_000);
        if (out.isFull) yield out.take();
      }
      yield out.end();
    });
    const found = await readEverything(await bytesOf(tar));
    const content = (name: string) => found.find(({ entry }) => entry.name === name)?.data ?? expect.unreachable();
    expect(content("a").toString()).toBe("3456");
    expect(content("b").toString()).toBe(`0123456789${"\0".repeat(10)}`);
    expect(content("c").equals(Buffer.concat([large, Buffer.from("small"), large]))).toBe(true);
    for (let count = 0; count < 40; count++) {
      expect(content(`many-${count}`).equals(Buffer.alloc(100_000, count))).toBe(true);
    }
  } finally {
    closeSync(fd);
    rmSync(directory, { recursive: true });
  }
});
