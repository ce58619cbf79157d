// kill -9 in the middle of everything a driver does, again and again on one data root: whatever is there afterwards is
// whole, and the next engine goes on from it.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../base/digest.ts";
import { paths } from "../../base/paths.ts";
import type { SnapshotDriver } from "../snapshot.ts";
import { ErofsDriver } from "./erofs.ts";
import { contents, Scratch } from "./fixture.ts";
import { OverlayDriver } from "./overlay.ts";

const ROUNDS = 12;

test.each(["erofs", "overlay"] as const)(
  "%s: after each kill every layer is whole, and nothing half-made stays",
  async (kind) => {
    await using scratch = new Scratch();
    let layers = 0;
    for (let round = 0; round < ROUNDS; round++) {
      await killedAfter(kind, scratch, round);
      const driver = await (kind === "erofs" ? ErofsDriver : OverlayDriver).open(scratch.paths);
      expect(readdirSync(paths.temporary(scratch.paths))).toEqual([]);
      layers += await checkLayers(driver);
      const names = readdirSync(paths.layers(scratch.paths));
      expect(names.filter((name) => name.endsWith(".idx")).length).toBe(names.length / 2);
    }
    expect(layers).toBeGreaterThan(0);
  },
  120_000,
);

/** Starts an engine's work and kills it at another moment each round. */
async function killedAfter(kind: string, scratch: Scratch, round: number): Promise<void> {
  const script = join(import.meta.dir, "crash-child.ts");
  const { data, run } = scratch.paths;
  const child = Bun.spawn([process.execPath, script, kind, data, run, `${round}`], {
    stdout: "pipe",
    stderr: "inherit",
  });
  const reader = child.stdout.getReader();
  await reader.read();
  await Bun.sleep(round * 9);
  child.kill("SIGKILL");
  await child.exited;
}

async function checkLayers(driver: SnapshotDriver): Promise<number> {
  const ids = await driver.listLayers();
  for (const id of ids) {
    const info = await driver.hasLayer(id);
    expect(info?.diffId).toBe(id);
    const tar = await driver.layerTar(id);
    if (tar !== undefined) expect(sha256(readFileSync(tar))).toBe(id);
    const files = Object.entries(contents(await driver.mountChain([id])));
    const data = files.reduce((sum, [, text]) => sum + Buffer.byteLength(text), 0);
    expect(data).toBe(info?.size ?? -1);
  }
  return ids.length;
}
