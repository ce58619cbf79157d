// Chains of layers: later over earlier, whiteouts, opaque directories, sharing, many of them, and removal.

import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../base/digest.ts";
import { type Paths, paths } from "../../base/paths.ts";
import { type ArchiveFile, archive, contents, seen, streamOf } from "../drivers/fixture.ts";
import { type OpenDriver, setUp } from "./set-up.ts";

export function chainsContract(open: OpenDriver): void {
  describe("a chain", () => {
    test("shows later layers over earlier ones", async () => {
      await using it = await setUp(open);
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
      await using it = await setUp(open);
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
      const whiteoutsLast = above.toSorted((a, b) => Number(a.name.includes(".wh.")) - Number(b.name.includes(".wh.")));
      expect(contents((await it.chain(below, whiteoutsLast)).lowers)).toEqual(wanted);
      // And a layer above brings back what was hidden, without what was in it.
      const { lowers } = await it.chain(below, above, [{ name: "dir/" }, { name: "gone", data: "back" }]);
      expect(contents(lowers)).toEqual({ ...wanted, "dir/": "", gone: "back" });
    });

    test("of one layer shows no whiteouts, and directories that only marks and links speak of", async () => {
      await using it = await setUp(open);
      const { lowers } = await it.chain([
        { name: ".wh.gone" },
        { name: "opq/.wh..wh..opq" },
        { name: "l", type: "symlink", linkname: "via/../real" },
        { name: "l/f", data: "f" },
      ]);
      expect(contents(lowers)).toEqual({ l: "-> via/../real", "opq/": "", "real/": "", "real/f": "f", "via/": "" });
    });

    test("an opaque root hides everything below", async () => {
      await using it = await setUp(open);
      const { lowers } = await it.chain(
        [{ name: "old" }],
        [{ name: ".wh..wh..opq" }, { name: "new" }],
        [{ name: "top" }],
      );
      expect(contents(lowers)).toEqual({ new: "", top: "" });
    });

    test("directories that an archive only implies keep what a layer below says of them", async () => {
      await using it = await setUp(open);
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
      await using it = await setUp(open);
      const { ids, lowers } = await it.chain([{ name: "f" }], [{ name: "g" }]);
      const again = await Promise.all([1, 2, 3].map(() => it.driver.mountChain(ids)));
      for (const other of again) expect(other).toEqual(lowers);
      expect(await it.driver.mountChain([])).toEqual([]);
    });

    test("may have a layer twice", async () => {
      await using it = await setUp(open);
      const one: ArchiveFile[] = [{ name: "d/" }, { name: "d/f", data: "one" }];
      const { lowers } = await it.chain(one, [{ name: "d/" }, { name: "d/f", data: "two" }], one, []);
      expect(contents(lowers)).toEqual({ "d/": "", "d/f": "one" });
    });

    test("may have 127 layers", async () => {
      await using it = await setUp(open);
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
      await using it = await setUp(open);
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
      await using it = await setUp(open);
      const id = await it.add(archive({ name: "f" }));
      await expect(it.driver.mountChain([id, sha256("none")])).rejects.toMatchObject({ code: "not-found" });
      expect(it.scratch.mounts()).toEqual([]);
    });

    test("removed, it leaves no mount and no file, and may be mounted again", async () => {
      await using it = await setUp(open);
      const { ids } = await it.chain([{ name: "a/", mode: 0o700 }], [{ name: "a/f" }]);
      await it.driver.removeChain(ids);
      await it.driver.removeChain(ids);
      expect(it.scratch.mounts()).toEqual([]);
      expect(readdirSync(paths.images(it.scratch.paths))).toEqual([]);
      expect(contents(await it.driver.mountChain(ids))).toEqual({ "a/": "", "a/f": "" });
    });
  });
}
