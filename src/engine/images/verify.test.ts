import { afterEach, beforeEach, expect, test } from "bun:test";
import { readdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { sha256 } from "../../base/digest.ts";
import { mediaTypes } from "../../image/media-types.ts";
import { TestRegistry } from "./pull/testing-registry.ts";
import { NEVER, TestHouse, tar } from "./testing.ts";
import { blob, json, LAYER, layout, ociImage } from "./testing-archives.ts";

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

test("of an index all platforms' images are checked, by whichever name; of an image's id, it alone", async () => {
  const own = process.arch === "arm64" ? "arm64" : "amd64";
  const [here, other] = [own, own === "arm64" ? "amd64" : "arm64"].map((architecture) =>
    ociImage([LAYER, tar({ for: architecture })], (data) => gzipSync(data), architecture),
  );
  const manifests = [here?.descriptor, other?.descriptor];
  const index = json({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests });
  const entry = {
    mediaType: mediaTypes.ociIndex,
    digest: sha256(index),
    size: index.length,
    annotations: { "io.containerd.image.name": "docker.io/library/multi:latest" },
  };
  await house.load(tar({ ...layout([entry]), [blob(index)]: index, ...here?.files, ...other?.files }));
  const whole = await house.images.verify("multi", NEVER);
  expect(whole.Faults).toEqual([]);
  // The index; of each image a manifest, a config and a layer, as it came and as it is; the layer that both have.
  expect(whole.Checked).toBe(1 + 2 * (1 + 1 + 2) + 2);
  const path = join(house.root, blob(other?.layers[1] ?? ""));
  await writeFile(path, "spoilt");
  for (const text of ["multi", "multi:latest", sha256(index)]) {
    expect((await house.images.verify(text, NEVER)).Faults.map(({ Digest }) => Digest)).toEqual([
      sha256(other?.layers[1] ?? ""),
    ]);
  }
  expect((await house.images.verify(here?.id ?? "", NEVER)).Faults).toEqual([]);
  await rm(join(house.root, blob(index)));
  expect((await house.images.verify("multi", NEVER)).Faults[0]).toEqual({
    Digest: sha256(index),
    What: "index",
    Fault: "is missing",
  });
});

test("an image that is not here", async () => {
  await expect(house.images.verify("none", NEVER)).rejects.toThrow("No such image");
});
