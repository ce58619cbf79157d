import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { TestRegistry } from "./pull/testing-registry.ts";
import { NEVER, TestHouse, tar } from "./testing.ts";

let house: TestHouse;
let registry: TestRegistry;
let name: string;
beforeEach(async () => {
  house = await TestHouse.open();
  registry = await TestRegistry.start();
  name = `${registry.address}/app:v1`;
  registry.put("app", "v1", [tar({ a: "1" }), tar({ b: "2" })]);
  await house.pull(name);
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  await house[Symbol.asyncDispose]();
});

const verify = () => house.images.verify(name, NEVER);

test("a whole image is whole, and all of it was read", async () => {
  const { Checked, Bytes, Faults } = await verify();
  expect(Faults).toEqual([]);
  // Config, manifest, two blobs, two layers.
  expect(Checked).toBe(6);
  expect(Bytes).toBeGreaterThan(2 * 1024);
});

for (const place of ["layers", "blobs/sha256"]) {
  test(`a file in ${place} that changed, was cut or went is named`, async () => {
    const directory = join(house.root, place);
    for (const file of await readdir(directory)) {
      const path = join(directory, file);
      const bytes = Buffer.from(await Bun.file(path).bytes());
      const spoilt = Buffer.from(bytes);
      spoilt[spoilt.length >> 1] = (spoilt[spoilt.length >> 1] ?? 0) ^ 1;
      await writeFile(path, spoilt);
      expect((await verify()).Faults).toEqual([
        { Digest: `sha256:${file}`, What: expect.any(String), Fault: expect.stringContaining("has changed") },
      ]);
      await writeFile(path, bytes);
      await truncate(path, 1);
      expect((await verify()).Faults.length).toBe(1);
      await rm(path);
      expect((await verify()).Faults[0]?.Fault).toContain("is missing");
      await writeFile(path, bytes);
      expect((await verify()).Faults).toEqual([]);
    }
  });
}

test("an image that is not here", () => {
  expect(house.images.verify("none", NEVER)).rejects.toThrow("No such image");
});
