// What goes wrong at the registry's door: connections cut at every point of a push, tokens that end in the middle of one,
// paths that lead elsewhere, many clients at once. Whatever happens, what can be read is whole, and the next try works.

import { afterAll, beforeAll, expect, setDefaultTimeout, spyOn, test } from "bun:test";
import { connect } from "node:net";
import { Accounts } from "./access/accounts.ts";
import { SERVICE, signToken } from "./access/jwt.ts";
import { digestOf, imageOf, OCI_MANIFEST, TestRegistry } from "./testing.ts";

setDefaultTimeout(60_000);

let registry: TestRegistry;
beforeAll(async () => {
  registry = await TestRegistry.start();
});
afterAll(() => registry[Symbol.asyncDispose]());

/** Sends the bytes as they are, then cuts the connection. @returns what was answered until then */
async function cut(url: string, bytes: string | Uint8Array, answered = false): Promise<string> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let answer = "";
  const heard = Promise.withResolvers<void>();
  socket.on("data", (data) => {
    answer += data.toString("latin1");
    heard.resolve();
  });
  socket.on("error", () => heard.resolve());
  socket.on("close", () => heard.resolve());
  await new Promise<void>((resolve) => socket.on("connect", () => resolve()));
  await new Promise((resolve) => socket.write(bytes, resolve));
  if (answered) await heard.promise;
  socket.destroy();
  return answer;
}

const begin = async (name: string) =>
  (await registry.request("POST", `/v2/${name}/blobs/uploads/`)).headers.get("location") ?? "";

test("a push that is cut anywhere shows nothing that is not whole, and can be made again", async () => {
  const data = Buffer.alloc(300_000, "0123456789");
  const digest = digestOf(data);
  const points = [0, 1, 20, 70, 100, 150, 200, 5_000, 150_000, 299_000, 300_100];
  for (const kind of ["POST", "PATCH", "PUT"] as const) {
    for (const point of points) {
      const name = `cut/${kind.toLowerCase()}${point}`;
      const target =
        kind === "POST"
          ? `/v2/${name}/blobs/uploads/?digest=${digest}`
          : `${await begin(name)}${kind === "PUT" ? `?digest=${digest}` : ""}`;
      const head = `${kind} ${target} HTTP/1.1\r\nHost: x\r\nContent-Length: ${data.length}\r\n\r\n`;
      await cut(registry.url, Buffer.concat([Buffer.from(head), data]).subarray(0, point));
      expect((await registry.request("HEAD", `/v2/${name}/blobs/${digest}`)).status).toBe(404);
      await registry.pushBlob(name, data);
      const whole = await registry.request("GET", `/v2/${name}/blobs/${digest}`);
      expect(Buffer.from(await whole.arrayBuffer()).equals(data)).toBe(true);
    }
  }
});

test("a manifest that is cut is not there; one that was sent whole is, though nobody heard the answer", async () => {
  const [config, layer] = [await registry.pushBlob("cut/man", "{}"), await registry.pushBlob("cut/man", "l")];
  const text = JSON.stringify(imageOf(config, layer, 1));
  const head = `PUT /v2/cut/man/manifests/v1 HTTP/1.1\r\nHost: x\r\nContent-Type: ${OCI_MANIFEST}\r\nContent-Length: ${text.length}\r\n\r\n`;
  for (let point = head.length; point < head.length + text.length; point += 25) {
    await cut(registry.url, (head + text).slice(0, point));
    expect((await registry.request("GET", "/v2/cut/man/manifests/v1")).status).toBe(404);
  }
  expect(await cut(registry.url, head + text, true)).toStartWith("HTTP/1.1 201");
  expect((await registry.request("GET", "/v2/cut/man/manifests/v1")).status).toBe(200);
});

test("a reader that goes in the middle costs nobody else anything", async () => {
  const data = Buffer.alloc(8 * 1024 * 1024, "x");
  const digest = await registry.pushBlob("cut/read", data);
  const request = `GET /v2/cut/read/blobs/${digest} HTTP/1.1\r\nHost: x\r\n\r\n`;
  await Promise.all(Array.from({ length: 20 }, () => cut(registry.url, request, true)));
  const whole = await registry.request("GET", `/v2/cut/read/blobs/${digest}`);
  expect((await whole.arrayBuffer()).byteLength).toBe(data.length);
});

test("bodies that lie about their length, and requests that are none", async () => {
  const location = await begin("lies");
  for (const bytes of [
    `PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n`,
    `PATCH ${location} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    `PATCH ${location} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
    `GET ${"/v2/".padEnd(100_000, "a")} HTTP/1.1\r\nHost: x\r\n\r\n`,
    "\0\0\0\0\r\n\r\n",
  ])
    await cut(registry.url, bytes);
  expect((await registry.request("GET", "/v2/")).status).toBe(200);
  const chunked = `PUT ${location}?digest=${digestOf("hello")} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`;
  // The server may not have seen yet that the one before has gone, and lets one write at a time.
  let answer = "HTTP/1.1 409";
  for (let round = 0; round < 1000 && answer.startsWith("HTTP/1.1 409"); round++) {
    answer = await cut(registry.url, `${chunked}5\r\nhello\r\n0\r\n\r\n`, true);
    if (answer.startsWith("HTTP/1.1 409")) await Bun.sleep(20);
  }
  expect(answer).toStartWith("HTTP/1.1 201");
});

test("paths that lead elsewhere lead nowhere", async () => {
  const digest = await registry.pushBlob("paths", "bytes");
  const hex = digest.slice(7);
  for (const path of [
    "/v2/../../../../etc/passwd",
    "/v2/paths/blobs/../../registry.db",
    `/v2/paths/../paths/blobs/${digest}`,
    `/v2/paths/blobs/sha256:${hex}/../../../registry.db`,
    "/v2/paths/blobs/sha256:..%2f..%2fregistry.db",
    `/v2/paths/blobs/uploads/..%2f..%2fblobs%2fsha256%2f${hex}`,
    `/v2/paths/blobs/uploads/${"0".repeat(63)}%00`,
    "/v2/%2e%2e/manifests/v1",
    "/v2/paths/manifests/..%2f..%2fx",
    "/api/v1/repositories/..%2f..%2fx",
    "//v2/paths/tags/list",
    "/v2/paths%00/tags/list",
    "/v2/%ff/tags/list",
  ]) {
    const answer = await cut(registry.url, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`, true);
    expect([path, answer.slice(9, 10)]).toEqual([path, "4"]);
  }
});

test("a token that ends in the middle of a push: a new one goes on where the old one was", async () => {
  await using own = await TestRegistry.start({ users: true });
  const accounts = new Accounts(own.root);
  accounts.users.importHtpasswd(`alice:${await Bun.password.hash("secret", { algorithm: "bcrypt", cost: 4 })}\n`);
  const via = accounts.users.stamp("alice") ?? "";
  const token = (exp: number) => {
    const access = [{ type: "repository", name: "alice/app", actions: ["pull", "push"] }];
    const text = signToken(
      { iss: SERVICE, aud: SERVICE, sub: "alice", exp, via, use: "access", access },
      accounts.secret(),
    );
    return { Authorization: `Bearer ${text}` };
  };
  const now = Math.floor(Date.now() / 1000);
  const [fresh, over] = [token(now + 600), token(now - 1)];
  const start = await own.request("POST", "/v2/alice/app/blobs/uploads/", { headers: fresh });
  const location = start.headers.get("location") ?? "";
  expect((await own.request("PATCH", location, { body: "hel", headers: fresh })).status).toBe(202);
  const refused = await own.request("PATCH", location, { body: "lo", headers: over });
  expect(refused.status).toBe(401);
  expect(refused.headers.get("www-authenticate")).toContain('scope="repository:alice/app:pull,push"');
  const status = await own.request("GET", location, { headers: fresh });
  expect(status.headers.get("range")).toBe("0-2");
  const end = await own.request("PUT", `${location}?digest=${digestOf("hello")}`, { body: "lo", headers: fresh });
  expect(end.status).toBe(201);
  accounts.close();
});

test("a name that nobody has costs the work of one that somebody has", async () => {
  const own = await TestRegistry.start({ users: true });
  const accounts = new Accounts(own.root);
  await accounts.users.put("alice", "a long secret", false);
  const verify = spyOn(Bun.password, "verify");
  try {
    await accounts.verify("alice", "wrong");
    await accounts.verify("nobody", "wrong");
    const kinds = verify.mock.calls.map(([, hash]) => String(hash).split("$").slice(1, 4).join("$"));
    expect(kinds).toHaveLength(2);
    // The same algorithm with the same cost.
    expect(kinds[0]).toBe(kinds[1] ?? "");
  } finally {
    verify.mockRestore();
    accounts.close();
    await own[Symbol.asyncDispose]();
  }
});

test("200 clients at once, pushing and pulling the same and their own, without an error", async () => {
  const { text, layer } = await registry.pushImage("crowd/base", "v1", "shared layer");
  const statuses = await Promise.all(
    Array.from({ length: 200 }, async (_, at) => {
      const name = `crowd/c${at % 10}`;
      const data = at % 2 === 0 ? "the same for all" : `only ${at}`;
      const pushed = await registry.pushBlob(name, data);
      const back = await (await registry.request("GET", `/v2/${name}/blobs/${pushed}`)).text();
      const manifest = await (await registry.request("GET", "/v2/crowd/base/manifests/v1")).text();
      const blob = await registry.request("GET", `/v2/crowd/base/blobs/${layer}`);
      return back === data && manifest === text && (await blob.text()) === "shared layer";
    }),
  );
  expect(statuses.every(Boolean)).toBe(true);
});
