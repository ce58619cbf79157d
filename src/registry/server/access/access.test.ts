// Users, grants and tokens, over HTTP as clients meet them.

import { expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { refusal, TestRegistry } from "../testing.ts";
import { Accounts } from "./accounts.ts";
import { SERVICE, signToken, verifyToken } from "./jwt.ts";

// Hashing passwords is slow by design, and slower on a busy machine.
setDefaultTimeout(30_000);

const basic = (name: string, password: string) => ({
  Authorization: `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`,
});

async function withUsers() {
  const registry = await TestRegistry.start({ users: true });
  const accounts = new Accounts(registry.root);
  await accounts.users.put("alice", "alice's secret", false);
  await accounts.users.put("root", "root's secret", true);
  return {
    registry,
    accounts,
    async [Symbol.asyncDispose]() {
      accounts.close();
      await registry[Symbol.asyncDispose]();
    },
  };
}

type TokenAnswer = { token: string; refresh_token?: string };

test("nobody in particular is asked to sign in, and told where", async () => {
  await using set = await withUsers();
  const response = await set.registry.request("GET", "/v2/alice/app/manifests/v1");
  const { port } = new URL(set.registry.url);
  expect(response.headers.get("www-authenticate")).toBe(
    `Bearer realm="http://127.0.0.1:${port}/token",service="hoy-registry",scope="repository:alice/app:pull"`,
  );
  expect(await refusal(response)).toEqual([401, "UNAUTHORIZED"]);
  expect((await set.registry.request("GET", "/v2/")).status).toBe(401);
});

test("a user has what is under the own name, and what was granted", async () => {
  await using set = await withUsers();
  const { registry, accounts } = set;
  const headers = basic("alice", "alice's secret");
  const start = (name: string) => registry.request("POST", `/v2/${name}/blobs/uploads/`, { headers });
  expect((await start("alice/app")).status).toBe(202);
  expect(await refusal(await start("team/app"))).toEqual([403, "DENIED"]);
  expect(await refusal(await start("alicex/app"))).toEqual([403, "DENIED"]);
  accounts.grant("alice", "team/*", "write");
  expect((await start("team/app")).status).toBe(202);
  const removal = await registry.request("DELETE", "/v2/team/app/manifests/v1", { headers });
  expect(await refusal(removal)).toEqual([403, "DENIED"]);
  accounts.grants.revoke("alice", "team/*");
  expect((await start("team/app")).status).toBe(403);
});

test("a public repository is read by anybody and written by its own; the catalog shows what one may see", async () => {
  await using set = await withUsers();
  const { registry, accounts } = set;
  const headers = basic("root", "root's secret");
  const digest = await registry.pushBlob("public/app", "bytes", headers);
  await registry.pushBlob("secret/app", "bytes", headers);
  accounts.grant("", "public/app", "read");
  expect((await registry.request("GET", `/v2/public/app/blobs/${digest}`)).status).toBe(200);
  expect((await registry.request("GET", `/v2/secret/app/blobs/${digest}`)).status).toBe(401);
  expect((await registry.request("POST", "/v2/public/app/blobs/uploads/")).status).toBe(401);
  const seen = await registry.request("GET", "/v2/_catalog", { headers: basic("alice", "alice's secret") });
  expect(await seen.json()).toEqual({ repositories: ["public/app"] });
});

test("mounting needs the right to read there", async () => {
  await using set = await withUsers();
  const { registry } = set;
  const digest = await registry.pushBlob("secret/app", "bytes", basic("root", "root's secret"));
  const path = `/v2/alice/app/blobs/uploads/?mount=${digest}&from=secret/app`;
  const response = await registry.request("POST", path, { headers: basic("alice", "alice's secret") });
  expect(response.status).toBe(202); // an upload, as if it were not there
});

test("a token allows what was asked and may be had, no more", async () => {
  await using set = await withUsers();
  const { registry, accounts } = set;
  const path = "/token?service=hoy-registry&scope=repository:alice/app:pull&scope=repository:secret/app:pull,push";
  const answer = await registry.request("GET", path, { headers: basic("alice", "alice's secret") });
  const { token } = (await answer.json()) as TokenAnswer;
  const headers = { Authorization: `Bearer ${token}` };
  const get = (name: string) => registry.request("GET", `/v2/${name}/manifests/v1`, { headers });
  expect((await get("alice/app")).status).toBe(404);
  expect((await get("secret/app")).status).toBe(401);
  expect((await registry.request("POST", "/v2/alice/app/blobs/uploads/", { headers })).status).toBe(401);
  expect((await registry.request("GET", "/v2/", { headers })).status).toBe(200);
  accounts.removeUser("alice");
  expect((await get("alice/app")).status).toBe(401);
});

test("OAuth2: by password, then by refresh token; a refresh token opens no repository", async () => {
  await using set = await withUsers();
  const { registry } = set;
  const post = async (form: Record<string, string>) =>
    registry.request("POST", "/token", { body: new URLSearchParams({ service: SERVICE, ...form }) });
  const scope = "repository:alice/app:pull";
  const password = { grant_type: "password", username: "alice", password: "alice's secret", access_type: "offline" };
  const first = (await (await post({ ...password, scope })).json()) as TokenAnswer;
  const refresh = first.refresh_token ?? "";
  const second = (await (
    await post({ grant_type: "refresh_token", refresh_token: refresh, scope })
  ).json()) as TokenAnswer;
  const get = (token: string) =>
    registry.request("GET", "/v2/alice/app/tags/list", { headers: { Authorization: `Bearer ${token}` } });
  expect((await get(second.token)).status).toBe(404);
  expect((await get(refresh)).status).toBe(401);
  expect((await post({ grant_type: "refresh_token", refresh_token: second.token })).status).toBe(401);
});

test("wrong passwords are refused, and after a few so are right ones for a while", async () => {
  await using set = await withUsers();
  const get = (password: string) => set.registry.request("GET", "/token", { headers: basic("alice", password) });
  for (let tries = 0; tries < 10; tries++) expect((await get("wrong")).status).toBe(401);
  const refused = await get("alice's secret");
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await set.registry.request("GET", "/token", { headers: basic("root", "root's secret") })).status).toBe(200);
});

test("htpasswd: bcrypt lines are taken, others refuse the whole file", async () => {
  await using set = await withUsers();
  const hash = await Bun.password.hash("bob's secret", { algorithm: "bcrypt", cost: 4 });
  expect(() => set.accounts.users.importHtpasswd(`bob:${hash}\ncarol:{SHA}abc\n`)).toThrow("line 2");
  expect(set.accounts.users.get("bob")).toBeUndefined();
  expect(set.accounts.users.importHtpasswd(`# people\nbob:${hash}\n`)).toBe(1);
  expect(await set.accounts.users.verify("bob", "bob's secret")).toEqual({ name: "bob", kind: "user", admin: false });
  expect(await set.accounts.users.verify("bob", "else")).toBeUndefined();
  await expect(set.accounts.users.put("../x", "long enough", false)).rejects.toThrow("invalid user name");
  await expect(set.accounts.users.put("dave", "short", false)).rejects.toThrow("characters");
});

test("tokens that were changed, are old, or of another algorithm", () => {
  const secret = new Uint8Array(32).fill(7);
  const claims = {
    iss: SERVICE,
    aud: SERVICE,
    sub: "alice",
    via: "",
    use: "access",
    access: [],
    exp: 2_000_000_000,
  } as const;
  const token = signToken({ ...claims, access: [] }, secret);
  const now = 1_900_000_000_000;
  expect(verifyToken(token, secret, now)?.sub).toBe("alice");
  expect(verifyToken(token, secret, 2_000_000_001_000)).toBeUndefined();
  expect(verifyToken(token, new Uint8Array(32), now)).toBeUndefined();
  const [, payload, signature] = token.split(".");
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
  for (const bad of [`${none}.${payload}.`, `${none}.${payload}.${signature}`, `${token}x`, `${token}.x`, "", "a.b.c"])
    expect(verifyToken(bad, secret, now)).toBeUndefined();
});

test("the audit log says who changed what and who was refused, and holds no secrets", async () => {
  const audit = join(tmpdir(), `hoy-audit-${crypto.randomUUID()}`);
  const registry = await TestRegistry.start({ users: true, audit });
  const accounts = new Accounts(registry.root);
  await accounts.users.put("alice", "alice's secret", false);
  accounts.close();
  await registry.pushBlob("alice/app", "bytes", basic("alice", "alice's secret"));
  await registry.request("GET", "/v2/bob/app/manifests/v1");
  await registry.request("GET", "/v2/alice/app/manifests/v1", { headers: basic("mallory", "a secret") });
  await registry.request("GET", "/v2/alice/app/manifests/v1", { headers: basic("alice", "alice's secret") });
  await registry[Symbol.asyncDispose]();
  const text = readFileSync(audit, "utf8");
  const mode = statSync(audit).mode & 0o777;
  rmSync(audit);
  const lines = text.trim().split("\n");
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { user: "alice", method: "POST", path: "/v2/alice/app/blobs/uploads/", status: 201 },
    { method: "GET", path: "/v2/bob/app/manifests/v1", status: 401 },
    { claimed: "mallory", method: "GET", path: "/v2/alice/app/manifests/v1", status: 401 },
  ]);
  expect(text).not.toContain("secret");
  expect(mode).toBe(0o600);
});
