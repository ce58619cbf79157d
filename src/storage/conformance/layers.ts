// Layers of a driver: added, known, given back, removed.

import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../base/digest.ts";
import { paths } from "../../base/paths.ts";
import { archive, contents, seen, streamOf } from "../drivers/fixture.ts";
import { leftovers, type OpenDriver, setUp } from "./set-up.ts";

export function layersContract(open: OpenDriver): void {
  describe("layers", () => {
    test("have the digest and sizes of their archive, and are cheap to add again", async () => {
      await using it = await setUp(open);
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
      await using it = await setUp(open);
      const bytes = Buffer.concat([archive({ name: "f", data: "x" }), Buffer.alloc(10240)]);
      const path = await it.driver.layerTar(await it.add(bytes));
      if (it.driver.name === "overlay") expect(path).toBeUndefined();
      else expect(readFileSync(path ?? "").equals(bytes)).toBe(true);
      expect(await it.driver.layerTar(sha256("none"))).toBeUndefined();
    });

    test("are closed to all but root: their setuid programs are nobody's outside of a container", async () => {
      await using it = await setUp(open);
      chmodSync(it.scratch.path, 0o755);
      const { lowers } = await it.chain([{ name: "su", mode: 0o4755, data: "#!/bin/sh" }]);
      const asNobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "test", "-e", join(lowers[0] ?? "", "su")];
      expect(spawnSync("setpriv", asNobody).status).toBe(1);
      expect(existsSync(join(lowers[0] ?? "", "su"))).toBe(true);
    });

    test("an archive of nothing is a layer", async () => {
      await using it = await setUp(open);
      for (const bytes of [new Uint8Array(0), new Uint8Array(1024)]) {
        const id = await it.add(bytes);
        expect(seen(await it.driver.mountChain([id]))).toEqual({});
      }
    });

    test("two that add the same at once both get it", async () => {
      await using it = await setUp(open);
      const bytes = archive({ name: "f", data: Buffer.alloc(300_000, 7) });
      const infos = await Promise.all([1, 2, 3, 4].map((n) => it.driver.addLayer(streamOf(bytes, n * 1000))));
      expect(new Set(infos.map((info) => info.diffId))).toEqual(new Set([sha256(bytes)]));
      expect(await it.driver.listLayers()).toEqual([sha256(bytes)]);
      expect(leftovers(it.scratch.paths)).toEqual([]);
    });

    test("remove frees them, twice is well, and they can come again", async () => {
      await using it = await setUp(open);
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
}
