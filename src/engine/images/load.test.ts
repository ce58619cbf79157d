import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { digestHex, sha256 } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { writeConfig } from "../../image/config.ts";
import { mediaTypes } from "../../image/media-types.ts";
import { CARGO_LIMITS } from "./load-cargo.ts";
import { cut, gather, NEVER, TestHouse, tar, untar } from "./testing.ts";

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

type Files = Record<string, string | Uint8Array>;
const json = (value: unknown) => JSON.stringify(value);
const blob = (bytes: string | Uint8Array) => `blobs/sha256/${digestHex(sha256(bytes))}`;

function config(layers: readonly Uint8Array[], more: { architecture?: string; os?: string } = {}): Uint8Array {
  return writeConfig({
    architecture: more.architecture ?? "amd64",
    os: more.os ?? "linux",
    created: "2024-01-01T00:00:00Z",
    rootfs: { type: "layers", diff_ids: layers.map(sha256) },
    config: { Cmd: ["/bin/sh"] },
  } as Parameters<typeof writeConfig>[0]);
}

/** One image as an OCI layout, its layers compressed as given. @returns its files and its manifest's descriptor. */
function ociImage(layers: readonly Buffer[], compress: (data: Buffer) => Buffer, architecture = "amd64") {
  const image = config(layers, { architecture });
  const packed = layers.map(compress);
  const manifest = json({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: { mediaType: mediaTypes.ociConfig, digest: sha256(image), size: image.length },
    layers: packed.map((data) => ({ mediaType: mediaTypes.ociLayerGzip, digest: sha256(data), size: data.length })),
    annotations: { made: "elsewhere" },
  });
  const files: Files = { [blob(image)]: image, [blob(manifest)]: manifest };
  for (const data of packed) files[blob(data)] = data;
  const descriptor = {
    mediaType: mediaTypes.ociManifest,
    digest: sha256(manifest),
    size: manifest.length,
    platform: { os: "linux", architecture },
  };
  return { files, descriptor, id: sha256(image) };
}

const layout = (manifests: unknown[]): Files => ({
  "oci-layout": json({ imageLayoutVersion: "1.0.0" }),
  "index.json": json({ schemaVersion: 2, manifests }),
});

const LAYER = tar({ "etc/motd": "hello" });

/** An archive as `docker save` wrote before Docker 25. */
function oldArchive(tags: string[] | null = ["app:v1"]): Files {
  const image = config([LAYER]);
  return {
    "abc/layer.tar": LAYER,
    [`${digestHex(sha256(image))}.json`]: image,
    "manifest.json": json([{ Config: `${digestHex(sha256(image))}.json`, RepoTags: tags, Layers: ["abc/layer.tar"] }]),
  };
}

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

describe("a bad archive is refused and leaves nothing", () => {
  const cases: [string, () => Parameters<typeof tar>[0] | Buffer, string][] = [
    ["the tar of a root file system", () => ({ "bin/sh": "x" }), "does not contain a manifest.json"],
    ["no tar at all", () => Buffer.alloc(2000, "no"), "invalid tar archive"],
    ["nothing", () => Buffer.alloc(0), "does not contain a manifest.json"],
    ["truncated in a layer", () => tar(oldArchive()).subarray(0, 900), "invalid tar archive"],
    ["a truncated gzip", () => gzipSync(tar(oldArchive())).subarray(0, 200), "damaged or incomplete"],
    ["a manifest.json that is not JSON", () => ({ ...oldArchive(), "manifest.json": "{" }), "is not JSON"],
    ["a manifest.json of another shape", () => ({ ...oldArchive(), "manifest.json": "{}" }), "is not valid"],
    [
      "a missing config",
      () => ({ ...oldArchive(), "manifest.json": json([{ Config: "x", Layers: [] }]) }),
      "is missing",
    ],
    [
      "a config that leads out",
      () => ({ ...oldArchive(), "manifest.json": json([{ Config: "../../etc/passwd", Layers: [] }]) }),
      "leads out",
    ],
    ["a name that leads out", () => ({ "../../evil": "x", ...oldArchive() }), "leads out"],
    [
      "a link that leads out",
      () => ({ ...oldArchive(), "abc/layer.tar": { type: "symlink" as const, linkname: "../../../etc/shadow" } }),
      "leads out",
    ],
    [
      "a circle of links",
      () => ({
        ...oldArchive(),
        "abc/layer.tar": { type: "symlink" as const, linkname: "b" },
        "abc/b": { type: "symlink" as const, linkname: "layer.tar" },
      }),
      "is missing",
    ],
    [
      "a layer that the config does not name",
      () => ({ ...oldArchive(), "abc/layer.tar": tar({ x: "evil" }) }),
      "invalid diffID",
    ],
    [
      "too few layers",
      () => {
        const files = oldArchive();
        const manifest = JSON.parse(String(files["manifest.json"]));
        return { ...files, "manifest.json": json([{ ...manifest[0], Layers: [] }]) };
      },
      "layers length mismatch",
    ],
    ["a bad tag", () => oldArchive(["app"]), 'invalid tag "app"'],
    ["a bad name", () => oldArchive(["App:v1"]), "must be lowercase"],
    [
      "an image for Windows",
      () => {
        const image = config([LAYER], { os: "windows" });
        return {
          "l.tar": LAYER,
          "c.json": image,
          "manifest.json": json([{ Config: "c.json", RepoTags: ["win:v1"], Layers: ["l.tar"] }]),
        };
      },
      "cannot load windows image on linux",
    ],
    [
      "an OCI blob with the wrong bytes",
      () => {
        const { files, descriptor } = ociImage([LAYER], (data) => gzipSync(data));
        const name = `blobs/sha256/${digestHex(descriptor.digest)}`;
        return { ...layout([descriptor]), ...files, [name]: `${files[name]} ` };
      },
      "wrong digest",
    ],
    [
      "an OCI layer with the wrong bytes",
      () => {
        const { files, descriptor } = ociImage([LAYER], (data) => gzipSync(data));
        const name = blob(gzipSync(LAYER));
        return { ...layout([descriptor]), ...files, [name]: gzipSync(tar({ evil: "x" })) };
      },
      "wrong digest",
    ],
    [
      "a second image that is broken",
      () => {
        const files = oldArchive();
        const manifest = JSON.parse(String(files["manifest.json"]));
        const two = [manifest[0], { ...manifest[0], RepoTags: ["two:v1"], Layers: ["gone.tar"] }];
        files["other.json"] = config([LAYER, tar({ y: "1" })]);
        two[1] = { ...two[1], Config: "other.json", Layers: ["abc/layer.tar", "gone.tar"] };
        return { ...files, "manifest.json": json(two) };
      },
      "the layer gone.tar is missing",
    ],
    [
      "indexes without end",
      () => {
        const files: Files = {};
        let entry: unknown = ociImage([LAYER], (data) => data).descriptor;
        for (let depth = 0; depth < 8; depth++) {
          const index = json({ schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [entry] });
          files[blob(index)] = index;
          entry = { mediaType: mediaTypes.ociIndex, digest: sha256(index), size: index.length };
        }
        return { ...layout([entry]), ...files };
      },
      "nested too deeply",
    ],
    [
      "a manifest that is two things at once",
      () => {
        const { files, descriptor } = ociImage([LAYER], (data) => gzipSync(data));
        const both = json({
          ...JSON.parse(String(files[blob(files[`blobs/sha256/${digestHex(descriptor.digest)}`] ?? "")])),
          manifests: [],
        });
        const entry = { ...descriptor, digest: sha256(both), size: both.length };
        return { ...layout([entry]), ...files, [blob(both)]: both };
      },
      "both manifests and layers",
    ],
  ];
  for (const [name, build, message] of cases) {
    test(name, async () => {
      const built = build();
      const archive = Buffer.isBuffer(built) ? built : tar(built);
      await expect(house.load(archive)).rejects.toThrow(message);
      expect(await house.files()).toEqual([]);
      expect(await house.shelf.table.all()).toEqual([]);
    });
  }

  test("more files than anyone has", async () => {
    const header = tar({ a: "" }).subarray(0, 512);
    async function* endless() {
      const block = Buffer.concat(Array.from({ length: 1000 }, () => header));
      for (let count = 0; count <= CARGO_LIMITS.entries; count += 1000) yield block;
    }
    const run = async () => {
      for await (const _ of await house.images.load(endless(), { quiet: true, platform: undefined }, NEVER));
    };
    await expect(run()).rejects.toThrow(`more than ${CARGO_LIMITS.entries} files`);
    expect(await house.files()).toEqual([]);
  });

  test("a client that goes away", async () => {
    const abort = new AbortController();
    async function* stalled() {
      yield tar(oldArchive()).subarray(0, 1200);
      abort.abort();
      yield tar(oldArchive()).subarray(1200);
    }
    const run = async () => {
      for await (const _ of await house.images.load(stalled(), { quiet: true, platform: undefined }, abort.signal));
    };
    await expect(run()).rejects.toThrow("abort");
    expect(await house.files()).toEqual([]);
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

test("an archive that was damaged anywhere loads or is refused, and leaves nothing half-made", async () => {
  const files = ociImage([LAYER, tar({ b: "2" })], (data) => gzipSync(data));
  const good = tar({ ...oldArchive(), ...layout([files.descriptor]), ...files.files });
  const damage = fc.record({ at: fc.nat(good.length - 1), byte: fc.nat(255), cut: fc.option(fc.nat(good.length)) });
  await fc.assert(
    fc.asyncProperty(damage, async ({ at, byte, cut: length }) => {
      const bad = Buffer.from(good.subarray(0, length ?? good.length));
      if (at < bad.length) bad[at] = byte;
      const outcome = await house.load(bad).catch((error: unknown) => error);
      if (typeof outcome === "string") {
        for (const image of house.shelf.table.all()) await house.images.remove(image.id, { force: true, prune: true });
      } else expect(outcome).toBeInstanceOf(HoyError);
      expect(await house.files()).toEqual([]);
    }),
    { numRuns: 150 },
  );
}, 30_000);

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
