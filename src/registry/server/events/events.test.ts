// Webhooks as a receiver meets them, and the addresses they are kept away from; metrics as Prometheus reads them.

import { expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import { withBooks } from "../admin.ts";
import { TestRegistry } from "../testing.ts";
import { isPublicAddress } from "./public-address.ts";

interface Received {
  readonly body: string;
  readonly headers: IncomingMessage["headers"];
}

/** A receiver that answers with `status()`. */
async function receiver(status: () => number = () => 200) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const parts: Uint8Array[] = [];
    for await (const part of request) parts.push(part);
    received.push({ body: Buffer.concat(parts).toString(), headers: request.headers });
    response.writeHead(status(), { Location: "/elsewhere" });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    received,
    url: `http://127.0.0.1:${port}/hook`,
    events: () => received.flatMap(({ body }) => JSON.parse(body).events as Record<string, unknown>[]),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function until(what: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600 && !what(); tries++) await Bun.sleep(50);
  expect(what()).toBe(true);
}

const LOCAL = { webhookNetworks: ["127.0.0.0/8"] };

test("a push, a pull and a removal are told in the registry's envelope, signed, in order", async () => {
  await using hook = await receiver();
  await using registry = await TestRegistry.start(LOCAL);
  const { secret } = withBooks(registry.root, ({ webhooks }) =>
    webhooks.add(hook.url, "team/*", ["push", "pull", "delete"]),
  );
  const { digest, text } = await registry.pushImage("team/app", "v1");
  await registry.pushImage("other/app", "v1");
  await registry.request("GET", "/v2/team/app/manifests/v1", { headers: { "User-Agent": "test/1" } });
  await registry.request("HEAD", "/v2/team/app/manifests/v1");
  await registry.request("DELETE", "/v2/team/app/manifests/v1");
  await until(() => hook.received.length === 3);
  expect(hook.events()).toMatchObject([
    { action: "push", target: { repository: "team/app", digest, tag: "v1", size: text.length }, actor: {} },
    { action: "pull", target: { digest, tag: "v1" }, request: { method: "GET", useragent: "test/1" } },
    { action: "delete", target: { repository: "team/app", tag: "v1" } },
  ]);
  for (const { body, headers } of hook.received) {
    expect(headers["content-type"]).toBe("application/vnd.docker.distribution.events.v1+json");
    expect(headers["x-hub-signature-256"]).toBe(`sha256=${createHmac("sha256", secret).update(body).digest("hex")}`);
  }
  const listed = () => withBooks(registry.root, ({ webhooks }) => webhooks.list());
  // The last is forgotten when its answer has come back, a moment after it was received.
  await until(() => listed().every(({ waiting }) => waiting === 0));
  expect(listed()).toMatchObject([{ waiting: 0 }]);
}, 60_000);

test("what a receiver refuses is tried again, also after a restart, and in order", async () => {
  let status = 503;
  await using hook = await receiver(() => status);
  const first = await TestRegistry.start(LOCAL);
  withBooks(first.root, ({ webhooks }) => webhooks.add(hook.url, "*", ["push"]));
  await first.pushImage("a", "v1", "one");
  await first.pushImage("a", "v2", "two");
  await until(() => hook.received.length > 0);
  await first.stop();
  const [listed] = withBooks(first.root, ({ webhooks }) => webhooks.list());
  expect(listed).toMatchObject({ waiting: 2, lastError: "the receiver answered 503" });
  status = 302; // not followed: also a refusal
  await using registry = await TestRegistry.start({ ...LOCAL, root: first.root });
  const before = hook.received.length;
  await until(() => hook.received.length > before);
  status = 204;
  await until(() => withBooks(registry.root, ({ webhooks }) => webhooks.list())[0]?.waiting === 0);
  const tags = hook.events().map(({ target }) => (target as { tag: string }).tag);
  expect(tags.at(-1)).toBe("v2");
  expect(tags.slice(0, -1).every((tag) => tag === "v1")).toBe(true);
}, 90_000);

test("without leave nothing is sent to this machine or a network near it", async () => {
  await using hook = await receiver();
  await using registry = await TestRegistry.start();
  withBooks(registry.root, ({ webhooks }) => {
    webhooks.add(hook.url, "*", ["push"]);
    webhooks.add(hook.url.replace("127.0.0.1", "localhost"), "*", ["push"]);
  });
  await registry.pushImage("a", "v1");
  const errors = () => withBooks(registry.root, ({ webhooks }) => webhooks.list()).map((each) => each.lastError ?? "");
  await until(() => errors().every((error) => error.includes("is not a public address")));
  expect(hook.received).toEqual([]);
}, 60_000);

test("addresses of the internet, and those that are not", () => {
  for (const address of ["1.1.1.1", "172.32.0.1", "2606:4700::1"]) expect(isPublicAddress(address)).toBe(true);
  const special = ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1"];
  const six = ["::1", "::", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "ff02::1"];
  for (const address of [...special, ...six, "224.0.0.1", "255.255.255.255", "x"])
    expect(isPublicAddress(address)).toBe(false);
});

test("webhooks that can't be meant are refused; one that is removed takes what waits along", async () => {
  await using registry = await TestRegistry.start();
  withBooks(registry.root, ({ webhooks }) => {
    for (const url of ["ftp://x/", "x", "http://user:pw@x/", `http://x/${"a".repeat(3000)}`])
      expect(() => webhooks.add(url, "*", ["push"])).toThrow("http or https URL");
    expect(() => webhooks.add("http://x/", "*", ["fly"])).toThrow("events are");
    expect(() => webhooks.add("http://x/", "A", ["push"])).toThrow("not a repository");
    const { id } = webhooks.add("http://x/", "*", ["push"]);
    const nothing = { digest: undefined, mediaType: undefined, size: undefined, tag: undefined, user: undefined };
    for (let at = 0; at < 3; at++)
      expect(webhooks.enqueue({ ...nothing, action: "push", repository: `a/r${at}`, request: undefined })).toBe(true);
    expect(webhooks.list()[0]?.waiting).toBe(3);
    expect(webhooks.due(Date.now())).toHaveLength(1);
    webhooks.remove(id);
    expect(webhooks.nextAt()).toBeUndefined();
  });
});

test("metrics: counters, durations and what is kept, at an address of their own", async () => {
  await using registry = await TestRegistry.start({ metrics: { host: "127.0.0.1", port: 0 } });
  await registry.pushImage("a", "v1");
  await registry.request("GET", "/v2/a/manifests/none");
  const base = `http://127.0.0.1:${registry.metricsPort}`;
  expect(await (await fetch(`${base}/health`)).text()).toBe("ok\n");
  const answer = await fetch(`${base}/metrics`);
  expect(answer.headers.get("content-type")).toStartWith("text/plain; version=0.0.4");
  const text = await answer.text();
  for (const line of [
    'hoy_registry_requests_total{method="PUT",endpoint="manifest",status="201"} 1',
    'hoy_registry_requests_total{method="GET",endpoint="manifest",status="404"} 1',
    'hoy_registry_request_seconds_count{endpoint="manifest"} 2',
    "hoy_registry_blobs 2",
    "hoy_registry_blob_bytes 9",
    "hoy_registry_received_bytes_total 9",
    "hoy_registry_requests_running 0",
  ])
    expect(text.split("\n")).toContain(line);
  // Each sample's family is declared, and every value is a number.
  for (const line of text.trim().split("\n"))
    expect(line).toMatch(/^(# (HELP|TYPE) \w+ .+|\w+(\{[^}]*\})? -?[\d.e+-]+)$/);
  expect((await fetch(`${base}/`)).status).toBe(404);
  expect((await fetch(`${base}/metrics`, { method: "POST" })).status).toBe(405);
  expect((await registry.request("GET", "/metrics")).status).toBe(404);
});
