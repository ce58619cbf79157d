// Two engines on two machines, which give each other their images: what one has pulled, the other has from it.

import { beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { TestRegistry } from "../../src/engine/images/pull/testing-registry.ts";
import { tar } from "../../src/engine/images/testing.ts";
import { ok, unique } from "../harness/clients.ts";
import { command } from "../harness/command.ts";
import { type TestDaemon, testDaemon } from "../harness/daemon.ts";

const [A, B] = ["192.0.2.1", "192.0.2.2"];
const PORT = 5001;
const config = (peer: string, images: readonly string[] = []) => ({
  "insecure-registries": ["192.0.2.0/24"],
  "registry-mirrors": [`peer+http://${peer}:${PORT}`],
  "peer-registry": { listen: `0.0.0.0:${PORT}`, networks: ["192.0.2.0/24"], images },
});
const a = await testDaemon({ config: config(B), images: [] });
// Layers that are unpacked come from peers as well as those that are kept as they are.
const b = await testDaemon({ config: config(A), images: [], flags: ["--storage-driver=overlay"] });

let upstream: TestRegistry;
beforeAll(async () => {
  const far = `/proc/${process.pid}/fd/${b.namespace?.fd}`;
  await ip(a, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", far);
  for (const [daemon, address] of [
    [a, A],
    [b, B],
  ] as const) {
    await ip(daemon, "addr", "add", `${address}/24`, "dev", "eth0");
    await ip(daemon, "link", "set", "eth0", "up");
  }
  // The world, at the first machine's address.
  const started = a.namespace?.run(() => [TestRegistry.start(A)] as const)[0];
  if (started === undefined) throw new Error("the daemon has no network of its own");
  upstream = await started;
  a.beforeClose.push(() => upstream[Symbol.asyncDispose]());
  // With one end the other one goes; who is closed first does it.
  for (const one of [a, b])
    one.beforeClose.push(async () => void (await command([...one.inside, "ip", "link", "delete", "eth0"])));
});

async function ip(daemon: TestDaemon, ...args: readonly string[]): Promise<void> {
  await ok(command([...daemon.inside, "ip", ...args]));
}

/** An image of two layers, one compressed and one as it is, at the upstream registry. */
function publish(): { name: string; layers: string[] } {
  const app = unique("team/app");
  const layers = upstream.put(app, "v1", [tar({ a: randomBytes(300_000) }), tar({ b: unique() })]);
  upstream.asked.length = 0;
  return { name: `${upstream.address}/${app}:v1`, layers };
}

test("a layer comes from outside once; what a tag means is asked each time", async () => {
  const { name, layers } = publish();
  await ok(a.hoy("pull", name));
  await ok(b.hoy("pull", name));
  for (const digest of layers) expect(upstream.count("GET", digest)).toBe(1);
  expect(upstream.count("GET", "/blobs/")).toBe(3);
  expect(upstream.count("GET", "/manifests/v1")).toBe(2);
  expect((await b.hoy("image", "verify", name)).code).toBe(0);
  const id = (daemon: TestDaemon) => ok(daemon.hoy("inspect", "-f", "{{.Id}} {{.RepoDigests}}", name));
  expect(await id(b)).toBe(await id(a));
});

test("of two engines that begin at once one goes outside for a layer, and the other waits for it", async () => {
  const { name, layers } = publish();
  // Long enough for both to be there before the first has anything.
  const slow = async ({ url }: { readonly url: string }) => {
    if (url.includes("/blobs/")) await Bun.sleep(700);
    return false;
  };
  upstream.rules = [slow];
  try {
    await Promise.all([ok(a.hoy("pull", name)), ok(b.hoy("pull", name))]);
  } finally {
    upstream.rules = [];
  }
  for (const digest of layers) expect(upstream.count("GET", digest)).toBe(1);
  expect((await b.hoy("image", "verify", name)).code).toBe(0);
});

test("an image is there for the others while the registry is away, and as layers that came uncompressed", async () => {
  const app = unique("team/plain");
  upstream.put(app, "v1", [tar({ plain: randomBytes(100_000) })], "plain");
  const name = `${upstream.address}/${app}:v1`;
  await ok(b.hoy("pull", name));
  upstream.rules = [(_, response) => response.destroy() !== undefined];
  try {
    await ok(a.hoy("pull", name));
  } finally {
    upstream.rules = [];
  }
  expect((await a.hoy("image", "verify", name)).code).toBe(0);
});

test("an engine gives only images of the repositories that it was told, and none without a name", async () => {
  const { name, layers } = publish();
  await ok(a.hoy("pull", name));
  const status = async (path: string) => {
    const script = "const r = await fetch(process.argv[1]); console.log(r.status)";
    return ok(command([...b.inside, process.execPath, "-e", script, `http://${A}:${PORT}/v2/${path}`]));
  };
  const blob = `team/app/blobs/${layers[0]}`;
  expect(await status(blob)).toBe("200");
  const id = await ok(a.hoy("inspect", "-f", "{{.Id}}", name));
  await ok(a.hoy("create", "--name", unique(), "--network", "none", name, "true"));
  await ok(a.hoy("rmi", "-f", name));
  expect(await status(blob)).toBe("404");
  expect(await status(`team/app/blobs/${id}`)).toBe("404");
});
