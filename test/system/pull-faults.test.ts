// Pulls that end badly on this side: the engine is killed in the middle, the disk is full. Nothing wrong is visible
// afterwards, nothing is left, and the next try goes on.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { TestRegistry } from "../../src/engine/images/pull/testing-registry.ts";
import { tar } from "../../src/engine/images/testing.ts";
import { command } from "../harness/command.ts";
import { TestDaemon, testDaemon } from "../harness/daemon.ts";

const flags = ["--bridge=none"];
let registry: TestRegistry;
beforeAll(async () => {
  registry = await TestRegistry.start();
});
afterAll(() => registry[Symbol.asyncDispose]());

const SIZE = 3_000_000;

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waited = 0; waited < 30_000; waited += 20) {
    if (holds()) return;
    await Bun.sleep(20);
  }
  throw new Error(`waited in vain until ${what}`);
}

const killed = await testDaemon({ network: "host", flags, images: [] });

test("an engine that is killed in mid-pull has nothing half afterwards, and goes on from there", async () => {
  for (const client of killed.clients) {
    const name = `${registry.address}/${client.program}:v1`;
    const [large = ""] = registry.put(client.program, "v1", [tar({ data: randomBytes(SIZE) })]);
    const bytes = registry.blobs.get(large) ?? Buffer.alloc(0);
    registry.rules = [
      ({ url }, response) => {
        if (!url.includes(large)) return false;
        // Half of it, and then silence.
        response.writeHead(200, { "Content-Length": bytes.length });
        response.write(bytes.subarray(0, bytes.length >> 1));
        return true;
      },
    ];
    const pull = client.start("pull", name);
    const partial = join(killed.data, "tmp/partial", large.slice("sha256:".length));
    await until("half of the layer is here", () => existsSync(partial) && statSync(partial).size === bytes.length >> 1);
    await killed.restart("SIGKILL");
    expect(await pull.exited).not.toBe(0);
    registry.rules = [];
    expect((await client("images", "-aq")).stdout).toBe("");
    for (const place of ["layers/sha256", "blobs/sha256"]) expect(readdirSync(join(killed.data, place))).toEqual([]);
    registry.asked.length = 0;
    const again = await client("pull", name);
    expect({ code: again.code, stderr: again.stderr }).toEqual({ code: 0, stderr: "" });
    const asked = registry.asked.find(({ url }) => url.includes(large));
    expect(asked?.headers.range).toBe(`bytes=${bytes.length >> 1}-`);
    expect((await killed.hoy("image", "verify", name)).code).toBe(0);
    expect((await client("rmi", name)).code).toBe(0);
  }
}, 90_000);

test("a full disk is said, and leaves room for what fits", async () => {
  const daemon = new TestDaemon({ network: "host", flags });
  mkdirSync(daemon.data, { mode: 0o711 });
  expect((await command(["mount", "-t", "tmpfs", "-o", "size=12m,mode=711", "tmpfs", daemon.data])).code).toBe(0);
  try {
    await daemon.up();
    registry.put("large", "v1", [tar({ data: randomBytes(10_000_000) })]);
    registry.put("small", "v1", [tar({ data: randomBytes(100_000) })]);
    const full = await daemon.hoy("pull", `${registry.address}/large:v1`);
    expect(full.code).toBe(1);
    expect(full.stderr).toMatch(/no space left on device|ENOSPC/i);
    expect((await daemon.hoy("images", "-aq")).stdout).toBe("");
    expect(readdirSync(join(daemon.data, "layers/sha256"))).toEqual([]);
    expect(readdirSync(join(daemon.data, "tmp/partial"))).toEqual([]);
    const fits = await daemon.hoy("pull", `${registry.address}/small:v1`);
    expect({ code: fits.code, stderr: fits.stderr }).toEqual({ code: 0, stderr: "" });
    await daemon.hoy("rmi", `${registry.address}/small:v1`);
  } finally {
    await daemon.down();
    await command(["umount", "-l", daemon.data]);
    await daemon.close();
  }
}, 90_000);
