// Law: whatever strangers' archives hold, both drivers refuse the same ones and show the same tree of the others, and
// neither touches anything outside of its own directories.

import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { Digest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import type { SnapshotDriver } from "../snapshot.ts";
import { ErofsDriver } from "./erofs.ts";
import { type ArchiveFile, archive, describeDirectory, Scratch, seen, streamOf } from "./fixture.ts";
import { OverlayDriver } from "./overlay.ts";

/** Few names, so that entries meet: files over directories, links in the middle of paths, whiteouts of all of them. */
const part = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom("a", "b", "c", "d") },
  { weight: 1, arbitrary: fc.constantFrom(".wh.a", ".wh.b", ".wh..wh..opq", ".", "..", "", ".wh..wh.aufs") },
);
const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
const target = fc.oneof(
  path,
  path.map((text) => `/${text}`),
  path.map((text) => `../../../${text}`),
);
const meta = {
  mode: fc.constantFrom(0o600, 0o755, 0o4711),
  uid: fc.constantFrom(0, 1000),
  mtime: fc.constantFrom(0n, 1_500_000_000_123_456_789n),
};
const entry: fc.Arbitrary<ArchiveFile> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      ...meta,
      name: path,
      type: fc.constant("file" as const),
      data: fc.constantFrom("", "x", "y".repeat(600)),
    }),
  },
  { weight: 4, arbitrary: fc.record({ ...meta, name: path, type: fc.constant("dir" as const) }) },
  { weight: 2, arbitrary: fc.record({ ...meta, name: path, type: fc.constant("symlink" as const), linkname: target }) },
  { weight: 1, arbitrary: fc.record({ ...meta, name: path, type: fc.constant("hardlink" as const), linkname: path }) },
  {
    weight: 1,
    arbitrary: fc.record({
      ...meta,
      name: path,
      type: fc.constant("char" as const),
      device: fc.constantFrom({ major: 0, minor: 0 }, { major: 1, minor: 3 }),
    }),
  },
);
const layer = fc.array(entry, { maxLength: 8 }).map((files) => archive(...files));

async function outcome(driver: SnapshotDriver, layers: readonly Uint8Array[]): Promise<unknown> {
  const ids: Digest[] = [];
  try {
    for (const bytes of layers) ids.push((await driver.addLayer(streamOf(bytes))).diffId);
  } catch (error) {
    if (error instanceof HoyError) return error.message;
    throw error;
  }
  const tree = seen(await driver.mountChain(ids));
  await driver.removeChain(ids);
  // Overlay counts links as the layer has them, also of names that a layer above hides; an image only what is there.
  return Object.fromEntries(Object.entries(tree).map(([path, text]) => [path, text.replace(/ links [0-9]+/, "")]));
}

test("the drivers agree on any archives", async () => {
  await using scratch = new Scratch();
  const outside = join(scratch.path, "outside");
  mkdirSync(outside);
  const erofs = await ErofsDriver.open({ data: join(scratch.path, "erofs"), run: join(scratch.path, "erofs-run") });
  const overlay = await OverlayDriver.open({
    data: join(scratch.path, "overlay"),
    run: join(scratch.path, "overlay-run"),
  });
  let shown = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(layer, { minLength: 1, maxLength: 3 }), async (layers) => {
      const one = await outcome(erofs, layers);
      expect(await outcome(overlay, layers)).toEqual(one);
      if (typeof one === "object") shown++;
    }),
    { numRuns: 150 },
  );
  // Not all were refused, or the law would say little.
  expect(shown).toBeGreaterThan(20);
  expect(describeDirectory(outside)).toEqual({});
}, 120_000);
