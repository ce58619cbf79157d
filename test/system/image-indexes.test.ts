// Images of several platforms under one name, with their attestations: built into the store, shown, chosen from, saved,
// loaded, pushed, and freed with their last name.

import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { ImageManifestSummary, ImageSummary } from "../../src/api/types/image.ts";
import { buildxOf, contextIn, withoutBuildx } from "../harness/buildx.ts";
import { eachClient, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";
import { testRegistry } from "../harness/registry.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

const hoy = await testDaemon();
const registry = await testRegistry(hoy);
const dir = contextIn(
  hoy,
  `FROM --platform=$BUILDPLATFORM busybox AS build
ARG TARGETARCH
RUN echo for $TARGETARCH > /made
FROM scratch
COPY --from=build /made /made
`,
);

/** For two platforms; only this machine's can run. */
async function built(name: string, ...flags: string[]): Promise<string> {
  const platforms = ["--platform", "linux/amd64,linux/arm64"];
  await ok(hoy.hoy("build", "--network", "none", "-q", ...platforms, ...flags, "-t", name, dir));
  return name;
}

async function api<T>(path: string): Promise<T> {
  const response = await fetch(`http://hoy${path}`, { unix: hoy.socket } as RequestInit);
  expect(response.status).toBe(200);
  return (await response.json()) as T;
}

const images = () => api<ImageSummary[]>("/images/json?manifests=true");
const manifestsOf = async (name: string): Promise<readonly ImageManifestSummary[]> =>
  (await images()).find(({ RepoTags }) => RepoTags.includes(`${name}:latest`))?.Manifests ?? [];
const platformOf = ({ ImageData }: ImageManifestSummary) => ImageData?.Platform.architecture ?? "";
const blobs = () => readdirSync(join(hoy.data, "blobs/sha256")).sort();
const layers = () => readdirSync(join(hoy.data, "layers/sha256")).sort();

eachClient(hoy, "one name, one line, and below it the platforms", async (client) => {
  const name = await built(unique("several"));
  expect((await ok(client("images", "-q", name))).split("\n")).toHaveLength(1);
  expect(await ok(client("images", "--filter", "dangling=true", "-q"))).toBe("");
  const tree = await ok(client("images", "--tree", name));
  expect(tree).toMatch(/linux\/amd64/);
  expect(tree).toMatch(/linux\/arm64/);
  const arch = (...flags: string[]) =>
    ok(client("image", "inspect", ...flags, "-f", "{{.Architecture}} {{.Id}}", name));
  const [own, same, other] = [
    await arch(),
    await arch("--platform", "linux/amd64"),
    await arch("--platform", "linux/arm64"),
  ];
  expect(own).toStartWith("amd64 ");
  expect(same).toBe(own);
  expect(other).toStartWith("arm64 ");
  const none = await client("image", "inspect", "--platform", "linux/riscv64", name);
  expect([none.code, none.stderr.includes("does not match the specified platform")]).toEqual([1, true]);
  // A container is made of the image that is asked for, and holds it.
  const container = await ok(client("create", "--network", "none", "--platform", "linux/arm64", name, "/made"));
  expect(await ok(client("inspect", "-f", "{{.Image}}", container))).toBe(other.split(" ")[1] ?? "");
  const refused = await client("rmi", name);
  expect([refused.code, refused.stderr.includes("is using its referenced image")]).toEqual([1, true]);
  await ok(client("rm", container));
  await ok(client("image", "prune", "-f"));
  expect((await manifestsOf(name)).map(platformOf)).toEqual(["amd64", "arm64"]);
  await ok(client("rmi", name));
});

if (withoutBuildx !== "") test.skip(`buildx builds it too (skipped: ${withoutBuildx})`, () => undefined);
else {
  test("buildx builds it too", async () => {
    const name = unique("buildx");
    await buildxOf(hoy).build("--platform", "linux/amd64,linux/arm64", "--provenance=true", "-t", name, dir);
    expect((await manifestsOf(name)).map(platformOf)).toEqual(["amd64", "arm64", "", ""]);
    await ok(hoy.hoy("rmi", name));
  });
}

test("another name stands for all of it; with the last one all of it is freed", async () => {
  await ok(hoy.hoy("builder", "prune", "-af"));
  const before = [blobs(), layers()];
  const one = await built(unique("one"), "--no-cache", "--provenance=true");
  const two = unique("two");
  await ok(hoy.hoy("tag", one, two));
  await ok(hoy.hoy("rmi", one));
  expect((await manifestsOf(two)).map((each) => [each.Kind, platformOf(each), each.Available])).toEqual([
    ["image", "amd64", true],
    ["image", "arm64", true],
    ["attestation", "", true],
    ["attestation", "", true],
  ]);
  const [image] = await manifestsOf(two);
  expect((await manifestsOf(two))[2]?.AttestationData?.For).toBe(image?.ID ?? "");
  await ok(hoy.hoy("rmi", two));
  await ok(hoy.hoy("builder", "prune", "-af"));
  expect([blobs(), layers()]).toEqual(before as [string[], string[]]);
  expect(await ok(hoy.hoy("images", "-aq", "--filter", "dangling=true"))).toBe("");
});

test("saved and loaded: the same index, with all that it names", async () => {
  const name = await built(unique("saved"), "--provenance=true", "--sbom=true");
  const digest = async () =>
    (await api<{ Descriptor: { digest: string; mediaType: string } }>(`/images/${name}/json`)).Descriptor;
  const [before, manifests] = [await digest(), await manifestsOf(name)];
  expect(before.mediaType).toBe(INDEX);
  expect(manifests).toHaveLength(4);
  const tar = join(dir, "saved.tar");
  await ok(hoy.hoy("save", "-o", tar, name));
  const one = join(dir, "one.tar");
  await ok(hoy.hoy("save", "--platform", "linux/arm64", "-o", one, name));
  await ok(hoy.hoy("rmi", name));
  await ok(hoy.hoy("builder", "prune", "-af"));
  await ok(hoy.hoy("load", "-i", tar));
  expect(await digest()).toEqual(before);
  expect(await manifestsOf(name)).toEqual(manifests);
  await ok(hoy.hoy("rmi", name));
  // One platform alone, out of either archive.
  for (const args of [
    ["-i", one],
    ["--platform", "linux/arm64", "-i", tar],
  ]) {
    await ok(hoy.hoy("load", ...args));
    expect((await manifestsOf(name)).map(platformOf)).toEqual(["arm64"]);
    await ok(hoy.hoy("rmi", name));
  }
  expect(await ok(hoy.hoy("images", "-aq", "--filter", "dangling=true"))).toBe("");
});

eachClient(hoy, "pushed as it is here; one platform alone where that is asked for", async (client) => {
  const repository = unique("pushed");
  const name = await built(`${registry.address}/${repository}:1`, "--provenance=true");
  await ok(client("push", name));
  const index = (await registry.get(`${repository}/manifests/1`, INDEX)) as unknown as {
    manifests: { digest: string; platform: { architecture: string } }[];
  };
  expect(index.manifests.map(({ platform }) => platform.architecture)).toEqual([
    "amd64",
    "arm64",
    "unknown",
    "unknown",
  ]);
  await ok(client("push", "--platform", "linux/arm64", name));
  const single = (await registry.get(`${repository}/manifests/1`, `${INDEX}, ${MANIFEST}`)) as unknown as {
    config: { digest: string };
  };
  expect(single.config.digest).toBe(
    await ok(client("image", "inspect", "--platform", "linux/arm64", "-f", "{{.Id}}", name)),
  );
  // Without one of its images it is not whole.
  await ok(client("rmi", single.config.digest));
  const refused = await client("push", name);
  expect([refused.code, refused.stderr.includes("is not here for linux/arm64")]).toEqual([1, true]);
  await ok(client("rmi", name));
});
