// `image copy` between all kinds of places: digests stay, and what a tool of others writes and reads fits.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../src/base/digest.ts";
import { TestRegistry } from "../../src/engine/images/pull/testing-registry.ts";
import { tar } from "../../src/engine/images/testing.ts";
import { mediaTypes } from "../../src/image/media-types.ts";
import { command } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";

const daemon = await testDaemon();
const { hoy } = daemon;
let registry: TestRegistry;
beforeAll(async () => {
  registry = await TestRegistry.start();
  registry.put("app", "v1", [tar({ a: "1" }), tar({ b: "2" })]);
});
afterAll(() => registry[Symbol.asyncDispose]());

const at = (name: string) => `${registry.address}/${name}`;
const file = (name: string) => join(daemon.root, name);
const manifest = (key: string) => Buffer.from(registry.manifests.get(key)?.bytes ?? "");

async function copy(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await hoy("image", "copy", "--quiet", ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return stdout.trim();
}

test("from registry to registry, layout and archive and back, the manifest stays the same to the byte", async () => {
  const digest = sha256(manifest("app:v1"));
  const steps = [
    [at("app:v1"), `docker://${at("second:v1")}`],
    [at("second:v1"), `oci:${file("layout")}:v1`],
    [`oci:${file("layout")}:v1`, `oci-archive:${file("one.tar")}:v1`],
    [`oci-archive:${file("one.tar")}`, `docker-archive:${file("two.tar")}:app:v1`],
    [`docker-archive:${file("two.tar")}`, at("last:v1")],
  ] as const;
  for (const [from, to] of steps) expect(await copy(from, to)).toBe(digest);
  for (const key of ["second:v1", "last:v1"]) expect(manifest(key).equals(manifest("app:v1"))).toBe(true);
  expect(readdirSync(file("layout")).toSorted()).toEqual(["blobs", "index.json", "oci-layout"]);
  // Once more: nothing is sent that is there.
  const sent = registry.count("PATCH", "/blobs/uploads/");
  await copy(`oci:${file("layout")}`, at("last:v2"));
  expect(registry.count("PATCH", "/blobs/uploads/")).toBe(sent);
});

test("an index goes whole as it is, one platform's image with --platform, and where only one fits", async () => {
  const entries = ["amd64", "arm64"].map((architecture) => {
    registry.put("multi", architecture, [tar({ arch: architecture })]);
    const bytes = manifest(`multi:${architecture}`);
    return {
      mediaType: mediaTypes.ociManifest,
      digest: sha256(bytes),
      size: bytes.length,
      platform: { os: "linux", architecture },
    };
  });
  const index = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: entries }));
  registry.putManifest("multi", "v1", index, mediaTypes.ociIndex);
  expect(await copy("--all", at("multi:v1"), `oci-archive:${file("all.tar")}:v1`)).toBe(sha256(index));
  expect(await copy("--all", `oci-archive:${file("all.tar")}`, at("other:all"))).toBe(sha256(index));
  expect(manifest("other:all").equals(index)).toBe(true);
  expect(await copy("--platform=linux/arm64", at("multi:v1"), at("other:arm64"))).toBe(entries[1]?.digest ?? "");
  expect(await copy(at("multi:v1"), at("third:v1"))).toBe(sha256(index));
  expect(manifest("third:v1").equals(index)).toBe(true);
  expect(await copy(at("multi:v1"), `oci:${file("multi")}:v1`)).toBe(sha256(index));
  expect(await copy(at("multi:v1"), `docker-archive:${file("one.tar")}:x`)).toBe(
    entries[process.arch === "x64" ? 0 : 1]?.digest ?? "",
  );
  const refused = await hoy("image", "copy", "--all", at("multi:v1"), `docker-archive:${file("no.tar")}:x`);
  expect(refused.stderr).toContain("takes one image");
});

test("from an engine and to it", async () => {
  await copy(at("app:v1"), "engine:copied:v1");
  expect((await hoy("image", "inspect", "copied:v1")).code).toBe(0);
  const digest = await copy("engine:copied:v1", at("back:v1"));
  expect(digest).toBe(sha256(manifest("app:v1")));
  await copy("engine:busybox", `docker-archive:${file("busybox.tar")}:bb`);
  await hoy("rmi", "busybox");
  expect((await hoy("load", "-i", file("busybox.tar"))).stdout).toContain("bb:latest");
  expect((await hoy("run", "--rm", "--network=none", "bb", "echo", "it runs")).stdout).toBe("it runs\n");
});

test("an archive of before docker 25 is read too", async () => {
  const layer = tar({ old: "x" });
  const config = Buffer.from(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      config: {},
      rootfs: { type: "layers", diff_ids: [sha256(layer)] },
    }),
  );
  const archive = tar({
    "abc/layer.tar": layer,
    "config.json": config,
    "manifest.json": JSON.stringify([
      { Config: "config.json", RepoTags: ["old:v1"], Layers: ["abc/layer.tar", "abc/layer.tar"] },
    ]),
  });
  await Bun.write(file("old.tar"), archive);
  await copy(`docker-archive:${file("old.tar")}`, at("old:v1"));
  expect(registry.blobs.get(sha256(layer))?.equals(layer)).toBe(true);
});

test("what is not there, or not what its name says, is refused and leaves nothing", async () => {
  const missing = await hoy("image", "copy", at("none:v1"), `oci:${file("none")}`);
  expect(missing.code).toBe(1);
  expect(missing.stderr).toContain("manifest unknown");
  const [digest = ""] = registry.put("lying", "v1", [tar({ lie: "1" })]);
  registry.blobs.set(digest, Buffer.alloc(registry.blobs.get(digest)?.length ?? 0));
  const lying = await hoy("image", "copy", at("lying:v1"), `oci-archive:${file("lying.tar")}:v1`);
  expect(lying.code).toBe(1);
  expect(lying.stderr).toContain("verification failed");
  expect(() => statSync(file("lying.tar"))).toThrow();
  const nowhere = await hoy("image", "copy", "ftp://x", at("x:v1"));
  expect(nowhere.stderr).toContain("is no place of an image");
});

test.skipIf(Bun.which("skopeo") === null)("skopeo reads and writes the same layouts (needs skopeo)", async () => {
  await copy(at("app:v1"), `oci:${file("for-skopeo")}:v1`);
  const run = (...args: string[]) => command(["skopeo", "--insecure-policy", ...args]);
  const copied = await run("copy", `oci:${file("for-skopeo")}:v1`, `oci:${file("by-skopeo")}:v1`);
  expect(copied.code).toBe(0);
  expect(await copy(`oci:${file("by-skopeo")}:v1`, at("skopeo:v1"))).toBe(sha256(manifest("app:v1")));
  expect(JSON.parse(readFileSync(join(file("for-skopeo"), "index.json"), "utf8")).manifests.length).toBe(1);
});
