import { expect, test } from "bun:test";
import { sha256 } from "../../../base/digest.ts";
import { packingOf, packingOfType } from "../../content/compression.ts";
import { chainOf, parseCacheConfig, recordKey } from "./config.ts";
import { parseCacheOption } from "./entry.ts";
import { cacheManifestOptions, cacheModeOf } from "./export.ts";

const blob = sha256("a layer");

test("a document as Go writes it: a parent of 0 is left out, records have inputs", () => {
  const { layers = [], records = [] } = parseCacheConfig(
    Buffer.from(
      JSON.stringify({
        layers: [
          { blob, parent: -1 },
          { blob, annotations: { diffID: blob } },
        ],
        records: [
          { digest: blob, layers: [{ layer: 1, createdAt: "2024-01-01T00:00:00Z" }], inputs: [[{ link: 1 }], null] },
          { digest: "random:x", chains: [{ layers: [0, 1] }] },
        ],
      }),
    ),
  );
  expect(chainOf(layers, 1)).toEqual([0, 1]);
  expect(records).toHaveLength(2);
});

test("chains that go nowhere or in circles are refused", () => {
  const circle = parseCacheConfig(Buffer.from(JSON.stringify({ layers: [{ blob, parent: 1 }, { blob }] })));
  expect(() => chainOf(circle.layers ?? [], 0)).toThrow("damaged");
  expect(() => chainOf([], 3)).toThrow("damaged");
  expect(() => parseCacheConfig(Buffer.from('{"layers":[{"blob":"nonsense"}]}'))).toThrow("not valid");
  expect(() => parseCacheConfig(Buffer.from("7"))).toThrow("not valid");
});

test("keys of outputs differ, and are digests", () => {
  expect(recordKey(blob, 0)).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(recordKey(blob, 0)).not.toBe(recordKey(blob, 1));
});

test("options as the command line has them", () => {
  expect(parseCacheOption("type=registry,ref=a/b:c,mode=max")).toEqual({
    type: "registry",
    attrs: { ref: "a/b:c", mode: "max" },
  });
  expect(parseCacheOption("a/b:c")).toEqual({ type: "registry", attrs: { ref: "a/b:c" } });
  expect(() => parseCacheOption("ref=x")).toThrow("type required");
  expect(() => parseCacheOption("type=registry,nonsense")).toThrow("invalid value");
  expect(cacheModeOf(undefined)).toBe("min");
  expect(() => cacheModeOf("all")).toThrow("unsupported cache export mode");
  expect(cacheManifestOptions({ "oci-mediatypes": "false" })).toEqual({ imageManifest: false });
  expect(() => cacheManifestOptions({ "oci-mediatypes": "false", "image-manifest": "true" })).toThrow("OCI mediatypes");
});

test("compression as the attributes say it", () => {
  expect(packingOf({})).toEqual({ type: "gzip", level: undefined, force: false, oci: true });
  expect(packingOf({ compression: "zstd", "compression-level": "9", "force-compression": "true" })).toEqual({
    type: "zstd",
    level: 9,
    force: true,
    oci: true,
  });
  for (const [attrs, words] of [
    [{ compression: "estargz" }, "not implemented"],
    [{ compression: "lzma" }, "unsupported compression"],
    [{ compression: "gzip", "compression-level": "22" }, "compression level"],
    [{ compression: "zstd", "oci-mediatypes": "false" }, "need OCI media types"],
    [{ "force-compression": "maybe" }, "no boolean"],
  ] as const) {
    expect(() => packingOf(attrs)).toThrow(words);
  }
  expect(packingOfType("application/vnd.oci.image.layer.v1.tar+zstd")).toBe("zstd");
  expect(packingOfType("application/vnd.docker.image.rootfs.diff.tar.gzip")).toBe("gzip");
  expect(packingOfType("application/vnd.oci.image.layer.v1.tar")).toBe("uncompressed");
  expect(packingOfType("application/x-other")).toBeUndefined();
});
