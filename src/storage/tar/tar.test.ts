// The tar codec: against GNU tar's archives of each format, and against itself: what is written is what is read, however
// the stream is cut.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { textToRaw } from "./entry.ts";
import { archiveOf, readEverything } from "./fixture.ts";
import { TarParser } from "./parser.ts";
import type { TarHeader } from "./writer.ts";

describe("archives of GNU tar", () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync("/tmp/hoy-tar-");
    const tree = join(root, "tree");
    mkdirSync(join(tree, "d".repeat(120), "e".repeat(120)), { recursive: true });
    writeFileSync(join(tree, "d".repeat(120), "e".repeat(120), "f".repeat(200)), "deep");
    writeFileSync(join(tree, "hello"), "hello, world");
    linkSync(join(tree, "hello"), join(tree, "hello-again"));
    symlinkSync("x".repeat(300), join(tree, "long-link"));
    execFileSync("mknod", [join(tree, "null"), "c", "1", "3"]);
    execFileSync("mkfifo", [join(tree, "pipe")]);
    writeFileSync(join(tree, "nöt-ascii"), "é");
    const sparse = openSync(join(tree, "sparse"), "w");
    writeSync(sparse, Buffer.alloc(4096, "a"), 0, 4096, 65536);
    writeSync(sparse, Buffer.alloc(5000, "b"), 0, 5000, 1048576);
    for (let i = 0; i < 30; i++) writeSync(sparse, Buffer.alloc(4096, "c"), 0, 4096, 2097152 + i * 65536);
    ftruncateSync(sparse, 8388608 + 100);
    closeSync(sparse);
  });
  afterAll(() => rmSync(root, { recursive: true }));

  const formats = ["ustar-short", "gnu", "posix", "gnu-sparse", "posix-0.0", "posix-0.1", "posix-1.0"];
  test.each(formats)("%s: every entry and byte", async (format) => {
    const [kind = "", sparseVersion] = format.split("-");
    const args = ["--format", kind, "--numeric-owner", "--sort=name", "-C", join(root, "tree")];
    if (sparseVersion !== undefined && kind !== "ustar") args.push("--sparse", "--hole-detection=seek");
    if (kind === "posix" && sparseVersion !== undefined) args.push(`--sparse-version=${sparseVersion}`);
    if (kind === "ustar") args.push("--exclude=long-link", "--exclude=ddd*");
    const archive = execFileSync("tar", [...args, "-cf", "-", "."], { maxBuffer: 64 << 20 });
    const files = new Map((await readEverything(archive)).map((file) => [file.entry.name, file]));
    expect(files.get("./hello")?.data.toString()).toBe("hello, world");
    expect(files.get("./hello-again")?.entry).toMatchObject({ type: "hardlink", linkname: "./hello" });
    expect(files.get("./null")?.entry).toMatchObject({ type: "char", device: { major: 1, minor: 3 } });
    expect(files.get("./pipe")?.entry.type).toBe("fifo");
    expect(files.get("./")?.entry.type).toBe("dir");
    expect(files.get(textToRaw("./nöt-ascii"))?.data.toString()).toBe("é");
    const whole = execFileSync("cat", [join(root, "tree/sparse")], { maxBuffer: 64 << 20 });
    const sparse = files.get("./sparse");
    expect(sparse?.entry.size).toBe(whole.length);
    expect(sparse?.data.equals(whole)).toBe(true);
    expect(sparse?.entry.sparse?.length).toBe(sparseVersion !== undefined && kind !== "ustar" ? 32 : undefined);
    if (kind === "ustar") return;
    expect(files.get("./long-link")?.entry.linkname).toBe("x".repeat(300));
    const deep = `./${"d".repeat(120)}/${"e".repeat(120)}/${"f".repeat(200)}`;
    expect(files.get(deep)?.data.toString()).toBe("deep");
  });

  test("tar reads what we write", async () => {
    const archive = archiveOf(
      { header: { type: "dir", name: "d", mode: 0o1777 } },
      { header: { name: `d/${"n".repeat(250)}`, uid: 3_000_000, mtime: -2_000_000_000n }, data: Buffer.from("one") },
      { header: { name: `d/${"p".repeat(90)}/${"q".repeat(90)}`, mtime: 1_234_567_890_123_456_789n } },
      { header: { type: "hardlink", name: "h", linkname: `d/${"n".repeat(250)}` } },
      { header: { type: "symlink", name: "s", linkname: "y".repeat(101) } },
      { header: { type: "block", name: "b", device: { major: 8, minor: 300 } } },
    );
    const listing = execFileSync("tar", ["--numeric-owner", "--full-time", "--utc", "-tvf", "-"], {
      input: archive,
    }).toString();
    const lines = listing.trimEnd().split("\n");
    expect(lines.length).toBe(6);
    expect(lines[0]).toMatch(/^drwxrwxrwt 0\/0 +0 1970-01-01 00:00:00 d\/$/);
    expect(lines[1]).toMatch(/^-rw-r--r-- 3000000\/0 +3 1969-12-31 23:59:58 d\/n{250}$/);
    expect(lines[2]).toMatch(/2009-02-13 23:31:30.123456789 d\/p{90}\/q{90}$/);
    expect(lines[3]).toMatch(/^hrw-r--r--.* link to d\/n{250}$/);
    expect(lines[4]).toMatch(/^lrw.* s -> y{101}$/);
    expect(lines[5]).toMatch(/^brw-r--r-- 0\/0 +8,300 /);
  });
});

describe("law: what is written is what is read", () => {
  const name = fc.string({
    unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
    minLength: 1,
    maxLength: 300,
  });
  const header: fc.Arbitrary<TarHeader> = fc.record({
    type: fc.constantFrom("file", "dir", "symlink", "hardlink", "char", "block", "fifo"),
    name: name.map((text) => `n${text}e`),
    linkname: name,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 4294967294 }),
    gid: fc.integer({ min: 0, max: 4294967294 }),
    size: fc.constant(0),
    mtime: fc.bigInt({ min: -(10n ** 19n), max: 10n ** 20n }),
    device: fc.record({ major: fc.integer({ min: 0, max: 4095 }), minor: fc.integer({ min: 0, max: 1048575 }) }),
    xattrs: fc
      .dictionary(
        name.filter((key) => !key.includes("=")).map((key) => key.slice(0, 200)),
        fc.uint8Array({ maxLength: 80 }),
      )
      .map((record) => new Map(Object.entries(record))),
  });

  test("any header, any data, the stream cut anywhere", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(header, fc.uint8Array({ maxLength: 2000 })), { maxLength: 6 }),
        fc.integer({ min: 1, max: 3000 }),
        async (files, cut) => {
          const archive = archiveOf(
            ...files.map(([header, data]) =>
              header.type === "file" ? { header: { ...header, size: data.length }, data } : { header },
            ),
          );
          const found = await readEverything(archive, cut);
          expect(found.length).toBe(files.length);
          for (const [index, [header, data]] of files.entries()) {
            const { entry, data: read } = found[index] ?? expect.unreachable();
            const link = header.type === "symlink" || header.type === "hardlink";
            const node = header.type === "char" || header.type === "block";
            expect(entry.type).toBe(header.type);
            expect(entry.name).toBe(header.type === "dir" ? `${header.name}/` : header.name);
            expect(entry.linkname).toBe(link ? header.linkname : "");
            expect([entry.mode, entry.uid, entry.gid]).toEqual([header.mode, header.uid, header.gid]);
            expect(entry.mtime).toBe(header.mtime);
            expect(entry.device).toEqual(node ? header.device : { major: 0, minor: 0 });
            expect([...entry.xattrs.keys()].sort()).toEqual([...header.xattrs.keys()].sort());
            for (const [key, value] of header.xattrs)
              expect(Buffer.from(entry.xattrs.get(key) ?? []).equals(value)).toBe(true);
            expect(read.equals(header.type === "file" ? data : new Uint8Array(0))).toBe(true);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test("any bytes at all: entries or an error of ours, never another", () => {
    const good = archiveOf(
      { header: { name: "a".repeat(200) }, data: Buffer.alloc(700, 1) },
      { header: { name: "b" } },
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 })), { maxLength: 20 }),
        fc.nat({ max: good.length }),
        (changes, length) => {
          const bad = Buffer.from(good.subarray(0, length));
          for (const [at, value] of changes) if (at < bad.length) bad[at] = value;
          try {
            const parser = new TarParser({ entry: () => undefined });
            parser.push(bad);
            parser.end();
          } catch (error) {
            expect(String(error)).toStartWith("HoyError: invalid tar archive: ");
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
