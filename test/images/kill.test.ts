// kill -9 anywhere in a load or a removal: the next start finds every image whole or not at all, and nothing besides.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { type DriverName, probeDriver } from "../../src/storage/drivers/open.ts";
import { baseTar } from "../harness/images.ts";
import { drain, importOptions, leftOf, NEVER, once, openHouse } from "./house.ts";

const ROUNDS = 12;
const asRoot = process.getuid?.() === 0;
const erofs = asRoot && (await probeDriver(tmpdir())).driver === "erofs";
const drivers: readonly DriverName[] = erofs ? ["erofs", "overlay"] : ["overlay"];

const roots: string[] = [];
afterAll(async () => {
  for (const root of roots) await rm(root, { recursive: true, force: true });
});

async function directory(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "hoy-test-kill-"));
  roots.push(root);
  return root;
}

/** Two images that share a layer. */
async function makeArchive(driver: DriverName, path: string): Promise<void> {
  const { where, images } = await openHouse(driver, await directory());
  const tar = await baseTar();
  await drain(await images.import(importOptions("one"), once(tar), NEVER));
  await drain(await images.import({ ...importOptions("two"), changes: ["ENV A=2"] }, once(tar), NEVER));
  const chunks: Uint8Array[] = [];
  for await (const chunk of await images.save(["one", "two"], { platform: undefined }, NEVER))
    chunks.push(chunk.slice());
  await writeFile(path, Buffer.concat(chunks));
  for (const name of ["one", "two"]) await images.remove(name, { force: true, prune: true });
  expect(leftOf(where)).toEqual([]);
}

describe.skipIf(!asRoot)("kill -9 (needs root)", () => {
  for (const driver of drivers) {
    test(driver, async () => {
      const root = await directory();
      const archive = join(root, "archive.tar");
      await makeArchive(driver, archive);
      for (let round = 0; round < ROUNDS; round++) {
        const child = Bun.spawn([process.execPath, resolve(import.meta.dir, "kill-me.ts"), driver, root, archive], {
          stdout: "pipe",
          stderr: "inherit",
        });
        const reader = child.stdout.getReader();
        expect(new TextDecoder().decode((await reader.read()).value)).toContain("ready");
        // Anywhere in the first turns; where exactly differs from round to round and from machine to machine.
        await Bun.sleep(round * 17);
        child.kill("SIGKILL");
        await child.exited;
        const { where, shelf, images } = await openHouse(driver, root);
        for (const { id } of shelf.table.all()) {
          for await (const chunk of await images.save([id], { platform: undefined }, NEVER))
            expect(chunk).toBeDefined();
          expect(await shelf.lowers(id)).toHaveLength(1);
          await images.remove(id, { force: true, prune: true });
        }
        expect(shelf.table.layers()).toEqual([]);
        expect(leftOf(where)).toEqual([]);
      }
    }, 60_000);
  }
});
