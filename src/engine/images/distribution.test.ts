// `distribution inspect` against the registry of this house, over loopback.

import { expect, test } from "bun:test";
import { digestOf, imageOf, OCI_MANIFEST, TestRegistry } from "../../registry/server/testing.ts";
import { NEVER, TestHouse } from "./testing.ts";

const OCI_INDEX = "application/vnd.oci.image.index.v1+json";

async function pushImage(registry: TestRegistry, name: string, reference: string, config: object) {
  const text = JSON.stringify(config);
  const layer = await registry.pushBlob(name, "a layer");
  const document = imageOf(await registry.pushBlob(name, text), layer, 7);
  const manifest = JSON.stringify({ ...document, config: { ...document.config, size: text.length } });
  const pushed = await registry.putManifest(name, reference === "" ? digestOf(manifest) : reference, manifest);
  expect(pushed.status).toBe(201);
  return { mediaType: OCI_MANIFEST, digest: digestOf(manifest), size: manifest.length };
}

test("one manifest: its descriptor, and the platform that its config names", async () => {
  await using registry = await TestRegistry.start();
  await using house = await TestHouse.open();
  const host = new URL(registry.url).host;
  const config = { architecture: "arm64", os: "linux", variant: "v8", rootfs: { type: "layers", diff_ids: [] } };
  const descriptor = await pushImage(registry, "team/app", "1.0", config);
  for (const name of [`${host}/team/app:1.0`, `${host}/team/app@${descriptor.digest}`]) {
    expect(await house.images.distribution(name, undefined, NEVER)).toEqual({
      Descriptor: descriptor,
      Platforms: [{ architecture: "arm64", os: "linux", variant: "v8" }],
    });
  }
  expect(await house.files()).toEqual([]);
});

test("an index: its own descriptor, and the platforms of its entries in their order", async () => {
  await using registry = await TestRegistry.start();
  await using house = await TestHouse.open();
  const amd64 = { architecture: "amd64", os: "linux" };
  const windows = { architecture: "amd64", os: "windows", "os.version": "10.0.1", "os.features": ["win32k"] };
  const manifests = [
    { ...(await pushImage(registry, "many", "", amd64)), platform: amd64 },
    { ...(await pushImage(registry, "many", "", windows)), platform: windows },
  ];
  const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX, manifests });
  expect((await registry.putManifest("many", "latest", index, OCI_INDEX)).status).toBe(201);
  expect(await house.images.distribution(`${new URL(registry.url).host}/many`, undefined, NEVER)).toEqual({
    Descriptor: { mediaType: OCI_INDEX, digest: digestOf(index), size: index.length },
    Platforms: [amd64, windows],
  });
});

test("what can't be found or named is said in Docker's words", async () => {
  await using registry = await TestRegistry.start();
  await using house = await TestHouse.open();
  const host = new URL(registry.url).host;
  await pushImage(registry, "app", "here", {});
  const inspect = (name: string) => house.images.distribution(name, undefined, NEVER);
  await expect(inspect(`${host}/app:gone`)).rejects.toMatchObject({
    code: "not-found",
    message: expect.stringContaining("manifest unknown"),
  });
  await expect(inspect("a".repeat(64))).rejects.toMatchObject({
    code: "invalid",
    message: "no manifest found for full image ID",
  });
  await expect(inspect("UPPER")).rejects.toMatchObject({ code: "invalid" });
});

test("the name and password of X-Registry-Auth are sent where the registry asks for them", async () => {
  const config = JSON.stringify({ architecture: "riscv64", os: "linux" });
  const manifest = JSON.stringify(imageOf(digestOf(config), digestOf("a layer"), 7));
  await using server = serveBehindPassword(manifest, config);
  await using house = await TestHouse.open();
  const name = `127.0.0.1:${server.port}/app`;
  const auth = { username: "alice", password: "secret" };
  const { Platforms } = await house.images.distribution(name, auth, NEVER);
  expect(Platforms).toEqual([{ architecture: "riscv64", os: "linux" }]);
  await expect(house.images.distribution(name, undefined, NEVER)).rejects.toMatchObject({ code: "unauthorized" });
});

function serveBehindPassword(manifest: string, config: string) {
  const wanted = `Basic ${btoa("alice:secret")}`;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      if (request.headers.get("authorization") !== wanted) {
        return new Response("", { status: 401, headers: { "WWW-Authenticate": 'Basic realm="test"' } });
      }
      if (request.url.includes("/blobs/")) return new Response(config);
      return new Response(manifest, { headers: { "Content-Type": OCI_MANIFEST } });
    },
  });
  return { port: server.port, [Symbol.asyncDispose]: () => server.stop(true) };
}
