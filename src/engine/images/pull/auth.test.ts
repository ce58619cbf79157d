// Getting let in: which credentials go where, and tokens that end in the middle of a pull or push.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { TestHouse, tar } from "../testing.ts";
import { type Asked, refuse, TestRegistry } from "./testing-registry.ts";

const AUTH = { username: "alice", password: "secret" };
const BASIC = `Basic ${Buffer.from("alice:secret").toString("base64")}`;

let house: TestHouse;
let registry: TestRegistry;
let name: string;
beforeEach(async () => {
  house = await TestHouse.open();
  registry = await TestRegistry.start();
  name = `${registry.address}/app:v1`;
  registry.put("app", "v1", [tar({ "etc/motd": "hello" }), tar({ "etc/other": "two" })]);
});
afterEach(async () => {
  await registry[Symbol.asyncDispose]();
  await house[Symbol.asyncDispose]();
});

/** Lets in who has a token that is not used up; the token server gives each so many requests. */
function bearer(uses: number, give: (asked: Asked) => object | undefined = () => ({})) {
  const left = new Map<string, number>();
  let given = 0;
  registry.rules = [
    (asked, response) => {
      if (asked.url.startsWith("/token")) {
        const more = give(asked);
        if (more === undefined) refuse(response, 401, "UNAUTHORIZED");
        else {
          left.set(`Bearer t${++given}`, uses);
          response.end(JSON.stringify({ token: `t${given}`, expires_in: 3600, ...more }));
        }
        return true;
      }
      const authorization = asked.headers.authorization ?? "";
      const remaining = left.get(authorization) ?? 0;
      left.set(authorization, remaining - 1);
      if (remaining > 0) return false;
      const realm = `http://${registry.address}/token`;
      const challenge = `Bearer realm="${realm}",service="reg",scope="repository:app:pull"`;
      refuse(response, 401, "UNAUTHORIZED", { "WWW-Authenticate": challenge });
      return true;
    },
  ];
  return () => given;
}

const tokenRequests = () => registry.asked.filter(({ url }) => url.startsWith("/token"));

describe("Basic", () => {
  beforeEach(() => {
    registry.rules = [
      ({ headers }, response) => {
        if (headers.authorization === BASIC) return false;
        refuse(response, 401, "UNAUTHORIZED", { "WWW-Authenticate": 'Basic realm="here"' });
        return true;
      },
    ];
  });

  test("the password goes only to whom asks for it", async () => {
    await house.pull(name, { auth: AUTH });
    const [first, second] = registry.asked;
    expect(first?.headers.authorization).toBeUndefined();
    expect(second?.headers.authorization).toBe(BASIC);
  });

  test("without credentials, or with wrong ones, it is denied in docker's words", async () => {
    for (const auth of [undefined, { username: "alice", password: "wrong" }])
      await expect(house.pull(name, { auth })).rejects.toThrow(/pull access denied for .*docker login/);
  });

  test("a push is let in too", async () => {
    await house.import("app", "x");
    await house.images.tag("app", `${registry.address}/app`, "mine");
    await house.push(`${registry.address}/app:mine`, { auth: AUTH });
    expect(registry.manifests.has("app:mine")).toBe(true);
  });
});

describe("Bearer", () => {
  test("anonymous: a token without a name", async () => {
    bearer(100);
    await house.pull(name);
    const [request] = tokenRequests();
    expect(request?.headers.authorization).toBeUndefined();
    expect(request?.url).toContain("service=reg");
    expect(request?.url).toContain(`scope=${encodeURIComponent("repository:app:pull")}`);
    expect(tokenRequests().length).toBe(1);
  });

  test("with a password, which only the token server gets", async () => {
    bearer(100);
    await house.pull(name, { auth: AUTH });
    expect(tokenRequests()[0]?.headers.authorization).toBe(BASIC);
    const others = registry.asked.filter(({ url }) => !url.startsWith("/token"));
    expect(others.some(({ headers }) => headers.authorization?.startsWith("Basic"))).toBe(false);
  });

  test("with an identity token: OAuth2's refresh", async () => {
    bearer(100, (asked) => (asked.method === "POST" ? { token: undefined, access_token: "t1" } : undefined));
    await house.pull(name, { auth: { identitytoken: "mine" } });
    const form = new URLSearchParams(tokenRequests()[0]?.body.toString());
    expect(form.get("grant_type")).toBe("refresh_token");
    expect(form.get("refresh_token")).toBe("mine");
    expect(tokenRequests()[0]?.url).not.toContain("mine");
  });

  test("a token that ends after every other request is asked for again, in a pull", async () => {
    const given = bearer(2);
    expect(await house.pull(name)).toContain("Downloaded newer image");
    expect(given()).toBeGreaterThan(1);
  });

  test("and in the middle of an upload", async () => {
    const given = bearer(2);
    await house.import("mine", "content");
    await house.images.tag("mine", `${registry.address}/app`, "pushed");
    expect(await house.push(`${registry.address}/app:pushed`)).toContain("digest: sha256:");
    expect(given()).toBeGreaterThan(2);
    expect(registry.manifests.has("app:pushed")).toBe(true);
  });

  test("a realm that is no place to send a password to is refused", async () => {
    registry.rules = [
      (_, response) => {
        refuse(response, 401, "UNAUTHORIZED", { "WWW-Authenticate": 'Bearer realm="ftp://evil/token"' });
        return true;
      },
    ];
    await expect(house.pull(name, { auth: AUTH })).rejects.toThrow("names no usable token server");
  });

  test("a token server that says no is quoted", async () => {
    bearer(100, () => undefined);
    await expect(house.pull(name, { auth: AUTH })).rejects.toThrow(/pull access denied.*unauthorized/);
  });
});
