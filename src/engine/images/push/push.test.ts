// Pushes: what is sent, what is not sent because it is there, and connections that break on the way.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { refuse, TestRegistry } from "../pull/testing-registry.ts";
import { TestHouse, tar } from "../testing.ts";

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
  expect(house.push(at("made:v1"))).rejects.toThrow("digest invalid");
  expect(registry.manifests.has("made:v1")).toBe(false);
});

test("a name that is not here is said in docker's words", () => {
  expect(house.push(at("none:v1"))).rejects.toThrow("An image does not exist locally with the tag");
});
