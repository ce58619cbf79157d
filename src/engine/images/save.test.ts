import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import { sha256 } from "../../base/digest.ts";
import { gather, NEVER, TestHouse, tar, untar } from "./testing.ts";
import { config, json, LAYER, layout, ociImage } from "./testing-archives.ts";

let house: TestHouse;
let other: TestHouse;
beforeEach(async () => {
  house = await TestHouse.open();
  other = await TestHouse.open();
});
afterEach(async () => {
  await house[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

describe("save and load", () => {
  test("give the same ids, names and bytes back", async () => {
    const id = await house.import("team/app", "hello", ["ENV A=1"]);
    await house.images.tag("team/app", "second", "v2");
    const archive = await house.save("team/app", "second:v2");
    expect(await other.load(archive)).toBe("Loaded image: team/app:latest\nLoaded image: second:v2\n");
    expect((await other.shelf.resolve("second:v2")).id as string).toBe(id);
    expect((await other.save("team/app", "second:v2")).equals(archive)).toBe(true);
    expect((await other.shelf.resolve("team/app")).repoDigests).toEqual([]);
    expect(other.events.map((event) => event.action)).toEqual(["load", "save"]);
  });

  test("saved by id has no name", async () => {
    const id = await house.import("app", "x");
    const archive = await house.save(id.slice(7, 19));
    expect(await other.load(archive)).toBe(`Loaded image ID: ${id}\n`);
  });

  test("a repository without a tag is all its tags", async () => {
    await house.import("app", "one");
    await house.images.tag("app", "app", "v2");
    expect(await other.load(await house.save("app"))).toBe("Loaded image: app:latest\nLoaded image: app:v2\n");
  });

  test("a layer that several images have is in the archive once", async () => {
    await house.import("one", "same", ["LABEL n=1"]);
    await house.import("two", "same", ["LABEL n=2"]);
    const archive = await house.save("one", "two");
    const files = await untar(archive);
    expect([...files.keys()].filter((name) => name.startsWith("blobs/"))).toHaveLength(5);
    expect(JSON.parse(files.get("repositories")?.toString() ?? "")).toMatchObject({
      one: { latest: expect.any(String) },
    });
    await other.load(archive);
    expect((await other.files()).filter((name) => name.startsWith("layers/"))).toHaveLength(1);
  });

  test("the manifest of an OCI image survives, with its compressed layers", async () => {
    const { files, descriptor, id } = ociImage([LAYER, tar({ b: "2" })], (data) => gzipSync(data));
    const named = { ...descriptor, annotations: { "io.containerd.image.name": "docker.io/library/oci:v1" } };
    expect(await house.load(tar({ ...layout([named]), ...files }))).toBe("Loaded image: oci:v1\n");
    expect((await house.shelf.resolve("oci:v1")).repoDigests).toEqual([`oci@${descriptor.digest}`]);
    expect((await house.shelf.resolve(`oci@${descriptor.digest}`)).id).toBe(id);
    expect((await house.shelf.resolve(descriptor.digest)).id).toBe(id);
    const saved = await untar(await house.save("oci:v1"));
    for (const [name, data] of Object.entries(files)) {
      expect(saved.get(name)?.equals(Buffer.from(data))).toBe(true);
    }
    await house.images.remove("oci:v1", { force: false, prune: true });
    expect(await house.files()).toEqual([]);
  });

  test("a driver that keeps no tars changes nothing of this", async () => {
    await using unpacking = await TestHouse.open(undefined, "overlay");
    const id = await house.import("app", "x");
    const archive = await house.save("app");
    await unpacking.load(archive);
    expect((await unpacking.shelf.resolve("app")).id as string).toBe(id);
    expect((await unpacking.save("app")).equals(archive)).toBe(true);
    await unpacking.images.remove("app", { force: false, prune: true });
    expect(await unpacking.files()).toEqual([]);
  });

  test("a driver that keeps no tars keeps the compressed layer instead, never both", async () => {
    await using unpacking = await TestHouse.open(undefined, "overlay");
    const { files, descriptor, id } = ociImage([LAYER], (data) => gzipSync(data));
    const named = { ...descriptor, annotations: { "io.containerd.image.name": "docker.io/library/oci:v1" } };
    await unpacking.load(tar({ ...layout([named]), ...files }));
    expect((await unpacking.files()).filter((name) => name.startsWith("blobs/"))).toHaveLength(3);
    const item = { Config: "c.json", RepoTags: ["packed:v1"], Layers: ["l.tar"] };
    const other = config([LAYER], { architecture: "arm64" });
    await unpacking.load(tar({ "c.json": other, "l.tar": gzipSync(LAYER), "manifest.json": json([item]) }));
    await unpacking.images.remove("oci:v1", { force: false, prune: true });
    const again = await unpacking.save("packed:v1");
    expect(await house.load(again)).toBe("Loaded image: packed:v1\n");
    expect((await house.shelf.resolve("packed:v1")).diffIds).toEqual([sha256(LAYER)]);
    expect((await house.shelf.resolve("packed:v1")).id).not.toBe(id);
    await unpacking.images.remove("packed:v1", { force: false, prune: true });
    expect(await unpacking.files()).toEqual([]);
  });

  test("what is not here can't be saved", async () => {
    await expect(house.save("nothing")).rejects.toThrow("No such image: nothing:latest");
  });
});

test("an image that is removed while it is saved is saved whole, and then gone", async () => {
  await house.import("app", "x");
  const whole = await house.save("app");
  const stream = await house.images.save(["app"], { platform: undefined }, NEVER);
  await house.images.remove("app", { force: true, prune: true });
  expect((await gather(stream)).equals(whole)).toBe(true);
  expect(await house.files()).toEqual([]);
  const abort = new AbortController();
  await house.load(whole);
  await house.images.save(["app"], { platform: undefined }, abort.signal);
  abort.abort();
  await house.images.remove("app", { force: true, prune: true });
  expect(await house.files()).toEqual([]);
});
