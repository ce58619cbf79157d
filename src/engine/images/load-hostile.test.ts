import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { digestHex, sha256 } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { mediaTypes } from "../../image/media-types.ts";
import { CARGO_LIMITS } from "./load-cargo.ts";
import { NEVER, TestHouse, tar } from "./testing.ts";
import { blob, config, type Files, json, LAYER, layout, ociImage, oldArchive } from "./testing-archives.ts";

let house: TestHouse;
beforeEach(async () => {
  house = await TestHouse.open();
});
afterEach(() => house[Symbol.asyncDispose]());

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
