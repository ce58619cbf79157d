// Pushes: what is sent, what is not sent because it is there, and connections that break on the way.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { refuse, TestRegistry } from "../pull/testing-registry.ts";
import { NEVER, TestHouse, tar } from "../testing.ts";

let house: TestHouse;
let registry: TestRegistry;
beforeEach(async () => {
  house = await TestHouse.open();
  registry = await TestRegistry.start();
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  await house[Symbol.asyncDispose]();
});

const at = (path: string) => `${registry.address}/${path}`;

test("what was pulled is pushed with the same digests", async () => {
  for (const packing of ["gzip", "zstd", "plain"] as const) {
    registry.put(packing, "v1", [tar({ a: packing })], packing);
    await house.pull(at(`${packing}:v1`));
    await house.images.tag(at(`${packing}:v1`), at(`copy-${packing}`), "v2");
    await house.push(at(`copy-${packing}:v2`));
    const [before, after] = [`${packing}:v1`, `copy-${packing}:v2`].map((key) => registry.manifests.get(key));
    expect(Buffer.from(after?.bytes ?? "").equals(Buffer.from(before?.bytes ?? ""))).toBe(true);
  }
});

test("a second push sends no layer", async () => {
  await house.import("made", "here");
  await house.images.tag("made", at("made"), "v1");
  await house.push(at("made:v1"));
  const sent = registry.count("PATCH", "/blobs/uploads/");
  await house.images.tag("made", at("made"), "v2");
  expect(await house.push(at("made:v2"))).toContain("Layer already exists");
  expect(registry.count("PATCH", "/blobs/uploads/")).toBe(sent);
});

test("a layer of another repository of the registry is mounted", async () => {
  registry.put("base", "v1", [tar({ a: "base" })]);
  await house.pull(at("base:v1"));
  await house.images.tag(at("base:v1"), at("derived"), "v1");
  const digest = [...registry.blobs.keys()][0] ?? "";
  registry.rules = [
    ({ method, url }, response) => {
      if (method === "HEAD" && url.includes("/derived/blobs/")) {
        refuse(response, 404, "BLOB_UNKNOWN");
        return true;
      }
      if (method !== "POST" || !url.includes("mount=")) return false;
      response.writeHead(201).end();
      return true;
    },
  ];
  expect(await house.push(at("derived:v1"))).toContain("Mounted from base");
  expect(registry.count("POST", `mount=${encodeURIComponent(digest)}&from=base`)).toBe(1);
});

test("all tags of a repository", async () => {
  await house.import("made", "here");
  for (const tag of ["v1", "v2"]) await house.images.tag("made", at("made"), tag);
  await house.push(at("made"));
  expect([registry.manifests.has("made:v1"), registry.manifests.has("made:v2")]).toEqual([true, true]);
});

test("a part whose connection breaks is sent again from where the registry stands", async () => {
  await house.import("made", "here");
  await house.images.tag("made", at("made"), "v1");
  let broken = 0;
  registry.rules = [
    ({ method }, response) => {
      if (method !== "PATCH" || broken++ > 0) return false;
      response.destroy();
      return true;
    },
  ];
  await house.push(at("made:v1"));
  expect(broken).toBeGreaterThan(1);
  expect(registry.manifests.has("made:v1")).toBe(true);
});

test("a registry that keeps something else than was sent is believed nothing", async () => {
  await house.import("made", "here");
  await house.images.tag("made", at("made"), "v1");
  registry.rules = [
    ({ method, url }, response) => {
      if (method !== "PUT" || !url.includes("/blobs/uploads/")) return false;
      refuse(response, 400, "DIGEST_INVALID");
      return true;
    },
  ];
  await expect(house.push(at("made:v1"))).rejects.toThrow("digest invalid");
  expect(registry.manifests.has("made:v1")).toBe(false);
});

test("a name that is not here is said in docker's words", async () => {
  await expect(house.push(at("none:v1"))).rejects.toThrow("An image does not exist locally with the tag");
});

for (const [compression, magic] of [
  ["zstd:19", "28b52ffd"],
  ["gzip:9", "1f8b08"],
] as const) {
  test(`layers compressed anew as ${compression}, and pulled back the same`, async () => {
    registry.put("base", "v1", [tar({ a: "1" }), tar({ b: "2" })]);
    await house.pull(at("base:v1"));
    await house.images.tag(at("base:v1"), at("anew"), "v1");
    await house.push(at("anew:v1"), { compression });
    const manifest = JSON.parse(Buffer.from(registry.manifests.get("anew:v1")?.bytes ?? "").toString());
    for (const { digest } of manifest.layers)
      expect(registry.blobs.get(digest)?.toString("hex").startsWith(magic)).toBe(true);
    const before = await house.images.inspect(at("base:v1"), { manifests: false, platform: undefined });
    const other = await TestHouse.open();
    await other.pull(at("anew:v1"));
    const after = await other.images.inspect(at("anew:v1"), { manifests: false, platform: undefined });
    expect([after.Id, after.RootFS]).toEqual([before.Id, before.RootFS]);
    await other[Symbol.asyncDispose]();
    // Nothing of it stays here, and the image goes by the manifest that it came with.
    expect((await house.images.verify(at("base:v1"), NEVER)).Checked).toBe(6);
    expect((await house.files()).filter((path) => path.startsWith("blobs/")).length).toBe(4);
  });
}

test("a compression that is none is refused", async () => {
  await expect(house.push(at("x:v1"), { compression: "lz4" })).rejects.toThrow("is no compression");
  await expect(house.push(at("x:v1"), { compression: "gzip:10" })).rejects.toThrow("levels from 1 to 9");
});
