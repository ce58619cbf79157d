// The contract of snapshot drivers, as a test that each of them runs: what a layer is, what a chain shows, and that
// nothing half-made stays. What is seen is looked at through an overlay, as a container does.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Digest, sha256 } from "../base/digest.ts";
import { type Paths, paths } from "../base/paths.ts";
import { type ArchiveFile, archive, contents, describeDirectory, Scratch, seen, streamOf } from "./drivers/fixture.ts";
import { richTree } from "./drivers/rich-tree.ts";
import type { SnapshotDriver } from "./snapshot.ts";

export function snapshotConformance(name: string, open: (where: Paths) => Promise<SnapshotDriver>): void {
  describe(`snapshot driver ${name}`, () => {
    let reference: string;
    beforeAll(() => {
      reference = mkdtempSync("/tmp/hoy-reference-");
    });
    afterAll(() => rmSync(reference, { recursive: true }));

    const setUp = async () => {
      const scratch = new Scratch();
      const driver = await open(scratch.paths);
      const add = async (bytes: Uint8Array) => (await driver.addLayer(streamOf(bytes))).diffId;
      const chain = async (...layers: readonly (readonly ArchiveFile[])[]) => {
        const ids: Digest[] = [];
        for (const files of layers) ids.push(await add(archive(...files)));
        return { ids, lowers: await driver.mountChain(ids) };
      };
      return { scratch, driver, add, chain, [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose]() };
    };

    describe("layers", () => {
      test("have the digest and sizes of their archive, and are cheap to add again", async () => {
        await using it = await setUp();
        const bytes = archive(
          { name: "a/" },
          { name: "a/b", data: "12345" },
          { name: "a/c", type: "hardlink", linkname: "a/b" },
        );
        const info = await it.driver.addLayer(streamOf(bytes, 100));
        expect(info).toEqual({ diffId: sha256(bytes), tarSize: bytes.length, size: 5, entries: 3 });
        expect(await it.driver.hasLayer(info.diffId)).toEqual(info);
        expect(await it.driver.listLayers()).toEqual([info.diffId]);
        expect(await it.driver.addLayer(streamOf(bytes))).toEqual(info);
        let read = false;
        const untouched = (async function* () {
          read = true;
          yield bytes;
        })();
        expect(await it.driver.addLayer(untouched, { expected: info.diffId })).toEqual(info);
        expect(read).toBe(false);
      });

      test("give their archive back byte for byte, or say that they can't", async () => {
        await using it = await setUp();
        const bytes = Buffer.concat([archive({ name: "f", data: "x" }), Buffer.alloc(10240)]);
        const path = await it.driver.layerTar(await it.add(bytes));
        if (it.driver.name === "overlay") expect(path).toBeUndefined();
        else expect(readFileSync(path ?? "").equals(bytes)).toBe(true);
        expect(await it.driver.layerTar(sha256("none"))).toBeUndefined();
      });

      test("an archive of nothing is a layer", async () => {
        await using it = await setUp();
        for (const bytes of [new Uint8Array(0), new Uint8Array(1024)]) {
          const id = await it.add(bytes);
          expect(seen(await it.driver.mountChain([id]))).toEqual({});
        }
      });

      test("two that add the same at once both get it", async () => {
        await using it = await setUp();
        const bytes = archive({ name: "f", data: Buffer.alloc(300_000, 7) });
        const infos = await Promise.all([1, 2, 3, 4].map((n) => it.driver.addLayer(streamOf(bytes, n * 1000))));
        expect(new Set(infos.map((info) => info.diffId))).toEqual(new Set([sha256(bytes)]));
        expect(await it.driver.listLayers()).toEqual([sha256(bytes)]);
        expect(leftovers(it.scratch.paths)).toEqual([]);
      });

      test("remove frees them, twice is well, and they can come again", async () => {
        await using it = await setUp();
        const bytes = archive({ name: "f", data: "x" });
        const id = await it.add(bytes);
        await it.driver.removeLayer(id);
        await it.driver.removeLayer(id);
        expect(await it.driver.hasLayer(id)).toBeUndefined();
        expect(await it.driver.listLayers()).toEqual([]);
        expect(readdirSync(paths.layers(it.scratch.paths))).toEqual([]);
        await it.add(bytes);
        expect(contents(await it.driver.mountChain([id]))).toEqual({ f: "x" });
      });
    });

    describe("a tree", () => {
      test.each(["gnu", "posix", "gnu-sparse", "posix-sparse"])(
        "is what tar -x makes of the same archive (%s): types, modes, owners, times, attributes, links, holes",
        async (format) => {
          await using it = await setUp();
          const source = join(reference, format);
          richTree(source);
          const [kind = "", sparse] = format.split("-");
          const args = ["--format", kind, "--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls", "-C", source];
          if (kind === "gnu") args.splice(args.indexOf("--xattrs"), 3);
          if (sparse !== undefined) args.unshift("--sparse");
          const bytes = execFileSync("tar", [...args, "-cf", "-", "."], { maxBuffer: 256 << 20 });
          const unpacked = join(reference, `${format}-unpacked`);
          mkdirSync(unpacked);
          execFileSync(
            "tar",
            ["--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls", "-xpf", "-", "-C", unpacked],
            {
              input: bytes,
            },
          );
          const wanted = describeDirectory(unpacked);
          expect(Object.keys(wanted).length).toBeGreaterThan(900);
          const lowers = await it.driver.mountChain([await it.add(bytes)]);
          expect(seen(lowers)).toEqual(wanted);
        },
        60_000,
      );

      test("of a directory of this machine is the same", async () => {
        await using it = await setUp();
        const bytes = execFileSync("tar", ["--numeric-owner", "--format=posix", "-C", "/", "-cf", "-", "etc"], {
          maxBuffer: 256 << 20,
        });
        const unpacked = join(reference, "etc");
        mkdirSync(unpacked);
        execFileSync("tar", ["--numeric-owner", "-xpf", "-", "-C", unpacked], { input: bytes });
        expect(seen(await it.driver.mountChain([await it.add(bytes)]))).toEqual(describeDirectory(unpacked));
      });

      test("keeps what is set on its root", async () => {
        await using it = await setUp();
        const { lowers } = await it.chain([
          { name: "./", mode: 0o1711, uid: 5, gid: 6, mtime: 123_456_789n },
          { name: "f" },
        ]);
        const status = execFileSync("stat", ["-c", "%a %u %g %.Y", lowers[0] ?? ""])
          .toString()
          .trim();
        expect(status).toStartWith("1711 5 6 0.123456789");
      });
    });

    describe("a chain", () => {
      test("shows later layers over earlier ones", async () => {
        await using it = await setUp();
        const { lowers } = await it.chain(
          [
            { name: "d/", mode: 0o700 },
            { name: "d/one", data: "1" },
            { name: "d/two", data: "2" },
            { name: "f", data: "f" },
          ],
          [{ name: "d/" }, { name: "d/two", data: "two" }, { name: "f/" }, { name: "f/in", data: "in" }],
          [{ name: "d/", mode: 0o711 }, { name: "d/one/" }, { name: "l", type: "symlink", linkname: "d" }],
        );
        expect(contents(lowers)).toEqual({ "d/": "", "d/one/": "", "d/two": "two", "f/": "", "f/in": "in", l: "-> d" });
        expect(seen(lowers).d).toStartWith("40711 0:0 ");
      });

      test("applies whiteouts and opaque directories, in whatever order the archive has them", async () => {
        await using it = await setUp();
        const below: ArchiveFile[] = [
          { name: "keep", data: "k" },
          { name: "gone", data: "g" },
          { name: "dir/" },
          { name: "dir/old", data: "o" },
          { name: "opq/" },
          { name: "opq/old", data: "o" },
          { name: "again/" },
          { name: "again/old", data: "o" },
          { name: "tree/deep/er/", type: "dir" },
        ];
        const above: ArchiveFile[] = [
          { name: ".wh.gone" },
          { name: ".wh.dir" },
          { name: "opq/" },
          { name: "opq/.wh..wh..opq" },
          { name: "opq/new", data: "n" },
          { name: ".wh.again" },
          { name: "again/" },
          { name: "again/new", data: "n" },
          { name: ".wh.never-there" },
          { name: "tree/deep/.wh.er" },
        ];
        const wanted = {
          keep: "k",
          "opq/": "",
          "opq/new": "n",
          "again/": "",
          "again/new": "n",
          "tree/": "",
          "tree/deep/": "",
        };
        expect(contents((await it.chain(below, above)).lowers)).toEqual(wanted);
        const whiteoutsLast = above.toSorted(
          (a, b) => Number(a.name.includes(".wh.")) - Number(b.name.includes(".wh.")),
        );
        expect(contents((await it.chain(below, whiteoutsLast)).lowers)).toEqual(wanted);
        // And a layer above brings back what was hidden, without what was in it.
        const { lowers } = await it.chain(below, above, [{ name: "dir/" }, { name: "gone", data: "back" }]);
        expect(contents(lowers)).toEqual({ ...wanted, "dir/": "", gone: "back" });
      });

      test("an opaque root hides everything below", async () => {
        await using it = await setUp();
        const { lowers } = await it.chain(
          [{ name: "old" }],
          [{ name: ".wh..wh..opq" }, { name: "new" }],
          [{ name: "top" }],
        );
        expect(contents(lowers)).toEqual({ new: "", top: "" });
      });

      test("directories that an archive only implies keep what a layer below says of them", async () => {
        await using it = await setUp();
        const { lowers } = await it.chain(
          [
            { name: "a/", mode: 0o1777, uid: 7 },
            { name: "a/b/", mode: 0o700, gid: 9 },
            { name: "c/", mode: 0o710 },
          ],
          [
            { name: "a/b/file", data: "x" },
            { name: "fresh/file", data: "y" },
          ],
          [{ name: "c/", mode: 0o711 }],
          [{ name: "c/file", data: "z" }],
        );
        const tree = seen(lowers);
        expect(tree.a).toStartWith("41777 7:0 1700000000000000000");
        expect(tree["a/b"]).toStartWith("40700 0:9 ");
        expect(tree.c).toStartWith("40711 0:0 ");
        expect(tree.fresh).toStartWith("40755 0:0 0");
        expect(contents(lowers)).toMatchObject({ "a/b/file": "x", "fresh/file": "y", "c/file": "z" });
      });

      test("is shared: asked again, also all at once, it is the same directories", async () => {
        await using it = await setUp();
        const { ids, lowers } = await it.chain([{ name: "f" }], [{ name: "g" }]);
        const again = await Promise.all([1, 2, 3].map(() => it.driver.mountChain(ids)));
        for (const other of again) expect(other).toEqual(lowers);
        expect(await it.driver.mountChain([])).toEqual([]);
      });

      test("may have a layer twice", async () => {
        await using it = await setUp();
        const one: ArchiveFile[] = [{ name: "d/" }, { name: "d/f", data: "one" }];
        const { lowers } = await it.chain(one, [{ name: "d/" }, { name: "d/f", data: "two" }], one, []);
        expect(contents(lowers)).toEqual({ "d/": "", "d/f": "one" });
      });

      test("may have 127 layers", async () => {
        await using it = await setUp();
        const layers = Array.from({ length: 127 }, (_, n): ArchiveFile[] => [
          { name: `own-${n}`, data: `${n}` },
          { name: "shared", data: `${n}` },
          ...(n > 0 ? [{ name: `.wh.own-${n - 1}` }] : []),
        ]);
        // Every tenth file is kept.
        const kept = layers.map((files, n) => ((n - 1) % 10 === 0 ? files.slice(0, 2) : files));
        const { ids, lowers } = await it.chain(...kept);
        const found = contents(lowers);
        expect(found.shared).toBe("126");
        for (let n = 0; n < 126; n += 10) expect(found[`own-${n}`]).toBe(`${n}`);
        expect(Object.keys(found).length).toBe(15);
        await it.driver.removeChain(ids);
      }, 60_000);

      test("may be in a data root of a long name", async () => {
        await using it = await setUp();
        const deep = join(it.scratch.path, "l".repeat(200), "m".repeat(100));
        const where: Paths = { data: join(deep, "data"), run: join(it.scratch.path, "run") };
        const driver = await open(where);
        const one = await driver.addLayer(streamOf(archive({ name: "f", data: "1" })));
        const two = await driver.addLayer(streamOf(archive({ name: "g", data: "2" })));
        const ids = [one.diffId, two.diffId];
        expect(contents(await driver.mountChain(ids))).toEqual({ f: "1", g: "2" });
        await driver.removeChain(ids);
      });

      test("is refused when a layer of it is not there", async () => {
        await using it = await setUp();
        const id = await it.add(archive({ name: "f" }));
        await expect(it.driver.mountChain([id, sha256("none")])).rejects.toMatchObject({ code: "not-found" });
        expect(it.scratch.mounts()).toEqual([]);
      });

      test("removed, it leaves no mount and no file, and may be mounted again", async () => {
        await using it = await setUp();
        const { ids } = await it.chain([{ name: "a/", mode: 0o700 }], [{ name: "a/f" }]);
        await it.driver.removeChain(ids);
        await it.driver.removeChain(ids);
        expect(it.scratch.mounts()).toEqual([]);
        expect(readdirSync(paths.images(it.scratch.paths))).toEqual([]);
        expect(contents(await it.driver.mountChain(ids))).toEqual({ "a/": "", "a/f": "" });
      });
    });

    describe("a restart", () => {
      test("finds layers and chains as they were", async () => {
        await using it = await setUp();
        const { ids, lowers } = await it.chain([{ name: "f", data: "1" }], [{ name: "g", data: "2" }]);
        const mounts = it.scratch.mounts();
        const next = await open(it.scratch.paths);
        expect(await next.mountChain(ids)).toEqual(lowers);
        expect(it.scratch.mounts()).toEqual(mounts);
        expect(contents(lowers)).toEqual({ f: "1", g: "2" });
        expect((await next.listLayers()).sort()).toEqual([...ids].sort());
        await next.removeChain(ids);
        expect(it.scratch.mounts()).toEqual([]);
      });

      test("removes what was half-made, and only that", async () => {
        await using it = await setUp();
        const id = await it.add(archive({ name: "f" }));
        const temporary = paths.temporary(it.scratch.paths);
        writeFileSync(join(temporary, "snapshot-0123"), "half");
        mkdirSync(join(temporary, "snapshot-4567/deep/er"), { recursive: true });
        writeFileSync(join(temporary, "image-of-another-part"), "");
        writeFileSync(join(paths.layers(it.scratch.paths), `${"0".repeat(64)}.idx`), "orphan");
        const next = await open(it.scratch.paths);
        expect(readdirSync(temporary)).toEqual(["image-of-another-part"]);
        expect(existsSync(join(paths.layers(it.scratch.paths), `${"0".repeat(64)}.idx`))).toBe(false);
        expect(await next.listLayers()).toEqual([id]);
        expect(await next.hasLayer(id)).toBeDefined();
      });
    });

    describe("hostile archives", () => {
      const link = (name: string, linkname: string): ArchiveFile => ({ name, type: "symlink", linkname });
      const hard = (name: string, linkname: string): ArchiveFile => ({ name, type: "hardlink", linkname });
      const refused: [string, Uint8Array, RegExp][] = [
        ["..", archive({ name: "../escape", data: "x" }), /"\.\."/],
        [".. in the middle", archive({ name: "a/" }, { name: "a/../../escape" }), /"\.\."/],
        ["a file as a directory", archive({ name: "f" }, { name: "f/g" }), /not a directory/],
        ["links in a circle", archive(link("a", "b"), link("b", "a"), { name: "a/f" }), /too many links/],
        ["a hard link to a file outside", archive(hard("h", "/etc/passwd")), /not in the layer/],
        ["a hard link by ..", archive(hard("h", "../../../etc/passwd")), /"\.\."/],
        ["a hard link through a link", archive(link("l", "/etc"), hard("h", "l/passwd")), /not in the layer/],
        ["a hard link to a directory", archive({ name: "d/" }, hard("h", "d")), /a directory/],
        ["a file as the root", archive({ name: "." }), /root is not a directory/],
        ["a part of 256 bytes", archive({ name: "n".repeat(256) }), /longer than 255/],
        ["a whiteout of nothing", archive({ name: "d/.wh." }), /whiteout/],
        ["a whiteout of ..", archive({ name: "d/.wh..." }), /whiteout/],
        ["something in a whiteout", archive({ name: ".wh.d/f" }), /inside a whiteout/],
        [
          "a capability that is none",
          archive({ name: "f", xattrs: new Map([["security.capability", Buffer.from("x")]]) }),
          /capability/,
        ],
        ["half an archive", archive({ name: "f", data: "x".repeat(2000) }).subarray(0, 1500), /unexpected end/],
        ["no archive", Buffer.from("<html>not found</html>".repeat(100)), /checksum/],
      ];
      test.each(refused)("%s: refused, and nothing stays", async (_, bytes, message) => {
        await using it = await setUp();
        let thrown: unknown;
        try {
          await it.add(bytes);
        } catch (error) {
          thrown = error;
        }
        expect(thrown).toMatchObject({ name: "HoyError", code: "invalid" });
        expect(String(thrown)).toMatch(message);
        expect(await it.driver.listLayers()).toEqual([]);
        expect(leftovers(it.scratch.paths)).toEqual([]);
        expect(readdirSync(it.scratch.path).sort()).toEqual(
          ["data", "run"].filter((n) => existsSync(join(it.scratch.path, n))),
        );
      });

      test("names and links that lead out end inside", async () => {
        await using it = await setUp();
        const outside = join(it.scratch.path, "outside");
        mkdirSync(outside);
        const { lowers } = await it.chain([
          { name: "/abs", data: "abs" },
          link("out", outside),
          { name: "out/file", data: "in" },
          link("up", "../../../../../../../../tmp"),
          { name: "up/file", data: "tmp" },
          link("self", "/real"),
          { name: "self/f", data: "s" },
          { name: "real/", mode: 0o700 },
        ]);
        expect(readdirSync(outside)).toEqual([]);
        expect(existsSync("/abs")).toBe(false);
        const found = contents(lowers);
        expect(found).toMatchObject({ abs: "abs", "tmp/file": "tmp", "real/f": "s", "real/": "" });
        expect(found[`${outside.slice(1)}/file`]).toBe("in");
      });

      test("a link that a later entry replaces is no way out either", async () => {
        await using it = await setUp();
        const { lowers } = await it.chain([
          { name: "d/" },
          { name: "d/f", data: "old" },
          link("d", "/etc"),
          { name: "d/made", data: "in" },
          { name: "etc/", mode: 0o711 },
          { name: "etc", data: "now a file" },
        ]);
        expect(contents(lowers)).toEqual({ d: "-> /etc", etc: "now a file" });
        expect(existsSync("/etc/made")).toBe(false);
      });

      test("overlay's own attributes and devices have no power from inside an archive", async () => {
        await using it = await setUp();
        const marks = new Map([
          ["trusted.overlay.redirect", Buffer.from("/secret")],
          ["trusted.overlay.opaque", Buffer.from("y")],
          ["user.kept", Buffer.from("1")],
        ]);
        const { lowers } = await it.chain(
          [
            { name: "d/" },
            { name: "d/below", data: "b" },
            { name: "secret/" },
            { name: "secret/s", data: "s" },
            { name: "w" },
          ],
          [
            { name: "d/", xattrs: marks },
            { name: "w", type: "char", device: { major: 0, minor: 0 } },
          ],
        );
        expect(contents(lowers)).toEqual({ "d/": "", "d/below": "b", "secret/": "", "secret/s": "s" });
        expect(seen(lowers).d).toContain("user.kept=31");
      });

      test("a wrong digest: refused with both named, and nothing stays", async () => {
        await using it = await setUp();
        const bytes = archive({ name: "f" });
        const expected = sha256("something else");
        const adding = it.driver.addLayer(streamOf(bytes), { expected });
        await expect(adding).rejects.toMatchObject({
          code: "invalid",
          message: `wrong digest of a layer: expected ${expected}, got ${sha256(bytes)}`,
        });
        expect(await it.driver.listLayers()).toEqual([]);
        expect(leftovers(it.scratch.paths)).toEqual([]);
      });

      test("a stream that breaks, and one that is called off", async () => {
        await using it = await setUp();
        const bytes = archive({ name: "f", data: "x".repeat(100_000) });
        const broken = (async function* () {
          yield bytes.subarray(0, 5000);
          throw new Error("the connection was reset");
        })();
        await expect(it.driver.addLayer(broken)).rejects.toThrow("the connection was reset");
        const controller = new AbortController();
        const slow = (async function* () {
          for await (const piece of streamOf(bytes, 10_000)) {
            controller.abort();
            yield piece;
          }
        })();
        const adding = it.driver.addLayer(slow, { signal: controller.signal });
        await expect(adding).rejects.toMatchObject({ code: "cancelled" });
        expect(await it.driver.listLayers()).toEqual([]);
        expect(leftovers(it.scratch.paths)).toEqual([]);
      });

      test("a full disk: said, nothing stays, and what fits still goes", async () => {
        await using it = await setUp();
        const small: Paths = { data: join(it.scratch.path, "small"), run: join(it.scratch.path, "small-run") };
        mkdirSync(small.data);
        const disk = join(it.scratch.path, "disk");
        writeFileSync(disk, "");
        truncateSync(disk, 4 << 20);
        execFileSync("mkfs.ext4", ["-q", disk]);
        execFileSync("mount", ["-o", "loop", disk, small.data]);
        const driver = await open(small);
        const large = archive({ name: "f", data: Buffer.alloc(5_000_000, 1) });
        await expect(driver.addLayer(streamOf(large))).rejects.toMatchObject({ code: "ENOSPC" });
        expect(leftovers(small)).toEqual([]);
        const fits = archive({ name: "f", data: Buffer.alloc(500_000, 1) });
        const { diffId } = await driver.addLayer(streamOf(fits));
        expect(Object.keys(contents(await driver.mountChain([diffId])))).toEqual(["f"]);
        await driver.removeChain([diffId]);
      });

      test("a million and one entries: too large, and said before the disk is full", async () => {
        await using it = await setUp();
        const block = archive({ name: ".wh.same" }).subarray(0, 512);
        const many = Buffer.alloc(512 * 2048);
        for (let at = 0; at < many.length; at += 512) many.set(block, at);
        let sent = 0;
        const endless = (async function* () {
          for (;;) {
            sent += many.length;
            yield many;
          }
        })();
        const adding = it.driver.addLayer(endless);
        await expect(adding).rejects.toMatchObject({ code: "too-large" });
        expect(sent).toBeLessThan(600 * 1024 * 1024);
        expect(leftovers(it.scratch.paths)).toEqual([]);
      }, 120_000);
    });
  });
}

/** What is in the places for half-made things, and in the layers' place without being a layer. */
function leftovers(where: Paths): string[] {
  const layers = readdirSync(paths.layers(where));
  const orphans = layers.filter((name) => name.endsWith(".idx") && layers.length === 1);
  return [...readdirSync(paths.temporary(where)), ...orphans];
}
