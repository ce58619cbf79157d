// Organisations, robots and tokens: what each may do, and what ends with what.

import { expect, setDefaultTimeout, test } from "bun:test";
import { TestRegistry } from "../testing.ts";
import { Accounts, NOBODY, type Principal } from "./accounts.ts";
import { EVERYBODY } from "./grants.ts";
import { parseScopes } from "./tokens.ts";

// Hashing passwords is slow by design, and slower on a busy machine.
setDefaultTimeout(30_000);

async function books() {
  const registry = await TestRegistry.start({ users: true });
  const accounts = new Accounts(registry.root);
  const hash = await Bun.password.hash("secret", { algorithm: "bcrypt", cost: 4 });
  accounts.users.importHtpasswd(`alice:${hash}\nbob:${hash}\n`);
  accounts.organisations.create("team");
  const of = (name: string): Principal => ({ account: accounts.account(name), token: undefined });
  return {
    registry,
    accounts,
    can: (who: string | Principal, repository: string) =>
      accounts.actions(typeof who === "string" ? of(who) : who, repository).join(","),
    of,
    async [Symbol.asyncDispose]() {
      accounts.close();
      await registry[Symbol.asyncDispose]();
    },
  };
}

test("a member's role counts in what is under the organisation's name, and nowhere else", async () => {
  await using set = await books();
  const { accounts, can } = set;
  expect(can("alice", "team/app")).toBe("");
  accounts.organisations.setMember("team", "alice", "read");
  expect(can("alice", "team/app")).toBe("pull");
  accounts.organisations.setMember("team", "alice", "write");
  expect(can("alice", "team/deep/app")).toBe("pull,push");
  expect(can("alice", "team")).toBe("");
  expect(can("alice", "teams/app")).toBe("");
  expect(can("bob", "team/app")).toBe("");
  accounts.organisations.setMember("team", "alice", "admin");
  expect(can("alice", "team/app")).toBe("pull,push,delete");
  expect(accounts.manages(set.of("alice"), "team")).toBe(true);
  expect(accounts.manages(set.of("bob"), "team")).toBe(false);
  accounts.organisations.removeMember("team", "alice");
  expect(can("alice", "team/app")).toBe("");
});

test("a grant to an organisation is one to each of its members", async () => {
  await using set = await books();
  const { accounts, can } = set;
  accounts.organisations.setMember("team", "bob", "read");
  accounts.grant("team", "shared/*", "write");
  expect(can("bob", "shared/app")).toBe("pull,push");
  expect(can("alice", "shared/app")).toBe("");
  accounts.removeOrganisation("team");
  expect(can("bob", "shared/app")).toBe("");
  expect(can("bob", "team/app")).toBe("");
});

test("users and organisations share one space of names", async () => {
  await using set = await books();
  const { accounts } = set;
  expect(() => accounts.organisations.create("alice")).toThrow("alice is a user");
  expect(() => accounts.organisations.create("team")).toThrow("already");
  expect(() => accounts.organisations.create("Team")).toThrow("invalid organisation name");
  await expect(accounts.users.put("team", "long enough", false)).rejects.toThrow("team is an organisation");
  expect(() => accounts.organisations.setMember("team", "carol", "read")).toThrow("no user carol");
  expect(() => accounts.grant("carol", "team/*", "read")).toThrow("no user, organisation or robot carol");
});

test("a robot has what it was granted under its owner, by its token alone", async () => {
  await using set = await books();
  const { accounts, can } = set;
  const text = accounts.createRobot("team+ci", [{ pattern: "team/app", role: "write" }], undefined);
  const robot = await accounts.verify("team+ci", text);
  expect(can(robot ?? NOBODY, "team/app")).toBe("pull,push");
  expect(can(robot ?? NOBODY, "team/other")).toBe("");
  expect(await accounts.verify("team+other", text)).toBeUndefined();
  expect(await accounts.verify("team+ci", `${text.slice(0, -1)}${text.endsWith("A") ? "B" : "A"}`)).toBeUndefined();
  expect(() => accounts.grant("team+ci", "alice/*", "read")).toThrow("owner's repositories");
  expect(() => accounts.grant("team+ci", "*", "read")).toThrow("owner's repositories");
  // All or nothing.
  expect(() => accounts.createRobot("team+bad", [{ pattern: "other/x", role: "read" }], undefined)).toThrow();
  expect(accounts.robots.get("team+bad")).toBeUndefined();
  expect(() => accounts.createRobot("nobody+ci", [], undefined)).toThrow("no user or organisation nobody");
  for (const bad of ["ci", "team+", "+ci", "team+a+b", "team+A"])
    expect(() => accounts.createRobot(bad, [], undefined)).toThrow("invalid robot name");
  accounts.removeOrganisation("team");
  expect(await accounts.verify("team+ci", text)).toBeUndefined();
  expect(accounts.tokens.list()).toEqual([]);
});

test("a token narrows what its account may do, never widens it, and ends when it should", async () => {
  await using set = await books();
  const { accounts, can } = set;
  const make = (scopes: string[], expires?: number) =>
    accounts.tokens.create("alice", "", parseScopes(scopes), expires).text;
  const verify = async (text: string) => (await accounts.verify("alice", text)) ?? NOBODY;
  const narrow = await verify(make(["repository:alice/*:pull", "repository:bob/app:pull,push"]));
  expect(can(narrow, "alice/app")).toBe("pull");
  expect(can(narrow, "bob/app")).toBe("");
  accounts.grants.grant(EVERYBODY, "bob/app", "read");
  expect(can(narrow, "bob/app")).toBe("pull");
  expect(accounts.manages(narrow, "alice")).toBe(false);
  expect((await verify(make(["repository:*:*"], Date.now() - 1))).account).toBeUndefined();
  const text = make(["repository:*:*"], Date.now() + 60_000);
  expect(can(await verify(text), "alice/app")).toBe("pull,push,delete");
  accounts.removeUser("alice");
  expect((await verify(text)).account).toBeUndefined();
  for (const bad of ["alice/app", "repository:A:pull", "repository:a:fly", "repository:a:", "repository:a:pull,fly"])
    expect(() => parseScopes([bad])).toThrow();
});

test("what a signed token was made from, taken back, ends it too", async () => {
  await using set = await books();
  const { registry, accounts } = set;
  const { id, text } = accounts.tokens.create("alice", "", undefined, undefined);
  const basic = (password: string) => ({
    Authorization: `Basic ${Buffer.from(`alice:${password}`).toString("base64")}`,
  });
  const sign = async (password: string) => {
    const path = "/token?service=hoy-registry&scope=repository:alice/app:pull";
    const answer = await registry.request("GET", path, { headers: basic(password) });
    return ((await answer.json()) as { token: string }).token;
  };
  const get = async (token: string) =>
    (await registry.request("GET", "/v2/alice/app/tags/list", { headers: { Authorization: `Bearer ${token}` } }))
      .status;
  const [byToken, byPassword] = [await sign(text), await sign("secret")];
  expect([await get(byToken), await get(byPassword), await get(text)]).toEqual([404, 404, 404]);
  accounts.tokens.remove(id);
  expect([await get(byToken), await get(byPassword), await get(text)]).toEqual([401, 404, 401]);
  await accounts.users.put("alice", "another secret", false);
  expect(await get(byPassword)).toBe(401);
});
