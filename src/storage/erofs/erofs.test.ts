// The EROFS writer, checked by the kernel's own reader and by fsck.erofs; needs root. What a whole layer looks like is
// in the drivers' conformance test; here are the corners of the format.

import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { digestHex } from "../../base/digest.ts";
import { ErofsDriver } from "../drivers/erofs.ts";
import { type ArchiveFile, archive, collect, describeTree, Scratch, streamOf } from "../drivers/fixture.ts";
import { LayerBuilder } from "../layer/build.ts";
import { mergeLayers } from "../layer/merge.ts";
import { TarParser } from "../tar/parser.ts";
import { readTar } from "../tar/reader.ts";
import { openContainerTree } from "../tree/container-tree.ts";
import { treeTar } from "../tree/tree-tar.ts";
import { planChunks } from "./chunks.ts";
import { crc32c, encodeDevice } from "./format.ts";
import { buildImage } from "./image.ts";

function imageOf(tar: Uint8Array, blockBits = 9): Promise<Buffer> {
  const builder = new LayerBuilder();
  const parser = new TarParser({ entry: (entry) => builder.add(entry) });
  parser.push(tar);
  parser.end();
  const layers = [{ tag: "0".repeat(64), tarSize: tar.length, read: () => expect.unreachable() }];
  const tree = builder.finish();
  return buildImage(mergeLayers([{ tree, source: 0 }]), layers, { blockBits, uuid: new Uint8Array(16) });
}

/** What the kernel shows of an archive's layer. */
async function mounted<T>(tar: Uint8Array, look: (root: number, path: string) => T): Promise<Awaited<T>> {
  await using scratch = new Scratch();
  const driver = await ErofsDriver.open(scratch.paths);
  const { diffId } = await driver.addLayer(streamOf(tar));
  const lowers = await driver.mountChain([diffId]);
  using root = openContainerTree({ lowers });
  const result = await look(root.fd, lowers[0] ?? "");
  expect(lowers[0]).toContain(digestHex(diffId));
  return result;
}

test("crc32c and device numbers are as the kernel has them", () => {
  // RFC 3720, B.4: 32 bytes of zeros; the kernel's form is not inverted at the end.
  expect((crc32c(new Uint8Array(32)) ^ 0xffffffff) >>> 0).toBe(0x8a9136aa);
  expect(encodeDevice({ major: 8, minor: 1 })).toBe(0x801);
  expect(encodeDevice({ major: 4095, minor: 1048575 })).toBe(0xffffffff);
});

test("the same archive gives the same image, byte for byte", async () => {
  const files: ArchiveFile[] = [
    { name: "b", data: "b" },
    { name: "a/" },
    {
      name: "a/z",
      xattrs: new Map([
        ["user.two", Buffer.from("2")],
        ["user.one", Buffer.from("1")],
      ]),
    },
    { name: "a/y", type: "symlink", linkname: "z" },
  ];
  expect((await imageOf(archive(...files))).equals(await imageOf(archive(...files)))).toBe(true);
  // The order of entries without data changes nothing either.
  const [first, ...rest] = files;
  const turned = [first ?? { name: "" }, ...rest.slice(0, 1), ...rest.slice(1).reverse()];
  expect((await imageOf(archive(...turned))).equals(await imageOf(archive(...files)))).toBe(true);
});

describe("fsck.erofs", () => {
  // Debian 12's erofs-utils know only blocks of 4096 bytes, so this is an image without file data, at that size.
  test("finds an image sound: directories, links, devices, attributes", async () => {
    await using scratch = new Scratch();
    const files: ArchiveFile[] = [{ name: "./", mode: 0o755 }];
    for (let n = 0; n < 700; n++) files.push({ name: `d${n % 7}/${"n".repeat(n % 200)}-${n}/` });
    for (let n = 1; n < 300; n += 7) files.push({ name: `s${n}`, type: "symlink", linkname: "t".repeat(n * 13) });
    files.push({ name: "null", type: "char", device: { major: 1, minor: 3 } }, { name: "p", type: "fifo" });
    files.push({ name: "h", type: "hardlink", linkname: "p" }, { name: "empty" });
    files.push({
      name: "x",
      xattrs: new Map([
        ["user.a", Buffer.alloc(3000, 1)],
        ["security.b", Buffer.from("b")],
      ]),
    });
    const path = join(scratch.path, "image");
    writeFileSync(path, await imageOf(archive(...files), 12));
    const fsck = spawnSync("fsck.erofs", ["-d3", path]);
    expect(fsck.stderr.toString() + fsck.stdout.toString()).toContain("No error");
    expect(fsck.status).toBe(0);
  });
});

describe("the kernel reads", () => {
  test("every length of link and name around the borders of blocks", async () => {
    const files: ArchiveFile[] = [];
    for (let n = 1; n <= 255; n++) files.push({ name: "n".repeat(n), data: `${n}` });
    for (let n = 300; n < 560; n++) files.push({ name: `link-${n}`, type: "symlink", linkname: "t".repeat(n) });
    const tree = await mounted(archive(...files), (root) => describeTree(root));
    expect(Object.keys(tree).length).toBe(files.length);
    for (let n = 300; n < 560; n++) expect(tree[`link-${n}`]).toContain(`-> ${"t".repeat(n)} links`);
  });

  test("a directory of 20,000 names", async () => {
    const files = Array.from(
      { length: 20_000 },
      (_, n): ArchiveFile => ({ name: `big/${(n * 7919) % 20_000}-name`, data: "x" }),
    );
    const found = await mounted(archive(...files), (root) => Object.keys(describeTree(root)));
    expect(found.length).toBe(20_001);
    expect(found).toEqual(["big", ...files.map((file) => file.name)].sort());
  }, 30_000);

  test("large attributes, many of them, of several kinds", async () => {
    const xattrs = new Map<string, Uint8Array>([
      ["trusted.t", Buffer.from("t")],
      ["user.empty", Buffer.alloc(0)],
    ]);
    for (let n = 0; n < 40; n++) xattrs.set(`user.${"k".repeat(n)}${n}`, Buffer.alloc(n * 40, n));
    xattrs.set("security.capability", Buffer.from("0100000200300000000000000000000000000000", "hex"));
    xattrs.set(
      "system.posix_acl_access",
      Buffer.from("0200000001000600ffffffff020004000a00000004000400ffffffff10000400ffffffff20000400ffffffff", "hex"),
    );
    const tree = await mounted(archive({ name: "f", data: "f", xattrs }), (root) => describeTree(root));
    for (const [name, value] of xattrs) expect(tree.f).toContain(`${name}=${Buffer.from(value).toString("hex")} `);
  });

  test("sparse files, cut on blocks and inside of them", async () => {
    const pieces: [number, number][][] = [
      [
        [0, 512],
        [1024, 512],
      ],
      [
        [512, 1024],
        [4096, 100],
      ],
      [[100, 50]],
      [
        [0, 1],
        [2, 1],
        [511, 2],
        [5000, 3000],
      ],
      [[700_000, 1]],
      [],
    ];
    const parts: Buffer[] = [];
    for (const [index, map] of pieces.entries()) {
      const stored = map.reduce((sum, [, length]) => sum + length, 0);
      const records = [
        `GNU.sparse.map=${[...map.flat(), 700_001, 0].join(",")}`,
        "GNU.sparse.size=700001",
        `GNU.sparse.name=f${index}`,
      ];
      const body = records.map((record) => {
        let length = record.length + 3;
        while (`${length} ${record}\n`.length !== length) length++;
        return `${length} ${record}\n`;
      });
      const header = archive({ name: "pax", data: body.join("") }).subarray(0, -1024);
      header.write("x", 156);
      header.fill(0x20, 148, 156);
      const sum = header.subarray(0, 512).reduce((total, byte) => total + byte, 0);
      header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
      const data = Buffer.from(Array.from({ length: stored }, (_, n) => ((n * 13 + index) % 251) + 1));
      parts.push(header, archive({ name: "sparse", data }).subarray(0, -1024));
    }
    const tar = Buffer.concat([...parts, new Uint8Array(1024)]);
    const wanted: Record<string, Buffer> = {};
    for await (const { entry, data } of readTar(streamOf(tar))) wanted[entry.name] = await collect(data);
    expect(Object.keys(wanted)).toEqual(["f0", "f1", "f2", "f3", "f4", "f5"]);
    await mounted(tar, async (root) => {
      for await (const { entry, data } of readTar(treeTar(root, "/", { as: "" }))) {
        expect((await collect(data)).equals(wanted[entry.name] ?? Buffer.alloc(0))).toBe(true);
      }
    });
  });

  test("a file of 8 TiB of holes is not a bomb", () => {
    const inode = { size: 2 ** 43, sparse: [] } as const;
    const rest = {
      type: "file",
      mode: 0,
      uid: 0,
      gid: 0,
      mtime: 0n,
      xattrs: new Map(),
      target: "",
      device: { major: 0, minor: 0 },
      offset: 0,
    } as const;
    expect(planChunks({ ...rest, ...inode }, 512).count).toBeLessThanOrEqual(8);
    const cut = [{ offset: 2 ** 42 + 512, length: 512 }];
    expect(() => planChunks({ ...rest, size: 2 ** 43, sparse: cut }, 512)).toThrow(/too many pieces/);
  });
});

describe("law: tar → index → kernel → tar is the identity", () => {
  const part = fc
    .string({
      unit: fc
        .integer({ min: 1, max: 255 })
        .filter((code) => code !== 47)
        .map((code) => String.fromCharCode(code)),
      minLength: 1,
      maxLength: 60,
    })
    .filter((name) => name !== "." && name !== ".." && !name.startsWith(".wh."));
  const common = {
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 4294967294 }),
    gid: fc.integer({ min: 0, max: 4294967294 }),
    mtime: fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
  };
  const attributes = fc
    .dictionary(
      fc.stringMatching(/^[a-z]{1,20}$/).map((key) => `user.${key}`),
      fc.uint8Array({ maxLength: 300 }),
      { maxKeys: 4 },
    )
    .map((record) => new Map(Object.entries(record)));
  const file = fc.record({
    ...common,
    type: fc.constant("file" as const),
    data: fc.uint8Array({ maxLength: 3000 }),
    xattrs: attributes,
  });
  const directory = fc.record({ ...common, type: fc.constant("dir" as const), xattrs: attributes });
  const link = fc.record({
    ...common,
    mode: fc.constant(0o777),
    type: fc.constant("symlink" as const),
    linkname: fc.stringMatching(/^[!-~]{1,600}$/),
  });
  const node = fc.record({
    ...common,
    type: fc.constantFrom("char" as const, "block" as const),
    device: fc.record({ major: fc.integer({ min: 1, max: 4095 }), minor: fc.integer({ min: 0, max: 1048575 }) }),
  });
  const fifo = fc.record({ ...common, type: fc.constant("fifo" as const) });
  const entries = fc.dictionary(part, fc.oneof(file, directory, link, node, fifo), { maxKeys: 12 });

  test("for any files in any directories", async () => {
    await fc.assert(
      fc.asyncProperty(entries, entries, part, async (top, inner, name) => {
        const files: ArchiveFile[] = Object.entries(top).map(([path, entry]) => ({ ...entry, name: path }));
        if (top[name] === undefined || top[name].type === "dir") {
          if (top[name] === undefined) files.push({ name, type: "dir" });
          for (const [path, entry] of Object.entries(inner)) files.push({ ...entry, name: `${name}/${path}` });
        }
        files.sort((a, b) => (a.name < b.name ? -1 : 1));
        // The walk gives a directory's contents right after it, so that is the order to start from.
        const ordered = inTreeOrder(files);
        const tar = archive(...ordered);
        const back = await mounted(tar, (root) => collect(treeTar(root, "/", { as: "" })));
        expect(back.equals(tar)).toBe(true);
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  function inTreeOrder(files: readonly ArchiveFile[]): ArchiveFile[] {
    const top = files.filter((each) => !each.name.includes("/"));
    return top.flatMap((each) => [each, ...files.filter((inner) => inner.name.startsWith(`${each.name}/`))]);
  }
});
