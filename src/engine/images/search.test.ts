// `search` against an index on loopback that answers as the Hub's does.

import { expect, test } from "bun:test";
import type { RegistryAuth } from "../../api/backend.ts";
import { NEVER, TestHouse } from "./testing.ts";

const RESULTS = [
  { name: "busybox", description: "Busybox base image.", star_count: 3000, is_official: true, is_automated: true },
  { name: "team/busybox", description: "", star_count: 12, is_official: false },
  { name: "nobody/busybox", description: "none\nat all", star_count: 0, is_official: false },
];

interface Options {
  readonly limit?: number;
  readonly filters?: Record<string, readonly string[]>;
  readonly auth?: RegistryAuth;
}

async function search(house: TestHouse, term: string, { limit, filters = {}, auth }: Options = {}) {
  const sets = new Map(Object.entries(filters).map(([key, values]) => [key, new Set(values)]));
  return house.images.search(term, { limit, filters: sets, auth }, NEVER);
}

function serveIndex(answer: (request: Request) => Response = () => Response.json({ results: RESULTS })) {
  const asked: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      asked.push(request.url.slice(request.url.indexOf("/v1/")));
      return answer(request);
    },
  });
  return { host: `127.0.0.1:${server.port}`, asked, [Symbol.asyncDispose]: () => server.stop(true) };
}

test("asks the registry named before the term, 25 results when no limit is given", async () => {
  await using index = serveIndex();
  await using house = await TestHouse.open();
  const found = await search(house, `${index.host}/busy box&n=1`);
  expect(index.asked).toEqual(["/v1/search?q=busy+box%26n%3D1&n=25"]);
  expect(found).toEqual(RESULTS.map((result) => ({ ...result, is_automated: false })));
  expect(await search(house, `${index.host}/x`, { limit: 2 })).toHaveLength(2);
});

test("filters by official and by stars", async () => {
  await using index = serveIndex();
  await using house = await TestHouse.open();
  const names = async (filters: Record<string, readonly string[]>) =>
    (await search(house, `${index.host}/busybox`, { filters })).map(({ name }) => name);
  expect(await names({ "is-official": ["true"] })).toEqual(["busybox"]);
  expect(await names({ "is-official": ["false"] })).toEqual(["team/busybox", "nobody/busybox"]);
  expect(await names({ stars: ["1", "12"] })).toEqual(["busybox", "team/busybox"]);
  expect(await names({ "is-automated": ["true"] })).toEqual([]);
  expect(await names({ "is-automated": ["false"] })).toHaveLength(3);
});

test("what can't be asked for is refused in Docker's words", async () => {
  await using house = await TestHouse.open();
  const refusal = (term: string, options?: Options) =>
    search(house, term, options).catch(({ code, message }) => `${code}: ${message}`);
  expect(await refusal("x", { limit: 101 })).toBe("invalid: limit 101 is outside the range of [1, 100]");
  expect(await refusal("x", { limit: -1 })).toBe("invalid: limit -1 is outside the range of [1, 100]");
  expect(await refusal("x", { filters: { color: ["red"] } })).toBe("invalid: invalid filter 'color'");
  expect(await refusal("x", { filters: { stars: ["many"] } })).toBe("invalid: invalid filter 'stars=many'");
  expect(await refusal("https://x/y")).toBe(
    "invalid: invalid repository name: repository name (https://x/y) should not have a scheme",
  );
  expect(await refusal("evil.example@other:80/x")).toBe("invalid: invalid index name (evil.example@other:80)");
  expect(await refusal("")).toBe("invalid: no term to search for was given");
});

test("what a registry can't or won't say becomes an error that says so", async () => {
  await using house = await TestHouse.open();
  const refusal = (term: string) => search(house, term).catch(({ code, message }) => `${code}: ${message}`);
  await using without = serveIndex(() => new Response("", { status: 404 }));
  expect(await refusal(`${without.host}/x`)).toBe("not-found: Unexpected status code 404");
  await using wild = serveIndex(() => new Response("<html>"));
  expect(await refusal(`${wild.host}/x`)).toStartWith("invalid: the registry's answer to a search is not JSON");
  const gone = serveIndex();
  await gone[Symbol.asyncDispose]();
  expect(await refusal(`${gone.host}/x`)).toStartWith(`unavailable: failed to do request: GET ${gone.host}`);
});

test("signs in where the index asks for it", async () => {
  const wanted = `Basic ${btoa("alice:secret")}`;
  await using index = serveIndex((request) =>
    request.headers.get("authorization") === wanted
      ? Response.json({ results: [] })
      : new Response("", { status: 401, headers: { "WWW-Authenticate": 'Basic realm="index"' } }),
  );
  await using house = await TestHouse.open();
  const auth = { username: "alice", password: "secret" };
  expect(await search(house, `${index.host}/x`, { auth })).toEqual([]);
  await expect(search(house, `${index.host}/x`)).rejects.toMatchObject({ code: "unauthorized" });
});
