// A new engine on the data root of an earlier one.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { paths } from "../../base/paths.ts";
import { archive, contents } from "../drivers/fixture.ts";
import { type OpenDriver, setUp } from "./set-up.ts";

export function restartContract(open: OpenDriver): void {
  describe("a restart", () => {
    test("finds layers and chains as they were", async () => {
      await using it = await setUp(open);
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
      await using it = await setUp(open);
      const id = await it.add(archive({ name: "f" }));
      const temporary = paths.temporary(it.scratch.paths);
      writeFileSync(join(temporary, "snapshot-0123"), "half");
      mkdirSync(join(temporary, "snapshot-4567/deep/er"), { recursive: true });
      writeFileSync(join(temporary, "image-of-another-part"), "");
      writeFileSync(join(paths.layers(it.scratch.paths), `${"0".repeat(64)}.idx`), "orphan");
      writeFileSync(join(paths.images(it.scratch.paths), `${"0".repeat(64)}.v0.erofs`), "of an older engine");
      const next = await open(it.scratch.paths);
      if (next.name === "erofs") expect(readdirSync(paths.images(it.scratch.paths))).toEqual([]);
      expect(readdirSync(temporary)).toEqual(["image-of-another-part"]);
      expect(existsSync(join(paths.layers(it.scratch.paths), `${"0".repeat(64)}.idx`))).toBe(false);
      expect(await next.listLayers()).toEqual([id]);
      expect(await next.hasLayer(id)).toBeDefined();
    });
  });
}
