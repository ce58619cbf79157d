// Members, robots and rules over HTTP: who may, what comes of it, what is refused.

import { expect, setDefaultTimeout, test } from "bun:test";
import { Accounts } from "../access/accounts.ts";
import { TestRegistry } from "../testing.ts";

setDefaultTimeout(30_000);

async function withTeam() {
  const registry = await TestRegistry.start({ users: true });
  const accounts = new Accounts(registry.root);
  const hash = await Bun.password.hash("secret", { algorithm: "bcrypt", cost: 4 });
  accounts.users.importHtpasswd(["root", "alice", "bob", "carol"].map((name) => `${name}:${hash}\n`).join(""));
  await accounts.users.put("boss", "a longer secret", true);
  accounts.organisations.create("team");
  accounts.organisations.setMember("team", "alice", "admin");
  accounts.organisations.setMember("team", "bob", "write");
  const ask = async (who: string | undefined, method: string, path: string, body?: object) => {
    const password = who === "boss" ? "a longer secret" : "secret";
    const response = await registry.request(method, `/api/v1/${path}`, {
      headers: {
        ...(who === undefined
          ? {}
          : { Authorization: `Basic ${Buffer.from(`${who}:${password}`).toString("base64")}` }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
  };
  return {
    registry,
    ask,
    async [Symbol.asyncDispose]() {
      accounts.close();
      await registry[Symbol.asyncDispose]();
    },
  };
}

test("members are managed by an organisation's admins and the registry's, and by nobody else", async () => {
  await using team = await withTeam();
  const { ask } = team;
  const path = "owners/team/members";
  expect((await ask(undefined, "GET", path)).status).toBe(401);
  for (const who of ["bob", "carol"]) {
    expect((await ask(who, "GET", path)).status).toBe(403);
    expect((await ask(who, "PUT", `${path}/${who}`, { role: "admin" })).status).toBe(403);
  }
  expect((await ask("carol", "GET", "owners/nosuch/members")).status).toBe(403);
  expect(await ask("alice", "PUT", `${path}/carol`, { role: "read" })).toEqual({
    status: 200,
    body: { user: "carol", role: "read" },
  });
  expect((await ask("boss", "PUT", `${path}/bob`, { role: "admin" })).status).toBe(200);
  expect((await ask("bob", "GET", path)).body).toEqual({
    members: [
      { user: "alice", role: "admin" },
      { user: "bob", role: "admin" },
      { user: "carol", role: "read" },
    ],
  });
  expect((await ask("bob", "DELETE", `${path}/alice`)).status).toBe(204);
  expect((await ask("alice", "GET", path)).status).toBe(403);
  expect((await ask("bob", "DELETE", `${path}/alice`)).status).toBe(404);
});

test("what is not right is refused in words", async () => {
  await using team = await withTeam();
  const { ask } = team;
  expect((await ask("alice", "PUT", "owners/team/members/nobody", { role: "read" })).status).toBe(404);
  expect((await ask("alice", "PUT", "owners/team/members/bob", { role: "owner" })).status).toBe(400);
  expect((await ask("alice", "PUT", "owners/team/members/bob", { role: "read", more: 1 })).status).toBe(400);
  expect((await ask("alice", "POST", "owners/team/members")).status).toBe(405);
  expect((await ask("bob", "GET", "owners/bob/members")).status).toBe(404);
  const outside = { name: "ci", grants: [{ repository: "other/app", role: "read" }] };
  expect((await ask("alice", "POST", "owners/team/robots", outside)).status).toBe(400);
  expect((await ask("alice", "POST", "owners/team/robots", { name: "Not A Name", grants: [] })).status).toBe(400);
  expect((await ask("alice", "GET", "owners/team/robots")).body).toEqual({ robots: [] });
  expect((await ask("boss", "POST", "rules/retention", { repository: "*" })).status).toBe(400);
  expect((await ask("boss", "POST", "rules/immutable", { repository: "Bad Name" })).status).toBe(400);
  expect((await ask("boss", "DELETE", "rules/immutable/7")).status).toBe(404);
  expect((await ask("boss", "DELETE", "rules/immutable/x%27")).status).toBe(404);
});

test("a robot is made with its token, which opens what was said, until it goes", async () => {
  await using team = await withTeam();
  const { ask, registry } = team;
  const form = { name: "ci", grants: [{ repository: "team/app", role: "write" }], expiresInDays: 30 };
  expect((await ask("bob", "POST", "owners/team/robots", form)).status).toBe(403);
  const made = await ask("alice", "POST", "owners/team/robots", form);
  expect([made.status, made.body.name]).toEqual([201, "team+ci"]);
  expect((await ask("alice", "POST", "owners/team/robots", form)).status).toBe(409);
  const { robots } = (await ask("alice", "GET", "owners/team/robots")).body;
  expect(robots).toEqual([
    {
      name: "team+ci",
      grants: form.grants,
      tokens: [{ id: expect.any(String), expiresAt: expect.stringMatching(/Z$/) }],
    },
  ]);
  expect(JSON.stringify(robots)).not.toContain(made.body.token);
  const push = async (name: string) => {
    const headers = { Authorization: `Bearer ${made.body.token}` };
    return (await registry.request("POST", `/v2/${name}/blobs/uploads/`, { headers })).status;
  };
  expect([await push("team/app"), await push("team/other")]).toEqual([202, 403]);
  expect((await ask("alice", "DELETE", "owners/team/robots/ci")).status).toBe(204);
  expect(await push("team/app")).toBe(401);
  expect((await ask("alice", "DELETE", "owners/team/robots/ci")).status).toBe(404);
});

test("rules are for admins, and hold at once", async () => {
  await using team = await withTeam();
  const { ask } = team;
  for (const who of ["alice", "bob"]) expect((await ask(who, "GET", "rules")).status).toBe(403);
  expect((await ask(undefined, "GET", "rules")).status).toBe(401);
  const { body: first } = await ask("boss", "POST", "rules/immutable", { repository: "team/*", tags: "v*" });
  const kept = { repository: "*", keep: 10, olderThanSeconds: 3600 };
  const { body: second } = await ask("boss", "POST", "rules/retention", kept);
  expect((await ask("boss", "GET", "rules")).body).toEqual({
    immutable: [{ id: first.id, repository: "team/*", tags: "v*" }],
    retention: [{ id: second.id, ...kept, tags: "*", untaggedSeconds: null }],
  });
  expect((await ask("boss", "DELETE", `rules/retention/${first.id}`)).status).toBe(404);
  expect((await ask("boss", "DELETE", `rules/immutable/${first.id}`)).status).toBe(204);
  expect((await ask("boss", "GET", "rules")).body.immutable).toEqual([]);
});

test("without users there is nobody to manage; rules are open to whoever comes", async () => {
  await using registry = await TestRegistry.start();
  expect((await registry.request("GET", "/api/v1/owners/team/members")).status).toBe(405);
  expect((await registry.request("GET", "/api/v1/rules")).status).toBe(200);
});
