// What each test of the drivers' contract starts from: a driver on an empty data root of its own.

import { readdirSync } from "node:fs";
import type { Digest } from "../../base/digest.ts";
import { type Paths, paths } from "../../base/paths.ts";
import { type ArchiveFile, archive, Scratch, streamOf } from "../drivers/fixture.ts";
import type { SnapshotDriver } from "../snapshot.ts";

export type OpenDriver = (where: Paths) => Promise<SnapshotDriver>;

/** `await using` it: the data root and all mounts in it go away. */
export async function setUp(open: OpenDriver) {
  const scratch = new Scratch();
  const driver = await open(scratch.paths);
  const add = async (bytes: Uint8Array) => (await driver.addLayer(streamOf(bytes))).diffId;
  /** Adds layers, bottom first, and mounts them. */
  const chain = async (...layers: readonly (readonly ArchiveFile[])[]) => {
    const ids: Digest[] = [];
    for (const files of layers) ids.push(await add(archive(...files)));
    return { ids, lowers: await driver.mountChain(ids) };
  };
  return { scratch, driver, add, chain, [Symbol.asyncDispose]: () => scratch[Symbol.asyncDispose]() };
}

/** What is in the places for half-made things, and in the layers' place without being a layer. */
export function leftovers(where: Paths): string[] {
  const layers = readdirSync(paths.layers(where));
  const orphans = layers.filter((name) => name.endsWith(".idx") && layers.length === 1);
  return [...readdirSync(paths.temporary(where)), ...orphans];
}
