// The build cache elsewhere: exported to a registry, a directory and an image, and read again by a builder that has
// nothing of its own left.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildxOf, contextIn, withoutBuildx } from "../harness/buildx.ts";
import { ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";
import { testRegistry } from "../harness/registry.ts";

const CACHE_CONFIG = "application/vnd.buildkit.cacheconfig.v0";
const hoy = await testDaemon();
const registry = await testRegistry(hoy);
const client = hoy.hoy;

const DOCKERFILE = `FROM busybox AS build
COPY word /word
RUN cat /word /proc/sys/kernel/random/uuid > /made
FROM busybox
COPY --from=build /made /made
RUN cat /proc/sys/kernel/random/uuid > /last
`;
const files = { word: "a word\n" };

/** Both stages' random words: the same again only when they come from a cache. */
const madeBy = (tag: string) => ok(client("run", "--rm", "--network", "none", tag, "cat", "/made", "/last"));

/** Nothing of the builder's own is left, and no image of it. */
async function forget(...tags: string[]): Promise<void> {
  for (const tag of tags) await ok(client("rmi", "-f", tag));
  await hoy.api("POST", "/build/prune?all=1");
  expect((await hoy.api("GET", "/system/df?type=build-cache")).json).toMatchObject({ BuildCache: [] });
}

/** POST /build, as `hoy build` does it. @returns its output. */
async function classic(tag: string, query: Readonly<Record<string, string>>): Promise<string> {
  const dir = contextIn(hoy, DOCKERFILE, files);
  const tar = Bun.spawnSync(["tar", "-C", dir, "-c", "."]).stdout;
  const search = new URLSearchParams({ t: tag, networkmode: "none", ...query });
  const response = await fetch(`http://hoy/build?${search}`, {
    method: "POST",
    body: tar,
    headers: { "Content-Type": "application/x-tar" },
    unix: hoy.socket,
  } as RequestInit);
  return response.text();
}

describe("cacheto and cachefrom of POST /build", () => {
  test("a registry's cache of mode=max brings both stages back, mode=min the last one", async () => {
    const tag = unique("cache");
    const max = `type=registry,ref=${registry.address}/cache/classic:max`;
    const min = `type=registry,ref=${registry.address}/cache/classic:min,compression=zstd,force-compression=true`;
    const first = await classic(tag, { cacheto: JSON.stringify([`${max},mode=max`, `${min},mode=min`]) });
    expect(first).toContain("exporting cache to registry");
    expect(first).toContain("Successfully tagged");
    const made = await madeBy(tag);
    await forget(tag);
    const again = await classic(tag, { cachefrom: JSON.stringify([max]) });
    expect(again).toContain("Successfully tagged");
    expect(again.match(/Using cache/g) ?? [again]).not.toHaveLength(1);
    expect(await madeBy(tag)).toBe(made);
    await forget(tag);
    expect(await classic(tag, { cachefrom: JSON.stringify([min]) })).toContain("Successfully tagged");
    // The first stage's step is not in it, so it came out otherwise, and all that stands on it.
    expect(await madeBy(tag)).not.toBe(made);
    await forget(tag);
  }, 60_000);

  test("its document is BuildKit's", async () => {
    const tag = unique("cache");
    const name = `${registry.address}/cache/document:1`;
    await classic(tag, { cacheto: JSON.stringify([`type=registry,ref=${name},mode=max`]) });
    const manifest = await registry.get("cache/document/manifests/1");
    expect(manifest).toMatchObject({ schemaVersion: 2, config: { mediaType: CACHE_CONFIG } });
    const { digest } = manifest.config as { digest: string };
    const { layers, records } = (await registry.get(`cache/document/blobs/${digest}`)) as {
      layers: { blob: string; parent: number; annotations: { diffID: string; mediaType: string } }[];
      records: { digest: string; layers: { layer: number; createdAt: string }[] }[];
    };
    const blobs = (manifest.layers as { digest: string }[]).map((layer) => layer.digest);
    for (const { blob, parent, annotations } of layers) {
      expect(blobs).toContain(blob);
      expect(parent).toBeLessThan(layers.length);
      expect(annotations.diffID).toMatch(/^sha256:/);
      expect(annotations.mediaType).toContain("tar+gzip");
    }
    expect(records.length).toBeGreaterThanOrEqual(4);
    for (const { digest: key, layers: results } of records) {
      expect(key).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect(layers[results[0]?.layer ?? -1]).toBeDefined();
    }
    await forget(tag);
  }, 60_000);

  test("an inline cache is in the image, and read from where the image was pushed", async () => {
    const tag = `${registry.address}/cache/inline:${unique("i")}`;
    await classic(tag, { cacheto: JSON.stringify(["type=inline"]) });
    await ok(client("push", tag));
    const made = await madeBy(tag);
    await forget(tag);
    const again = await classic("again", { cachefrom: JSON.stringify([`type=registry,ref=${tag}`]) });
    expect(again).toContain("importing cache manifest from");
    // mode=min: the last stage's own steps hang on the first stage's, which is not in the image.
    expect(await madeBy("again")).not.toBe(made);
    await forget("again");
  }, 60_000);

  test("a cache that is not there stops nothing; a type that is none does, at once", async () => {
    const missing = `type=registry,ref=${registry.address}/cache/nothing:1`;
    const output = await classic("without", { cachefrom: JSON.stringify([missing]) });
    expect(output).toContain("[Warning] importing cache manifest from");
    expect(output).toContain("Successfully tagged");
    await forget("without");
    expect(await classic("x", { cacheto: '["type=gha"]' })).toContain("type=gha");
    expect(await classic("x", { cacheto: '["type=local,dest=/tmp/x"]' })).toContain("directory of the client");
    expect(await classic("x", { cacheto: '["type=registry,ref=x,mode=most"]' })).toContain(
      "unsupported cache export mode",
    );
  }, 60_000);
});

if (withoutBuildx !== "") {
  test.skip(`buildx caches (skipped: ${withoutBuildx})`, () => undefined);
} else {
  const buildx = buildxOf(hoy);

  describe("buildx: --cache-to and --cache-from", () => {
    for (const type of ["registry", "local"] as const) {
      test(`type=${type}, mode=max`, async () => {
        const tag = unique("cache");
        const dir = contextIn(hoy, DOCKERFILE, files);
        const store = join(dir, "../cache-of-client");
        const name = `${registry.address}/cache/buildx:1`;
        const [to, from] =
          type === "registry"
            ? [`type=registry,ref=${name}`, name]
            : [`type=local,dest=${store}`, `type=local,src=${store}`];
        await buildx.build("-t", tag, "--cache-to", `${to},mode=max`, dir);
        const made = await madeBy(tag);
        await forget(tag);
        const { stderr } = await buildx.build("-t", tag, "--cache-from", from, dir);
        expect(stderr).toContain("importing cache manifest from");
        expect(stderr.match(/CACHED/g)?.length).toBe(5);
        expect(await madeBy(tag)).toBe(made);
        if (type === "local") {
          expect(JSON.parse(readFileSync(join(store, "index.json"), "utf8")).manifests).toHaveLength(1);
          expect(readdirSync(join(store, "blobs/sha256")).length).toBeGreaterThan(4);
          // What is there already is not sent again.
          await buildx.build("-t", tag, "--cache-to", `${to},mode=max`, dir);
        }
        await forget(tag);
      }, 60_000);
    }

    test("type=inline, of one stage: pushed with the image, and all of it comes back", async () => {
      const dir = contextIn(hoy, "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /made\nRUN cp /made /last\n");
      const tag = `${registry.address}/cache/inline-buildx:1`;
      await buildx.build("-t", tag, "--push", "--provenance=false", "--cache-to", "type=inline", dir);
      const made = await madeBy(tag);
      await forget(tag);
      const { stderr } = await buildx.build("-t", "back", "--cache-from", tag, dir);
      expect(stderr.match(/CACHED/g)?.length).toBe(3);
      expect(await madeBy("back")).toBe(made);
      await forget("back");
    }, 60_000);

    test("a directory that is not there is no cache; what is not known is an error", async () => {
      const dir = contextIn(hoy, "FROM busybox\nRUN true\n");
      await buildx.build("--cache-from", `type=local,src=${dir}/none`, dir);
      expect(existsSync(join(dir, "none/index.json"))).toBe(false);
      const { code, stderr } = await buildx("build", "--cache-to", "type=elsewhere", dir);
      expect(code).not.toBe(0);
      expect(stderr).toContain("a build cache can't be exported with type=elsewhere");
      const fine = await buildx.build("--cache-to", `type=registry,ref=localhost:1/x,ignore-error=true`, dir);
      expect(fine.stderr).toContain("exporting cache to registry");
    }, 60_000);
  });
}
