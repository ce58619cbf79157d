// The registry's process under what a host does to it: killed at any moment of a push, out of disk. What clients were told
// is kept; what they were not told of is whole or not there; the next start goes on.

import { afterAll, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Running, start } from "../harness/command.ts";

const HOY = resolve(import.meta.dir, "../../dist/hoy");
const scratch = mkdtempSync("/tmp/hoy-t-registry-");
const servers = new Set<Running>();
afterAll(async () => {
  for (const server of servers) server.kill("SIGKILL");
  await Promise.all([...servers].map((server) => server.exited));
  rmSync(scratch, { recursive: true, force: true });
});

interface Served {
  readonly url: string;
  kill(): Promise<void>;
}

async function serve(argv: readonly string[]): Promise<Served> {
  const server = start(argv);
  servers.add(server);
  const url = /(http:\/\/\S+),/.exec(await server.until(/registry on .*\n/))?.[1] ?? "";
  return {
    url,
    async kill() {
      server.kill("SIGKILL");
      await server.exited;
      servers.delete(server);
    },
  };
}

const plain = (root: string) => serve([HOY, "registry", "serve", "--listen", "127.0.0.1:0", "--root", root]);
const digestOf = (data: Uint8Array) => `sha256:${createHash("sha256").update(data).digest("hex")}`;

async function begin(url: string, name: string): Promise<string> {
  const answer = await fetch(`${url}/v2/${name}/blobs/uploads/`, { method: "POST" });
  expect(answer.status).toBe(202);
  return answer.headers.get("location") ?? "";
}

async function push(url: string, name: string, data: Uint8Array): Promise<number> {
  const path = `${url}/v2/${name}/blobs/uploads/?digest=${digestOf(data)}`;
  return (await fetch(path, { method: "POST", body: new Uint8Array(data) })).status;
}

test("killed between two parts, the upload goes on after the next start", async () => {
  const root = join(scratch, "parts");
  const data = randomBytes(3_000_000);
  const first = await plain(root);
  const location = await begin(first.url, "a");
  const send = (url: string, method: string, part: Uint8Array, query = "") =>
    fetch(`${url}${location}${query}`, { method, body: new Uint8Array(part) });
  expect((await send(first.url, "PATCH", data.subarray(0, 2_000_000))).status).toBe(202);
  await first.kill();
  const second = await plain(root);
  const status = await fetch(`${second.url}${location}`);
  expect([status.status, status.headers.get("range")]).toEqual([204, "0-1999999"]);
  const end = await send(second.url, "PUT", data.subarray(2_000_000), `?digest=${digestOf(data)}`);
  expect(end.status).toBe(201);
  const back = await fetch(`${second.url}/v2/a/blobs/${digestOf(data)}`);
  expect(digestOf(new Uint8Array(await back.arrayBuffer()))).toBe(digestOf(data));
  await second.kill();
}, 60_000);

test("killed at any moment of many pushes: what was answered is there, what is there is whole", async () => {
  const root = join(scratch, "moments");
  const told = new Set<string>();
  const tried = new Set<string>();
  for (let round = 0; round < 5; round++) {
    const server = await plain(root);
    let running = true;
    const pushers = Array.from({ length: 4 }, async () => {
      while (running) {
        const data = randomBytes(200_000);
        tried.add(digestOf(data));
        const status = await push(server.url, "a", data).catch(() => undefined);
        if (status === 201) told.add(digestOf(data));
      }
    });
    const before = told.size;
    while (told.size < before + 5) await Bun.sleep(5);
    await Bun.sleep(round * 7); // at another moment each time
    await server.kill();
    running = false;
    await Promise.all(pushers);
  }
  const server = await plain(root);
  for (const digest of tried) {
    const answer = await fetch(`${server.url}/v2/a/blobs/${digest}`);
    expect(told.has(digest) ? answer.status : [200, 404].includes(answer.status)).toBe(told.has(digest) ? 200 : true);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (answer.status === 200) expect(digestOf(bytes)).toBe(digest);
  }
  // No bytes without a row: what is in the folder is what is known.
  const known = await Promise.all(
    readdirSync(join(root, "blobs/sha256")).map(
      async (hex) => (await fetch(`${server.url}/v2/a/blobs/sha256:${hex}`, { method: "HEAD" })).status,
    ),
  );
  expect(known.every((status) => status === 200)).toBe(true);
  await server.kill();
}, 120_000);

test("a full disk: the push is refused in words, what was there is served, and there is room again after removal", async () => {
  const root = join(scratch, "full");
  mkdirSync(root);
  // A small file system that nobody else sees, gone with the process.
  const script = 'mount -t tmpfs -o size=12m none "$1" && exec "$2" registry serve --listen 127.0.0.1:0 --root "$1"';
  const server = await serve(["unshare", "--mount", "sh", "-c", script, "sh", root, HOY]);
  const small = randomBytes(4_000_000);
  expect(await push(server.url, "a", small)).toBe(201);
  const large = randomBytes(9_000_000);
  const refused = await fetch(`${server.url}/v2/a/blobs/uploads/?digest=${digestOf(large)}`, {
    method: "POST",
    body: new Uint8Array(large),
  });
  expect([refused.status, await refused.text()]).toEqual([507, expect.stringContaining("no space left")]);
  expect((await fetch(`${server.url}/v2/a/blobs/${digestOf(large)}`)).status).toBe(404);
  const back = await fetch(`${server.url}/v2/a/blobs/${digestOf(small)}`);
  expect(digestOf(new Uint8Array(await back.arrayBuffer()))).toBe(digestOf(small));
  expect((await fetch(`${server.url}/v2/a/blobs/${digestOf(small)}`, { method: "DELETE" })).status).toBe(202);
  expect(await push(server.url, "a", randomBytes(5_000_000))).toBe(201);
  await server.kill();
}, 60_000);
