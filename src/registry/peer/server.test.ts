// What a peer registry gives, and to whom: with images of the test's own behind it.

import { afterAll, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { BlockList, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { certificates } from "../../../test/harness/certificates.ts";
import { testWith } from "../../../test/harness/needs.ts";
import { type Digest, sha256 } from "../../base/digest.ts";
import { type PeerServerOptions, startPeerServer } from "./server.ts";
import type { PeerSource } from "./source.ts";

const root = mkdtempSync(join(tmpdir(), "hoy-peer-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const bytes = randomBytes(2_500_000);
const digest = sha256(bytes);
const file = join(root, "blob");
writeFileSync(file, bytes);
const absent: Digest = `sha256:${"0".repeat(64)}`;
const gone: Digest = `sha256:${"1".repeat(64)}`;
const token = "ab".repeat(16);
const asked: string[] = [];
const source: PeerSource = {
  async manifest(name, reference) {
    asked.push(`${name} ${reference}`);
    if (reference === "broken") throw new Error("a secret of the host");
    return reference === "v1" ? { digest, mediaType: "application/x", bytes: Buffer.from("{}") } : undefined;
  },
  async blob(wanted) {
    if (wanted === gone) return join(root, "removed meanwhile");
    return wanted === digest ? file : undefined;
  },
  coming(name, wanted, asker) {
    if (wanted !== gone && wanted !== absent) return undefined;
    asked.push(`${name} ${asker?.token}`);
    return wanted === absent && name === "docker.io/coming" ? { token, receiving: true, received: 7 } : undefined;
  },
};

function networks(...all: readonly string[]): BlockList {
  const list = new BlockList();
  for (const each of all) list.addSubnet(each, 32);
  return list;
}

async function serve(options: Partial<PeerServerOptions> = {}) {
  const all = { host: "127.0.0.1", port: 0, networks: networks("127.0.0.1"), tls: undefined, ...options };
  const server = await startPeerServer(source, all);
  return Object.assign(server, { [Symbol.asyncDispose]: () => server.close() });
}

test("manifests by the registry's name and a tag or digest, blobs whole and in ranges", async () => {
  await using server = await serve();
  const get = (path: string, init: RequestInit = {}) => fetch(`http://${server.address}/v2/${path}`, init);
  asked.length = 0;
  const manifest = await get("app/manifests/v1?ns=registry.example.com:5000");
  expect(manifest.headers.get("content-type")).toBe("application/x");
  expect(manifest.headers.get("docker-content-digest")).toBe(digest);
  await get("library/busybox/manifests/v1");
  expect(asked).toEqual(["registry.example.com:5000/app v1", "docker.io/library/busybox v1"]);
  const whole = await get(`app/blobs/${digest}`);
  expect(sha256(new Uint8Array(await whole.arrayBuffer()))).toBe(digest);
  const part = await get(`app/blobs/${digest}`, { headers: { Range: "bytes=2000000-" } });
  expect([part.status, part.headers.get("content-range")]).toEqual([206, `bytes 2000000-2499999/2500000`]);
  expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(2_000_000))).toBe(true);
  const head = await get(`app/blobs/${digest}`, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length")]).toEqual([200, "2500000"]);
  expect((await get("")).status).toBe(200);
});

test("of a blob that is being fetched a peer hears how far it is, and says what it does itself", async () => {
  await using server = await serve();
  const head = async (name: string, said: string) => {
    const headers = { "Hoy-Coming": said };
    const answer = await fetch(`http://${server.address}/v2/${name}/blobs/${absent}?ns=docker.io`, { headers });
    return [answer.status, answer.headers.get("hoy-coming")];
  };
  asked.length = 0;
  expect(await head("coming", `${token} asking 0`)).toEqual([404, `${token} receiving 7`]);
  expect(await head("other", "nonsense")).toEqual([404, null]);
  expect(asked).toEqual([`docker.io/coming ${token}`, "docker.io/other undefined"]);
});

test("everything else is an error that says nothing", async () => {
  await using server = await serve();
  const status = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(`http://${server.address}${path}`, init);
    const text = await response.text();
    expect(text).not.toContain("secret");
    return response.status;
  };
  expect(await status(`/v2/app/blobs/${absent}`)).toBe(404);
  expect(await status(`/v2/app/blobs/${gone}`)).toBe(404);
  expect(await status("/v2/app/manifests/v2")).toBe(404);
  expect(await status("/v2/app/manifests/v1?ns=../../etc")).toBe(404);
  expect(await status("/v2/app/manifests/broken")).toBe(500);
  expect(await status("/v2/_catalog")).toBe(404);
  expect(await status("/v2/app/tags/list")).toBe(404);
  expect(await status("/v2/..%2f..%2fetc/blobs/passwd")).toBeGreaterThanOrEqual(400);
  expect(await status("/v2/app/blobs/uploads/", { method: "POST" })).toBe(405);
  expect(await status("/v2/app/manifests/v1", { method: "PUT", body: "{}" })).toBe(405);
  expect(await status(`/v2/app/blobs/${digest}`, { method: "DELETE" })).toBe(405);
  expect(await status(`/v2/app/blobs/${digest}`, { headers: { Range: "bytes=9999999-" } })).toBe(416);
});

test("who is of no allowed network is not even read", async () => {
  await using server = await serve({ networks: networks("10.1.2.3") });
  const [host = "", port] = server.address.split(":");
  const socket = connect(Number(port), host);
  socket.write("GET /v2/ HTTP/1.1\r\nHost: x\r\n\r\n");
  const answer: Buffer[] = [];
  socket.on("data", (data) => answer.push(Buffer.from(data)));
  socket.on("error", () => undefined);
  await new Promise((resolve) => socket.on("close", resolve));
  expect(Buffer.concat(answer).toString()).toBe("");
});

const pki = await certificates();

testWith("openssl", "with a CA of clients, only their certificates open", async () => {
  const read = (name: string) => readFileSync(join(pki, name), "utf8");
  const ca = read("ca.pem");
  await using server = await serve({ tls: { cert: read("server.pem"), key: read("server.key"), ca } });
  const ask = (client: string | undefined) =>
    new Promise<number | string>((resolve) => {
      const own = client === undefined ? {} : { cert: read(`${client}.pem`), key: read(`${client}.key`) };
      const request = httpsRequest(`https://${server.address}/v2/`, { ca, ...own, agent: false }, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      request.on("error", () => resolve("refused"));
      request.end();
    });
  expect(await ask("client")).toBe(200);
  expect(await ask("stranger")).toBe("refused");
  expect(await ask(undefined)).toBe("refused");
});
