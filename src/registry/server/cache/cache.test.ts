// The registry as a cache of another: one stream upstream however many pull, tags with a time to live, service without
// upstream, and an upstream that breaks off or lies. Between the two stands a proxy that counts and can do harm.

import { expect, test } from "bun:test";
import { withBooks } from "../admin.ts";
import { refusal } from "../testing.ts";
import { big, cached } from "./testing.ts";

test("an image is fetched once, kept, and given out without upstream", async () => {
  await using set = await cached();
  const { digest, layer, text } = await set.origin.pushImage("team/app", "v1", big("a"));
  const manifest = await set.get("/v2/hub/team/app/manifests/v1");
  expect([manifest.status, await manifest.text()]).toEqual([200, text]);
  const head = await set.registry.request("HEAD", `/v2/hub/team/app/blobs/${layer}`);
  expect([head.status, head.headers.get("content-length")]).toEqual([200, String(big("a").length)]);
  expect(set.count(`blobs/${layer}`)).toBe(0);
  const blob = await set.get(`/v2/hub/team/app/blobs/${layer}`);
  expect((await blob.text()) === big("a")).toBe(true);
  const range = await set.get(`/v2/hub/team/app/blobs/${layer}`, { Range: "bytes=5-7" });
  expect([range.status, await range.text()]).toEqual([206, "aaa"]);
  expect(set.count(`blobs/${layer}`)).toBe(1);
  set.state.away = true;
  expect((await set.get("/v2/hub/team/app/manifests/v1")).status).toBe(200);
  expect((await set.get(`/v2/hub/team/app/manifests/${digest}`)).status).toBe(200);
  expect((await set.get(`/v2/hub/team/app/blobs/${layer}`)).status).toBe(200);
  const tags = await set.get("/v2/hub/team/app/tags/list");
  expect(await tags.json()).toEqual({ name: "hub/team/app", tags: ["v1"] });
  expect((await set.get("/v2/hub/team/other/manifests/v1")).status).toBe(502);
});

test("many pulls at once share one stream, wherever in it they begin", async () => {
  await using set = await cached();
  const { layer } = await set.origin.pushImage("app", "v1", big("b"));
  await set.get("/v2/hub/app/manifests/v1");
  const gate = Promise.withResolvers<void>();
  set.state.harm = async (request, response, body) => {
    if (request.method !== "GET" || !request.url?.includes("/blobs/")) return false;
    response.writeHead(200, { "Content-Length": body.length });
    response.write(body.subarray(0, 2 * 1024 * 1024));
    await gate.promise;
    response.end(body.subarray(2 * 1024 * 1024));
    return true;
  };
  const path = `/v2/hub/app/blobs/${layer}`;
  const first = await set.get(path);
  const reader = first.body?.getReader();
  // The first bytes are here while upstream still holds back the rest.
  const part = await reader?.read();
  expect(part?.value?.length).toBeGreaterThan(0);
  const others = Array.from({ length: 10 }, async (_, at) =>
    (await set.get(path, { Range: `bytes=${at}-` })).arrayBuffer(),
  );
  await Bun.sleep(50);
  gate.resolve();
  const lengths = (await Promise.all(others)).map(({ byteLength }, at) => byteLength + at);
  expect(new Set(lengths)).toEqual(new Set([big("b").length]));
  let rest = part?.value?.length ?? 0;
  for (let next = await reader?.read(); next?.done === false; next = await reader?.read()) rest += next.value.length;
  expect(rest).toBe(big("b").length);
  expect(set.count(`blobs/${layer}`)).toBe(1);
}, 30_000);

test("a tag is asked for again when its time is over, by a HEAD when nothing changed", async () => {
  await using set = await cached({ ttl: 0 });
  const first = await set.origin.pushImage("app", "v1", "one");
  const get = async () => (await set.get("/v2/hub/app/manifests/v1")).headers.get("docker-content-digest");
  expect(await get()).toBe(first.digest);
  expect(await get()).toBe(first.digest);
  expect([set.count("GET /v2/app/manifests/v1"), set.count("HEAD /v2/app/manifests/v1")]).toEqual([1, 1]);
  const second = await set.origin.pushImage("app", "v1", "two");
  expect(await get()).toBe(second.digest);
  set.state.away = true;
  expect(await get()).toBe(second.digest); // stale is better than nothing
  set.state.away = false;
  await set.origin.request("DELETE", "/v2/app/manifests/v1");
  expect((await set.get("/v2/hub/app/manifests/v1")).status).toBe(404);
}, 60_000);

test("a connection that breaks off is taken up again where it broke", async () => {
  await using set = await cached();
  const { layer } = await set.origin.pushImage("app", "v1", big("c"));
  await set.get("/v2/hub/app/manifests/v1");
  let broken = 0;
  set.state.harm = (request, response, body) => {
    if (!request.url?.includes(`blobs/${layer}`) || broken >= 2) return false;
    broken++;
    const { range } = request.headers;
    response.writeHead(range === undefined ? 200 : 206, { "Content-Length": body.length });
    response.write(body.subarray(0, 1024 * 1024 + 100), () => setTimeout(() => response.destroy(), 100));
    return true;
  };
  const answer = await set.get(`/v2/hub/app/blobs/${layer}`);
  expect((await answer.text()) === big("c")).toBe(true);
  expect(broken).toBe(2);
}, 60_000);

test("upstream's wrong bytes are never whole for anybody, and never kept", async () => {
  await using set = await cached();
  const { layer } = await set.origin.pushImage("app", "v1", big("d"));
  await set.get("/v2/hub/app/manifests/v1");
  const lies: Record<string, (body: Buffer) => Buffer> = {
    wrong: (body) => Buffer.concat([body.subarray(1), Buffer.from("x")]),
    longer: (body) => Buffer.concat([body, body]),
  };
  for (const lie of Object.values(lies)) {
    set.state.harm = (request, response, body) => {
      if (!request.url?.includes(`blobs/${layer}`)) return false;
      response.end(lie(body));
      return true;
    };
    const whole = await set
      .get(`/v2/hub/app/blobs/${layer}`)
      .then((answer) => answer.arrayBuffer())
      .then(
        ({ byteLength }) => byteLength,
        () => "broken off",
      );
    expect(whole).toBe("broken off");
    expect(withBooks(set.registry.root, ({ rows }) => rows.hasBlob(layer))).toBe(false);
  }
  set.state.harm = undefined;
  expect((await (await set.get(`/v2/hub/app/blobs/${layer}`)).text()) === big("d")).toBe(true);
}, 60_000);

test("a manifest that is not what its digest says is refused", async () => {
  await using set = await cached();
  const { digest } = await set.origin.pushImage("app", "v1");
  set.state.harm = (request, response) => {
    if (!request.url?.includes("/manifests/")) return false;
    response.writeHead(200, { "Content-Type": "application/vnd.oci.image.manifest.v1+json" });
    response.end('{"schemaVersion":2,"layers":[]}');
    return true;
  };
  expect((await set.get(`/v2/hub/app/manifests/${digest}`)).status).toBe(502);
  expect(withBooks(set.registry.root, ({ rows }) => rows.repositories({ limit: 9, after: "" }))).toEqual([]);
});

test("a cache is not pushed to; what no manifest names is not asked for; other names are our own", async () => {
  await using set = await cached();
  const start = await set.registry.request("POST", "/v2/hub/app/blobs/uploads/");
  expect(await refusal(start)).toEqual([405, "UNSUPPORTED"]);
  const { layer } = await set.origin.pushImage("app", "v1");
  expect((await set.get(`/v2/hub/app/blobs/${layer}`)).status).toBe(404);
  await set.registry.pushImage("own/app", "v1");
  await set.registry.pushImage("hub", "v1"); // a prefix is not a repository of itself
  expect((await set.get("/v2/own/app/manifests/v1")).status).toBe(200);
  expect(set.asked).toEqual([]);
});

test("the longest prefix counts; * is all other names, as of a mirror", async () => {
  await using set = await cached({ prefix: "" });
  await set.origin.pushImage("app/x", "v1");
  expect((await set.get("/v2/app/x/manifests/v1")).status).toBe(200);
  withBooks(set.registry.root, ({ upstreams }) => {
    const base = { ttl: 0, insecure: true, username: undefined, password: undefined };
    upstreams.set({ ...base, prefix: "a", remote: "one.example" });
    upstreams.set({ ...base, prefix: "a/b", remote: "two.example/c" });
    const of = (name: string) => upstreams.of(name)?.remote;
    expect([of("a/x"), of("a/b/x"), of("a/b")]).toEqual(["one.example", "two.example/c", "one.example"]);
    for (const remote of ["", "http://x", "x/", "x/UPPER", "x y"])
      expect(() => upstreams.set({ ...base, prefix: "p", remote })).toThrow("no registry");
    expect(() => upstreams.set({ ...base, prefix: "P", remote: "x" })).toThrow("can't begin");
  });
});
