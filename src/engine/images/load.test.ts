import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { sha256 } from "../../base/digest.ts";
import { mediaTypes } from "../../image/media-types.ts";
import { cut, NEVER, TestHouse, tar } from "./testing.ts";
import { blob, type Files, json, LAYER, layout, ociImage, oldArchive } from "./testing-archives.ts";

let house: TestHouse;
beforeEach(async () => {
  house = await TestHouse.open();
});
afterEach(() => house[Symbol.asyncDispose]());

describe("load", () => {
  const packers: Record<string, (data: Buffer) => Buffer> = {
    plain: (data) => data,
    gzip: (data) => gzipSync(data),
    zstd: (data) => zstdCompressSync(data),
    xz: (data) => spawnSync("xz", ["-c"], { input: data }).stdout,
    bzip2: (data) => spawnSync("bzip2", ["-c"], { input: data }).stdout,
  };
  for (const [name, pack] of Object.entries(packers)) {
    test(`an archive in ${name}, layers after the manifest or before`, async () => {
      const files = Object.entries(oldArchive());
      for (const order of [files, [...files].reverse()]) {
        expect(await house.load(pack(tar(Object.fromEntries(order))))).toBe("Loaded image: app:v1\n");
      }
    });
  }

  test("reports layers as they come, unless asked not to", async () => {
    const messages: unknown[] = [];
    for await (const message of await house.images.load(
      cut(tar(oldArchive())),
      { quiet: false, platform: undefined },
      NEVER,
    )) {
      messages.push(message);
    }
    expect(messages).toEqual([
      { status: "Loading layer", progressDetail: { current: LAYER.length, total: LAYER.length }, id: "abc/layer.tar" },
      { stream: "Loaded image: app:v1\n" },
    ]);
  });

  test("a name that another image has moves, and is said to", async () => {
    const old = await house.import("app", "old");
    await house.images.tag("app", "app", "v1");
    expect(await house.load(tar(oldArchive()))).toBe(
      `The image app:v1 already exists, renaming the old one with ID ${old} to empty string\nLoaded image: app:v1\n`,
    );
  });

  test("follows links between layers, as old archives have them", async () => {
    const files: Parameters<typeof tar>[0] = oldArchive();
    const manifest = JSON.parse(String(files["manifest.json"]));
    manifest[0].Layers = ["def/layer.tar"];
    files["manifest.json"] = json(manifest);
    files["def/layer.tar"] = { type: "symlink", linkname: "../abc/layer.tar" };
    expect(await house.load(tar(files))).toBe("Loaded image: app:v1\n");
  });

  test("reads archives from before manifest.json", async () => {
    const [base, top] = ["1".repeat(64), "2".repeat(64)];
    const files: Files = {
      [`${base}/json`]: json({ id: base, created: "2013-01-01T00:00:00Z", os: "linux", architecture: "amd64" }),
      [`${base}/layer.tar`]: LAYER,
      [`${top}/json`]: json({
        id: top,
        parent: base,
        created: "2013-01-02T00:00:00Z",
        config: { Cmd: ["/bin/sh"] },
        container_config: { Cmd: ["/bin/sh", "-c", "#(nop) CMD /bin/sh"] },
      }),
      [`${top}/layer.tar`]: Buffer.alloc(1024),
      repositories: json({ ancient: { latest: top } }),
    };
    expect(await house.load(tar(files))).toBe("Loaded image: ancient:latest\n");
    const image = await house.shelf.resolve("ancient");
    expect(image.config.config?.Cmd).toEqual(["/bin/sh"]);
    expect(image.diffIds).toEqual([sha256(LAYER)]);
    expect(await house.images.history("ancient", undefined)).toHaveLength(2);
  });

  test("of several platforms takes this machine's, or the one asked for", async () => {
    const amd = ociImage([LAYER], (data) => gzipSync(data), "amd64");
    const arm = ociImage([LAYER], (data) => gzipSync(data), "arm64");
    const index = json({
      schemaVersion: 2,
      mediaType: mediaTypes.ociIndex,
      manifests: [
        amd.descriptor,
        arm.descriptor,
        {
          mediaType: mediaTypes.ociManifest,
          digest: sha256("attestation"),
          size: 3,
          annotations: { "vnd.docker.reference.type": "attestation-manifest" },
        },
      ],
    });
    const entry = {
      mediaType: mediaTypes.ociIndex,
      digest: sha256(index),
      size: index.length,
      annotations: { "io.containerd.image.name": "docker.io/library/multi:latest" },
    };
    const archive = tar({ ...layout([entry]), [blob(index)]: index, ...amd.files, ...arm.files });
    const host = process.arch === "arm64" ? arm : amd;
    await house.load(archive);
    expect((await house.shelf.resolve("multi")).id).toBe(host.id);
    expect((await house.shelf.resolve(`multi@${sha256(index)}`)).id).toBe(host.id);
    await house.load(archive, { platform: "linux/arm64" });
    expect((await house.shelf.resolve("multi")).id).toBe(arm.id);
    await expect(house.load(archive, { platform: "linux/s390x" })).rejects.toThrow(
      "the archive has no image for the platform linux/s390x",
    );
  });
});

test("what a crash left is swept at the next start", async () => {
  await house.import("app", "kept");
  const before = await house.files();
  // As if killed between adding and writing rows.
  await house.driver.addLayer(cut(tar({ orphan: "x" })));
  await house.shelf.content.put(Buffer.from("orphan"));
  const again = await TestHouse.open(house.root);
  expect((await again.files()).sort()).toEqual(before.sort());
  expect((await again.shelf.resolve("app")).repoTags).toEqual(["app:latest"]);
});

test("loads, removals and failures side by side leave what they should", async () => {
  await house.import("base", "shared");
  const good = await house.save("base");
  const bad = tar({ ...oldArchive(), "manifest.json": "{" });
  const work: Promise<unknown>[] = [];
  for (let round = 0; round < 10; round++) {
    work.push(house.load(good));
    work.push(house.load(bad).catch(() => undefined));
    work.push(house.images.remove("base", { force: true, prune: true }).catch(() => undefined));
  }
  await Promise.all(work);
  await house.load(good);
  expect((await house.shelf.resolve("base")).repoTags).toEqual(["base:latest"]);
  expect((await house.files()).filter((name) => name.startsWith("layers/"))).toHaveLength(1);
  expect((await house.save("base")).equals(good)).toBe(true);
  await house.images.remove("base", { force: true, prune: true });
  expect(await house.files()).toEqual([]);
});
