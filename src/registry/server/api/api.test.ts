// The registry's own API over HTTP: lists and details as a page needs them, sessions, and what other sites can't do.

import { expect, setDefaultTimeout, test } from "bun:test";
import { Accounts } from "../access/accounts.ts";
import { digestOf, imageOf, OCI_MANIFEST, refusal, TestRegistry } from "../testing.ts";
import { parseApiRoute } from "./route.ts";

setDefaultTimeout(30_000);

const CONFIG = JSON.stringify({
  os: "linux",
  architecture: "arm64",
  variant: "v8",
  created: "2026-01-02T03:04:05Z",
  config: { Entrypoint: ["/app"], Env: ["A=b"], ExposedPorts: { "80/tcp": {} }, Labels: { by: "me" } },
  history: [
    { created_by: "COPY . /", created: "2026-01-02T03:04:05Z" },
    { created_by: 'ENTRYPOINT ["/app"]', empty_layer: true },
    { created_by: "RUN make" },
  ],
});

async function pushRich(registry: TestRegistry, name: string, tag: string, headers: Record<string, string> = {}) {
  const config = await registry.pushBlob(name, CONFIG, headers);
  const [one, two] = [await registry.pushBlob(name, "one", headers), await registry.pushBlob(name, "layer 2", headers)];
  const base = imageOf(config, one, 3);
  const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: two, size: 7 };
  const document = { ...base, config: { ...base.config, size: CONFIG.length }, layers: [...base.layers, layer] };
  const text = JSON.stringify(document);
  const response = await registry.request("PUT", `/v2/${name}/manifests/${tag}`, {
    body: text,
    headers: { ...headers, "Content-Type": OCI_MANIFEST },
  });
  expect(response.status).toBe(201);
  return { digest: digestOf(text), size: text.length };
}

async function withUsers() {
  const registry = await TestRegistry.start({ users: true });
  const accounts = new Accounts(registry.root);
  const hash = await Bun.password.hash("secret", { algorithm: "bcrypt", cost: 4 });
  accounts.users.importHtpasswd(`alice:${hash}\nbob:${hash}\n`);
  return {
    registry,
    accounts,
    async signIn(name: string) {
      const response = await registry.request("POST", "/api/v1/session", {
        body: JSON.stringify({ name, password: "secret" }),
        headers: { "Content-Type": "application/json" },
      });
      expect(response.status).toBe(200);
      const { csrfToken } = (await response.json()) as { csrfToken: string };
      const set = response.headers.get("set-cookie") ?? "";
      return { Cookie: set.split(";", 1)[0] ?? "", csrf: { "X-CSRF-Token": csrfToken }, set };
    },
    async [Symbol.asyncDispose]() {
      accounts.close();
      await registry[Symbol.asyncDispose]();
    },
  };
}

const basic = (name: string) => ({ Authorization: `Basic ${Buffer.from(`${name}:secret`).toString("base64")}` });
const json = async (response: Promise<Response>) => (await response).json() as Promise<unknown>;

test("without users: repositories, tags and an image with its layers and history", async () => {
  await using registry = await TestRegistry.start();
  const { digest, size } = await pushRich(registry, "team/app", "v1");
  await pushRich(registry, "team/app", "v2");
  const total = CONFIG.length + 3 + 7;
  expect(await json(registry.request("GET", "/api/v1/session"))).toEqual({
    users: false,
    user: null,
    admin: true,
    csrfToken: null,
  });
  expect(await json(registry.request("GET", "/api/v1/repositories"))).toMatchObject({
    repositories: [{ name: "team/app", tags: 2, size: total, public: true, actions: ["pull", "push", "delete"] }],
    next: null,
  });
  expect(await json(registry.request("GET", "/api/v1/repositories?q=nothing"))).toEqual({
    repositories: [],
    next: null,
  });
  const tags = "/api/v1/repositories/team/app/-/tags";
  expect(await json(registry.request("GET", `${tags}?n=1`))).toMatchObject({
    tags: [{ name: "v1", digest, size: total, updatedBy: null }],
    next: "v1",
  });
  expect(await json(registry.request("GET", `${tags}?n=1&last=v1`))).toMatchObject({
    tags: [{ name: "v2" }],
    next: null,
  });
  const detail = await json(registry.request("GET", "/api/v1/repositories/team/app/-/manifests/v1"));
  expect(detail).toMatchObject({
    digest,
    size,
    totalSize: total,
    mediaType: OCI_MANIFEST,
    tags: ["v1", "v2"],
    layers: [{ digest: digestOf("one"), size: 3 }, { size: 7 }],
    config: {
      platform: "linux/arm64/v8",
      entrypoint: ["/app"],
      ports: ["80/tcp"],
      labels: { by: "me" },
      history: [
        { createdBy: "COPY . /", layer: { digest: digestOf("one"), size: 3 } },
        { createdBy: 'ENTRYPOINT ["/app"]', layer: null },
        { createdBy: "RUN make", layer: { size: 7 } },
      ],
    },
  });
  expect((await registry.request("DELETE", `${tags}/v1`)).status).toBe(204);
  expect((await registry.request("GET", "/v2/team/app/manifests/v1")).status).toBe(404);
  expect((await registry.request("GET", "/v2/team/app/manifests/v2")).status).toBe(200);
  expect((await registry.request("DELETE", `/api/v1/repositories/team/app/-/manifests/v2`)).status).toBe(404);
  expect((await registry.request("DELETE", `/api/v1/repositories/team/app/-/manifests/${digest}`)).status).toBe(204);
  expect((await registry.request("DELETE", "/api/v1/repositories/team/app")).status).toBe(204);
  expect(await json(registry.request("GET", "/v2/_catalog"))).toEqual({ repositories: [] });
});

test("an index shows its platforms; a config that is none shows what there is", async () => {
  await using registry = await TestRegistry.start();
  const { digest, size } = await pushRich(registry, "multi", "arm");
  const platform = { os: "linux", architecture: "arm64" };
  const index = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [{ mediaType: OCI_MANIFEST, digest, size, platform }],
  };
  expect((await registry.putManifest("multi", "all", index, index.mediaType)).status).toBe(201);
  expect(await json(registry.request("GET", "/api/v1/repositories/multi/-/manifests/all"))).toMatchObject({
    platforms: [{ digest, platform: "linux/arm64" }],
    totalSize: CONFIG.length + 3 + 7,
    config: null,
  });
  await registry.pushImage("odd", "v1");
  expect(await json(registry.request("GET", "/api/v1/repositories/odd/-/manifests/v1"))).toMatchObject({
    config: { platform: null, history: [], env: [] },
    layers: [{ size: 7 }],
  });
});

test("one sees what one may pull, and changes what one may change", async () => {
  await using set = await withUsers();
  const { registry, accounts } = set;
  await pushRich(registry, "alice/app", "v1", basic("alice"));
  const list = (headers?: Record<string, string>) =>
    json(registry.request("GET", "/api/v1/repositories", headers === undefined ? {} : { headers }));
  expect(await list()).toEqual({ repositories: [], next: null });
  expect(await list(basic("bob"))).toMatchObject({ repositories: [] });
  expect(await list(basic("alice"))).toMatchObject({
    repositories: [{ name: "alice/app", public: false, manages: true }],
  });
  const path = "/api/v1/repositories/alice/app";
  const detail = await json(registry.request("GET", `${path}/-/manifests/v1`, { headers: basic("alice") }));
  expect(detail).toMatchObject({ pushedBy: "alice" });
  expect(await refusal(await registry.request("GET", path))).toEqual([401, "UNAUTHORIZED"]);
  expect(await refusal(await registry.request("GET", path, { headers: basic("bob") }))).toEqual([404, "NAME_UNKNOWN"]);
  const change = (who: string, open: boolean) =>
    registry.request("PATCH", path, {
      body: JSON.stringify({ public: open }),
      headers: { ...basic(who), "Content-Type": "application/json" },
    });
  expect(await (await change("alice", true)).json()).toMatchObject({ public: true });
  expect(await list()).toMatchObject({ repositories: [{ name: "alice/app", actions: ["pull"] }] });
  expect(await refusal(await change("bob", false))).toEqual([403, "DENIED"]);
  const removal = await registry.request("DELETE", `${path}/-/tags/v1`, { headers: basic("bob") });
  expect(await refusal(removal)).toEqual([403, "DENIED"]);
  expect(await (await change("alice", false)).json()).toMatchObject({ public: false });
  accounts.grants.grant("", "alice/*", "read");
  expect((await change("alice", false)).status).toBe(409);
});

test("a list of many that are not for one's eyes still ends, page by page", async () => {
  await using set = await withUsers();
  const { registry, accounts } = set;
  accounts.grants.grant("bob", "*", "admin");
  for (let at = 0; at < 7; at++)
    await registry.pushBlob(at % 2 === 0 ? `alice/r${at}` : `other/r${at}`, "x", basic("bob"));
  const names: string[] = [];
  for (let last: string | null = ""; last !== null; ) {
    const path: string = `/api/v1/repositories?n=1&last=${encodeURIComponent(last)}`;
    const answer = await json(registry.request("GET", path, { headers: basic("alice") }));
    const { repositories, next } = answer as { repositories: { name: string }[]; next: string | null };
    names.push(...repositories.map(({ name }) => name));
    last = next;
  }
  expect(names).toEqual(["alice/r0", "alice/r2", "alice/r4", "alice/r6"]);
});

test("a session: its cookie is no way into /v2/, and changes need its second secret", async () => {
  await using set = await withUsers();
  const { registry } = set;
  await pushRich(registry, "alice/app", "v1", basic("alice"));
  const { Cookie, csrf, set: attributes } = await set.signIn("alice");
  expect(attributes).toContain("HttpOnly; SameSite=Strict");
  expect(attributes).toContain("Path=/api/;");
  const tag = "/api/v1/repositories/alice/app/-/tags/v1";
  expect(await json(registry.request("GET", "/api/v1/session", { headers: { Cookie } }))).toMatchObject({
    user: "alice",
    csrfToken: csrf["X-CSRF-Token"],
  });
  expect((await registry.request("GET", "/v2/alice/app/manifests/v1", { headers: { Cookie } })).status).toBe(401);
  expect(await refusal(await registry.request("DELETE", tag, { headers: { Cookie } }))).toEqual([403, "DENIED"]);
  const other = await set.signIn("alice");
  const mixed = await registry.request("DELETE", tag, { headers: { Cookie, ...other.csrf } });
  expect(mixed.status).toBe(403);
  const foreign = { Cookie, ...csrf, Origin: "http://evil.example" };
  expect((await registry.request("DELETE", tag, { headers: foreign })).status).toBe(403);
  const cross = { Cookie, "Sec-Fetch-Site": "cross-site" };
  expect((await registry.request("GET", "/api/v1/session", { headers: cross })).status).toBe(403);
  expect((await registry.request("DELETE", tag, { headers: { Cookie, ...csrf, Origin: registry.url } })).status).toBe(
    204,
  );
  expect((await registry.request("DELETE", "/api/v1/session", { headers: { Cookie, ...csrf } })).status).toBe(204);
  expect(await json(registry.request("GET", "/api/v1/session", { headers: { Cookie } }))).toMatchObject({ user: null });
});

test("signing in: not with a token, a form or a wrong password; a new password ends sessions", async () => {
  await using set = await withUsers();
  const { registry, accounts } = set;
  const post = async (body: object | string, type = "application/json") => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const headers = { "Content-Type": type };
    return refusal(await registry.request("POST", "/api/v1/session", { body: text, headers }));
  };
  const { text } = accounts.tokens.create("alice", "", undefined, undefined);
  expect(await post({ name: "alice", password: text })).toEqual([403, "DENIED"]);
  expect(await post({ name: "alice", password: "wrong" })).toEqual([401, "UNAUTHORIZED"]);
  expect(await post("name=alice&password=secret", "application/x-www-form-urlencoded")).toEqual([415, "UNSUPPORTED"]);
  expect(await post({ name: "alice", password: "secret", more: 1 })).toEqual([400, "UNSUPPORTED"]);
  expect(await post(`"${"x".repeat(20_000)}"`)).toEqual([413, "UNSUPPORTED"]);
  const { Cookie } = await set.signIn("alice");
  await accounts.users.put("alice", "new secret", false);
  expect(await json(registry.request("GET", "/api/v1/session", { headers: { Cookie } }))).toMatchObject({ user: null });
});

test("without users a page of another name that was pointed here gets nothing", async () => {
  await using registry = await TestRegistry.start();
  const headers = { Host: "evil.example", Origin: "http://evil.example" };
  expect((await registry.request("GET", "/api/v1/repositories", { headers })).status).toBe(403);
  expect((await registry.request("GET", "/api/v1/repositories", { headers: { Origin: registry.url } })).status).toBe(
    200,
  );
});

test("paths: a name may hold slashes, what belongs to it follows /-/", () => {
  const at = (path: string) => parseApiRoute(`/api/v1/${path}`);
  expect(at("repositories/a/tags/b")).toEqual({ kind: "repository", name: "a/tags/b" });
  expect(at("repositories/a/b/-/tags")).toEqual({ kind: "tags", name: "a/b" });
  expect(at("repositories/a%2Fb/-/tags/v1")).toEqual({ kind: "tag", name: "a/b", reference: "v1" });
  expect(at("repositories/a/-/manifests/sha256:0")).toMatchObject({ kind: "manifest", reference: "sha256:0" });
  for (const none of ["", "repositories/", "repositories/a/-/", "repositories/a/-/tags/b/c", "other"])
    expect(at(none)).toBeUndefined();
  for (const bad of ["repositories/../x", "repositories/A", "repositories/%", "repositories/a//b"])
    expect(() => at(bad)).toThrow();
});
