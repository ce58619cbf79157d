// Images that leave the engine from a build: pushed or written as a layout, packed as asked, annotated, attested, of several
// platforms. By `hoy build`, and by buildx where it is.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildxOf, contextIn, withoutBuildx } from "../harness/buildx.ts";
import { ok, unique } from "../harness/clients.ts";
import type { Result } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";
import { testRegistry } from "../harness/registry.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const IN_TOTO = "application/vnd.in-toto+json";

interface Entry {
  readonly mediaType: string;
  readonly digest: string;
  readonly platform?: { readonly os: string; readonly architecture: string };
  readonly annotations?: Readonly<Record<string, string>>;
}
interface Manifest {
  readonly mediaType: string;
  readonly config: Entry;
  readonly layers: readonly Entry[];
  readonly manifests: readonly Entry[];
  readonly annotations?: Readonly<Record<string, string>>;
}

const hoy = await testDaemon();
const registry = await testRegistry(hoy);

const manifest = (repository: string, reference: string) =>
  registry.get(`${repository}/manifests/${reference}`, `${INDEX}, ${MANIFEST}`) as unknown as Promise<Manifest>;
const blob = (repository: string, digest: string) => registry.get(`${repository}/blobs/${digest}`);

/** Statements by predicate type, of the image that the index names first. */
async function statements(repository: string, index: Manifest): Promise<Map<string, Record<string, unknown>>> {
  const [image] = index.manifests;
  const entry = index.manifests.find(
    ({ annotations }) => annotations?.["vnd.docker.reference.digest"] === image?.digest,
  );
  expect(entry?.annotations?.["vnd.docker.reference.type"]).toBe("attestation-manifest");
  expect(entry?.platform).toEqual({ architecture: "unknown", os: "unknown" });
  const { layers } = await manifest(repository, entry?.digest ?? "");
  const found = new Map<string, Record<string, unknown>>();
  for (const { mediaType, digest, annotations } of layers) {
    expect(mediaType).toBe(IN_TOTO);
    const statement = await blob(repository, digest);
    expect(statement).toMatchObject({
      _type: "https://in-toto.io/Statement/v0.1",
      predicateType: annotations?.["in-toto.io/predicate-type"],
      subject: [{ digest: { sha256: image?.digest.slice("sha256:".length) } }],
    });
    found.set(String(statement.predicateType), statement.predicate as Record<string, unknown>);
  }
  return found;
}

const buildx = withoutBuildx === "" ? buildxOf(hoy) : undefined;
const builders: Record<string, (...args: string[]) => Promise<Result>> = {
  hoy: async (...args) => {
    const result = await hoy.hoy("build", "--network", "none", "--progress", "plain", ...args);
    if (result.code !== 0) throw new Error(`exit code ${result.code}:\n${result.stdout}${result.stderr}`);
    return result;
  },
  ...(buildx === undefined ? {} : { buildx: buildx.build }),
};
if (withoutBuildx !== "") test.skip(`buildx pushes (skipped: ${withoutBuildx})`, () => undefined);

for (const [program, build] of Object.entries(builders)) {
  const named = (what: string) => {
    const repository = `${program}/${what}`;
    return { repository, name: `${registry.address}/${repository}:1` };
  };

  describe(`${program}: images that leave`, () => {
    test("--push: the registry has it as the store knows it, packed as asked, with annotations; it comes back and runs", async () => {
      const { repository, name } = named("pushed");
      const dir = contextIn(hoy, "FROM busybox\nRUN echo here > /made\nCMD cat /made\n");
      const output = "type=image,push=true,compression=zstd,force-compression=true,annotation.org.example=yes";
      const meta = join(dir, "meta.json");
      await build("-t", name, "--output", output, "--provenance=false", "--metadata-file", meta, dir);
      const pushed = await manifest(repository, "1");
      expect(pushed.mediaType).toBe(MANIFEST);
      expect(pushed.annotations).toEqual({ "org.example": "yes" });
      expect(pushed.layers.map(({ mediaType }) => mediaType)).toEqual(
        Array.from({ length: 2 }, () => "application/vnd.oci.image.layer.v1.tar+zstd"),
      );
      const digest = String((await Bun.file(meta).json())["containerimage.digest"]);
      expect(await manifest(repository, digest)).toEqual(pushed);
      expect(await ok(hoy.hoy("inspect", "--format", "{{.RepoDigests}}", name))).toContain(digest);
      await ok(hoy.hoy("rmi", "-f", name));
      await ok(hoy.hoy("pull", name));
      expect(await ok(hoy.hoy("run", "--rm", "--network", "none", name))).toBe("here");
    }, 60_000);

    test("provenance and SBOM lie in the index as BuildKit puts them", async () => {
      const { repository, name } = named("attested");
      const dir = contextIn(
        hoy,
        "FROM busybox\nARG WORD\nCOPY status /var/lib/dpkg/status\nCOPY package-lock.json /app/\nRUN echo $WORD > /made\n",
        {
          status:
            "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.2.13-1\n\n" +
            "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1\n",
          "package-lock.json": '{"packages":{"":{"version":"1"},"node_modules/@a/b":{"version":"2.0.0"}}}',
        },
      );
      const args = ["-t", name, "--push", "--sbom=true", "--build-arg", "WORD=said"];
      await build(...args, "--provenance=mode=max,version=v1", dir);
      const index = await manifest(repository, "1");
      expect(index.mediaType).toBe(INDEX);
      expect(index.manifests).toHaveLength(2);
      const said = await statements(repository, index);
      expect(said.get("https://slsa.dev/provenance/v1")).toMatchObject({
        buildDefinition: {
          externalParameters: { request: { frontend: "dockerfile.v0", args: { "build-arg:WORD": "said" } } },
        },
        runDetails: { metadata: { buildkit_metadata: { source: { infos: [{ language: "Dockerfile" }] } } } },
      });
      const bill = said.get("https://spdx.dev/Document") as { packages: { name: string; versionInfo: string }[] };
      expect(bill).toMatchObject({ spdxVersion: "SPDX-2.3", SPDXID: "SPDXRef-DOCUMENT" });
      expect(bill.packages.map(({ name: each, versionInfo }) => `${each} ${versionInfo}`).sort()).toEqual([
        "@a/b 2.0.0",
        "zlib1g 1:1.2.13-1",
      ]);
      await build(...args, "--provenance=mode=min", dir);
      const least = (await statements(repository, await manifest(repository, "1"))).get(
        "https://slsa.dev/provenance/v0.2",
      );
      expect(least).toMatchObject({ buildType: "https://mobyproject.org/buildkit@v1" });
      expect(JSON.stringify(least)).not.toContain("WORD");
    }, 60_000);

    test("several platforms: cross-compiled by this one, one index of all", async () => {
      const { repository, name } = named("platforms");
      const dir = contextIn(
        hoy,
        "FROM --platform=$BUILDPLATFORM busybox AS build\nARG TARGETARCH\nRUN echo for $TARGETARCH > /made\n" +
          "FROM scratch\nCOPY --from=build /made /made\n",
      );
      const platforms = ["--platform", "linux/amd64,linux/arm64"];
      await build("-t", name, "--push", "--provenance=false", ...platforms, dir);
      const index = await manifest(repository, "1");
      expect(index.mediaType).toBe(INDEX);
      expect(index.manifests.map(({ platform }) => `${platform?.os}/${platform?.architecture}`)).toEqual([
        "linux/amd64",
        "linux/arm64",
      ]);
      const configs = await Promise.all(
        index.manifests.map(async ({ digest }) => {
          const { config } = await manifest(repository, digest);
          return blob(repository, config.digest);
        }),
      );
      expect(configs.map(({ architecture }) => architecture)).toEqual(["amd64", "arm64"]);
      // The same result has the same digest.
      await build("-t", name, "--push", "--provenance=false", ...platforms, dir);
      expect(await manifest(repository, "1")).toEqual(index);
      const tar = join(dir, "layout.tar");
      await build("-t", name, "--provenance=false", ...platforms, "--output", `type=oci,dest=${tar}`, dir);
      const layout = Bun.spawnSync(["tar", "-xOf", tar, "index.json"]).stdout.toString();
      expect(JSON.parse(layout).manifests[0]).toMatchObject({
        mediaType: INDEX,
        annotations: { "io.containerd.image.name": name },
      });
    }, 60_000);

    test("what can't be is said: annotations of no index, compressions that are not here", async () => {
      const { name } = named("refused");
      const dir = contextIn(hoy, "FROM scratch\nCOPY Dockerfile /\n");
      const refused = async (...args: string[]) => {
        const error = await build(...args).then(
          () => undefined,
          (thrown: unknown) => String(thrown),
        );
        if (error === undefined) throw new Error("went well");
        return error;
      };
      const annotated = "type=image,push=true,annotation-index.a=b";
      expect(await refused("-t", name, "--provenance=false", "--output", annotated, dir)).toContain(
        "index annotations",
      );
      expect(await refused("--output", "type=image,compression=estargz", dir)).toContain("estargz");
    }, 60_000);
  });
}

// buildx does not let its docker driver do so.
test("hoy: by digest: no tag there, and the name with the digest here", async () => {
  const build = (...args: string[]) => hoy.hoy("build", "--network", "none", "--progress", "plain", ...args);
  const repository = "digest";
  const name = `${registry.address}/${repository}`;
  const dir = contextIn(hoy, "FROM scratch\nCOPY Dockerfile /\n");
  const metadata = join(dir, "metadata.json");
  for (const provenance of ["--provenance=false", "--provenance=mode=min"]) {
    const output = `type=image,name=${name},push-by-digest=true,name-canonical=true,push=true`;
    await ok(build(provenance, "--metadata-file", metadata, "--output", output, dir));
    const { "containerimage.digest": digest } = JSON.parse(readFileSync(metadata, "utf8"));
    expect((await manifest(repository, digest)).mediaType).toBe(provenance === "--provenance=false" ? MANIFEST : INDEX);
    expect(await ok(hoy.hoy("inspect", "-f", "{{json .RepoTags}} {{.Descriptor.digest}}", `${name}@${digest}`))).toBe(
      `[] ${digest}`,
    );
    await ok(hoy.hoy("rmi", `${name}@${digest}`));
  }
  expect(await registry.get(`${repository}/tags/list`)).toEqual({ name: repository, tags: [] });
  const tagged = await build("--output", `type=image,name=${name}:1,push-by-digest=true,push=true`, dir);
  expect([tagged.code, tagged.stderr.includes("can't push tagged ref")]).toEqual([1, true]);
}, 60_000);

describe("reproducible", () => {
  test("SOURCE_DATE_EPOCH: the same digests after everything was forgotten", async () => {
    const digests = [];
    for (const round of [1, 2]) {
      const dir = contextIn(hoy, "FROM scratch\nCOPY file /\n", { file: "text" });
      const meta = join(dir, "meta.json");
      const name = `${registry.address}/same/${unique("r")}:${round}`;
      const output = "type=image,push=true,rewrite-timestamp=true";
      await builders.hoy?.(
        "-t",
        name,
        "--output",
        output,
        "--build-arg",
        "SOURCE_DATE_EPOCH=1700000000",
        "--provenance=false",
        "--metadata-file",
        meta,
        dir,
      );
      digests.push((await Bun.file(meta).json())["containerimage.digest"]);
      await ok(hoy.hoy("rmi", "-f", name));
      await hoy.api("POST", "/build/prune?all=1");
    }
    expect(digests[0]).toMatch(/^sha256:/);
    expect(digests[1]).toBe(digests[0]);
  }, 60_000);
});
