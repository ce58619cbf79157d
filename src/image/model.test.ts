import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import Ajv from "ajv-draft-04";
import fc from "fast-check";
import { sha256 } from "../base/digest.ts";
import { HoyError } from "../base/error.ts";
import { parseConfig, writeConfig } from "./config.ts";
import { globMatch } from "./glob.ts";
import { JSON_LIMIT } from "./json.ts";
import { isAttestation, isImageManifest, parseManifest, writeManifest } from "./manifest.ts";
import { mediaTypes } from "./media-types.ts";
import { formatPlatform, parsePlatform, platformRank } from "./platform.ts";

const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const DIGEST = sha256("x");

describe("platform", () => {
  const good: readonly [string, string][] = [
    ["linux/amd64", "linux/amd64"],
    ["linux/x86_64", "linux/amd64"],
    ["LINUX/ARM64", "linux/arm64"],
    ["linux/arm64/v8", "linux/arm64"],
    ["linux/arm", "linux/arm/v7"],
    ["linux/arm/6", "linux/arm/v6"],
    ["linux/armhf", "linux/arm/v7"],
    ["linux/amd64/v3", "linux/amd64/v3"],
    ["arm64", "linux/arm64"],
    ["macos/arm64", "darwin/arm64"],
    ["windows(10.0.17763)/amd64", "windows/amd64"],
  ];
  for (const [text, normal] of good) {
    test(text, () => expect(formatPlatform(parsePlatform(text))).toBe(normal));
  }
  for (const text of ["", "*", "linux/*", "linux/amd64/v1/x", "linux/am d64", "nonsense"]) {
    test(`refuses ${JSON.stringify(text)}`, () => expect(() => parsePlatform(text)).toThrow());
  }

  const rank = (wanted: string, have: string) => platformRank(parsePlatform(wanted), parsePlatform(have));
  test("prefers the same, takes older, refuses newer and other", () => {
    expect(rank("linux/amd64", "linux/amd64")).toBe(0);
    expect(rank("linux/amd64", "linux/386")).toBe(1);
    expect(rank("linux/386", "linux/amd64")).toBeUndefined();
    expect(rank("linux/arm/v7", "linux/arm/v6")).toBe(1);
    expect(rank("linux/arm/v6", "linux/arm/v7")).toBeUndefined();
    expect(rank("linux/amd64/v3", "linux/amd64/v2")).toBe(1);
    expect(rank("linux/amd64", "linux/amd64/v2")).toBeUndefined();
    expect(rank("linux/arm64", "linux/arm/v7")).toBe(2);
    expect(rank("linux/arm64/v9.0", "linux/arm64")).toBeGreaterThan(0);
    expect(rank("linux/arm64", "linux/amd64")).toBeUndefined();
    expect(rank("linux/amd64", "windows/amd64")).toBeUndefined();
  });
  test("a config without a variant fits any", () => {
    expect(platformRank(parsePlatform("linux/arm/v6"), { os: "linux", architecture: "arm" })).toBeGreaterThan(0);
  });
});

describe("config", () => {
  test("nulls, lone strings and unknown members, as builders write them", () => {
    const config = parseConfig(
      bytes({
        architecture: "amd64",
        os: "linux",
        container_config: { Tty: true },
        config: { Env: null, Cmd: "true", Entrypoint: ["/x"], ExposedPorts: { "80/tcp": {} }, Labels: null, Own: 1 },
        rootfs: { type: "layers", diff_ids: null },
        history: null,
      }),
    );
    expect(config.config?.Cmd).toEqual(["true"]);
    expect(config.config?.Env).toBeUndefined();
    expect(config.rootfs.diff_ids).toEqual([]);
  });

  const base = { architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [DIGEST] } };
  const bad: readonly [string, unknown, string][] = [
    ["a list", [], "the image config is not valid"],
    ["no layers", { architecture: "amd64" }, "rootfs"],
    ["layers of another kind", { ...base, rootfs: { type: "x", diff_ids: [] } }, "rootfs.type"],
    ["a digest that is none", { ...base, rootfs: { type: "layers", diff_ids: ["sha256:x"] } }, "not a sha256 digest"],
    ["a command of numbers", { ...base, config: { Cmd: [1] } }, "config.Cmd"],
    ["a time that is none", { ...base, created: "yesterday" }, "created: not a time"],
    ["more history than layers", { ...base, history: [{}, {}] }, "too many non-empty layers"],
    ["labels of objects", { ...base, config: { Labels: { a: {} } } }, "config.Labels"],
    [
      "layers without end",
      { ...base, rootfs: { type: "layers", diff_ids: Array(1001).fill(DIGEST) } },
      "rootfs.diff_ids",
    ],
  ];
  for (const [name, value, message] of bad) {
    test(`refuses ${name}`, () => expect(() => parseConfig(bytes(value))).toThrow(message));
  }
  test("refuses what is not JSON, not UTF-8, too large or too deep", () => {
    expect(() => parseConfig(Buffer.from("{"))).toThrow("is not JSON");
    expect(() => parseConfig(Buffer.from([0xff, 0xfe]))).toThrow("is not JSON");
    expect(() => parseConfig(Buffer.alloc(JSON_LIMIT + 1, " "))).toThrow("more than");
    expect(() => parseConfig(Buffer.from("[".repeat(1_000_000)))).toThrow(HoyError);
  });
  test("any JSON is a config or an error of ours", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        try {
          parseConfig(Buffer.from(text));
        } catch (error) {
          expect(error).toBeInstanceOf(HoyError);
        }
      }),
    );
  });
  test("what is written reads back, and its bytes do not depend on the order of members", () => {
    const config = parseConfig(
      bytes({ ...base, created: "2024-01-01T00:00:00Z", author: "me", config: { Cmd: ["x"] } }),
    );
    expect(parseConfig(writeConfig(config))).toEqual(config);
    const turned = Object.fromEntries(Object.entries(config).reverse()) as typeof config;
    expect(writeConfig(turned)).toEqual(writeConfig(config));
  });
});

describe("manifest", () => {
  const config = { mediaType: mediaTypes.ociConfig, digest: DIGEST, size: 1 };
  const layer = { mediaType: mediaTypes.ociLayerGzip, digest: DIGEST, size: 1 };
  const manifest = { schemaVersion: 2, config, layers: [layer] };

  test("both kinds, of both families", () => {
    expect(parseManifest(bytes(manifest))).toMatchObject({ kind: "manifest", mediaType: mediaTypes.ociManifest });
    expect(parseManifest(bytes({ ...manifest, mediaType: mediaTypes.dockerManifest }))).toMatchObject({
      mediaType: mediaTypes.dockerManifest,
    });
    expect(parseManifest(bytes({ schemaVersion: 2, manifests: [layer] }))).toMatchObject({ kind: "index" });
  });
  const bad: readonly [string, unknown, string][] = [
    ["schema 1", { schemaVersion: 1 }, "schemaVersion"],
    ["both at once", { ...manifest, manifests: [] }, "both manifests and layers"],
    [
      "a manifest that says it is an index",
      { ...manifest, mediaType: mediaTypes.ociIndex },
      "has layers, but the type",
    ],
    [
      "an index that says it is a manifest",
      { schemaVersion: 2, manifests: [], mediaType: mediaTypes.ociManifest },
      "has manifests, but the type",
    ],
    ["neither", { schemaVersion: 2 }, "no config or no layers"],
    ["a negative size", { ...manifest, layers: [{ ...layer, size: -1 }] }, "layers.0.size"],
    ["a bad digest", { ...manifest, layers: [{ ...layer, digest: "sha256:../../x" }] }, "not a sha256 digest"],
  ];
  for (const [name, value, message] of bad) {
    test(`refuses ${name}`, () => expect(() => parseManifest(bytes(value))).toThrow(message));
  }
  test("tells images from other artifacts", () => {
    const parse = (value: unknown) => {
      const parsed = parseManifest(bytes(value));
      return parsed.kind === "manifest" && isImageManifest(parsed);
    };
    expect(parse(manifest)).toBe(true);
    expect(parse({ ...manifest, layers: [{ ...layer, mediaType: mediaTypes.inToto }] })).toBe(false);
    expect(parse({ ...manifest, config: { ...config, mediaType: "application/vnd.cncf.helm.config.v1+json" } })).toBe(
      false,
    );
    expect(isAttestation({ ...layer, annotations: { "vnd.docker.reference.type": "attestation-manifest" } })).toBe(
      true,
    );
  });
});

describe("glob", () => {
  const cases: readonly [string, string, boolean][] = [
    ["*", "abc", true],
    ["*", "a/b", false],
    ["a*", "abc", true],
    ["*/*", "a/b", true],
    ["a?c", "abc", true],
    ["a?c", "a/c", false],
    ["[a-c]x", "bx", true],
    ["[^a]x", "ax", false],
    ["a.c", "abc", false],
    ["\\*", "*", true],
    ["a**b", "aXb", true],
  ];
  for (const [pattern, text, wanted] of cases) {
    test(`${pattern} ${wanted ? "fits" : "does not fit"} ${text}`, () => expect(globMatch(pattern, text)).toBe(wanted));
  }
  test("refuses what is not one", () => {
    for (const pattern of ["[", "a\\", "[z-a]"])
      expect(() => globMatch(pattern, "a")).toThrow("syntax error in pattern");
  });
});

/** The image-spec's own schemas, from a checkout of it or from beside this repository. */
const SCHEMAS = process.env.HOY_IMAGE_SPEC_SCHEMA ?? resolve(import.meta.dir, "../../../shared/data/image-spec-schema");

describe.skipIf(!existsSync(SCHEMAS))("the image-spec's JSON schemas agree (set HOY_IMAGE_SPEC_SCHEMA)", () => {
  const base = "https://opencontainers.org/schema/image";
  const ajv = new Ajv({ strict: false, validateFormats: false });
  /** Their ids and their references do not agree; file names are what both mean. */
  const withoutIds = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(withoutIds);
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).filter(([key, one]) => key !== "id" || typeof one !== "string");
    return Object.fromEntries(entries.map(([key, one]) => [key, withoutIds(one)]));
  };
  const load = () => {
    for (const name of readdirSync(SCHEMAS)) {
      const schema = withoutIds(JSON.parse(readFileSync(join(SCHEMAS, name), "utf8"))) as object;
      ajv.addSchema({ ...schema, id: `${base}/${name}` });
    }
  };
  const check = (name: string, data: Uint8Array) => {
    const validate = ajv.getSchema(`${base}/${name}`);
    const valid = validate?.(JSON.parse(Buffer.from(data).toString()));
    expect(validate?.errors ?? []).toEqual([]);
    expect(valid).toBe(true);
  };
  test("with what we write", () => {
    load();
    const config = writeConfig({
      created: "2024-01-01T00:00:00.123456789Z",
      architecture: "amd64",
      os: "linux",
      config: { Cmd: ["x"], ExposedPorts: { "80/tcp": {} }, Volumes: { "/v": {} }, Labels: { a: "b" } },
      rootfs: { type: "layers", diff_ids: [DIGEST] },
      history: [{ created: "2024-01-01T00:00:00Z", comment: "c", empty_layer: false }],
    });
    check("config-schema.json", config);
    const manifest = writeManifest({ mediaType: mediaTypes.ociConfig, digest: DIGEST, size: 1 }, [
      { mediaType: mediaTypes.ociLayer, digest: DIGEST, size: 2 },
    ]);
    check("image-manifest-schema.json", manifest);
  });
});
