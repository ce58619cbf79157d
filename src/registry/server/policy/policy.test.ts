// Immutable tags, retention, quotas and rate limits: by the books, and over HTTP where a client meets them.

import { expect, test } from "bun:test";
import { retain, withBooks } from "../admin.ts";
import { digestOf, refusal, TestRegistry } from "../testing.ts";
import { RateLimit } from "./rate.ts";

test("an immutable tag is set once: not moved, not removed, nor what it points to", async () => {
  await using registry = await TestRegistry.start();
  withBooks(registry.root, ({ rules }) => rules.addImmutable("team/*", "v*"));
  const { digest, text } = await registry.pushImage("team/app", "v1");
  expect((await registry.putManifest("team/app", "v1", text)).status).toBe(201); // the same again
  const moved = await registry.putManifest("team/app", "v1", `${text} `);
  expect(await refusal(moved)).toEqual([409, "DENIED"]);
  expect((await registry.putManifest("team/app", `${digestOf(`${text} `)}?tag=v1`, `${text} `)).status).toBe(409);
  expect((await registry.putManifest("team/app", "latest", `${text} `)).status).toBe(201);
  expect((await registry.putManifest("team/app", "latest", text)).status).toBe(201);
  for (const path of ["/v2/team/app/manifests/v1", `/v2/team/app/manifests/${digest}`])
    expect((await registry.request("DELETE", path)).status).toBe(409);
  expect((await registry.request("DELETE", "/api/v1/repositories/team/app")).status).toBe(409);
  expect((await registry.request("DELETE", "/v2/team/app/manifests/latest")).status).toBe(202);
  await registry.pushImage("other/app", "v1");
  expect((await registry.request("DELETE", "/v2/other/app/manifests/v1")).status).toBe(202);
  withBooks(registry.root, ({ rules }) => rules.remove("immutable", 1));
  expect((await registry.request("DELETE", "/v2/team/app/manifests/v1")).status).toBe(202);
});

test("retention: the newest stay, the young stay, immutable ones stay; a dry run changes nothing", async () => {
  await using registry = await TestRegistry.start();
  for (const tag of ["v1", "v2", "v3", "v4", "main"]) {
    await registry.pushImage("team/app", tag, `layer ${tag}`);
    await Bun.sleep(2); // pushes at different times
  }
  await registry.pushImage("team/other", "v1");
  const tags = async (name: string) =>
    ((await (await registry.request("GET", `/v2/${name}/tags/list`)).json()) as { tags: string[] }).tags;
  withBooks(registry.root, (books) => {
    books.rules.addRetention({ pattern: "team/app", tags: "v*", keep: 2, age: null, untagged: null });
    books.rules.addRetention({ pattern: "*", tags: "*", keep: null, age: 3_600_000, untagged: null });
    books.rules.addImmutable("team/app", "v1");
    expect(retain(books, true)).toEqual([{ repository: "team/app", reference: "v2", rule: 1 }]);
  });
  expect(await tags("team/app")).toEqual(["main", "v1", "v2", "v3", "v4"]);
  withBooks(registry.root, (books) => expect(retain(books, false)).toHaveLength(1));
  expect(await tags("team/app")).toEqual(["main", "v1", "v3", "v4"]);
  withBooks(registry.root, (books) => {
    const inTwoHours = books.rules.plan(Date.now() + 2 * 3_600_000);
    expect(inTwoHours.map(({ repository, reference }) => `${repository}:${reference}`).sort()).toEqual([
      "team/app:main",
      "team/app:v3",
      "team/app:v4",
      "team/other:v1",
    ]);
  });
});

test("retention of untagged manifests leaves those of an index and those about another", async () => {
  await using registry = await TestRegistry.start();
  const lone = await registry.pushImage("a", "gone", "lone");
  const child = await registry.pushImage("a", "child", "child");
  const subject = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: child.digest, size: 1 };
  const about = await registry.pushImage("a", "about", "about", { subject });
  const type = "application/vnd.oci.image.index.v1+json";
  const manifests = [{ ...subject, size: child.text.length }];
  await registry.putManifest("a", "all", { schemaVersion: 2, mediaType: type, manifests }, type);
  for (const tag of ["gone", "child", "about"]) await registry.request("DELETE", `/v2/a/manifests/${tag}`);
  withBooks(registry.root, (books) => {
    books.rules.addRetention({ pattern: "a", tags: "*", keep: null, age: null, untagged: 1000 });
    expect(books.rules.plan(Date.now())).toEqual([]);
    expect(books.rules.plan(Date.now() + 5000).map(({ reference }) => reference)).toEqual([lone.digest]);
  });
  expect((await registry.request("GET", `/v2/a/manifests/${about.digest}`)).status).toBe(200);
});

test("rules that can't be meant are refused", async () => {
  await using registry = await TestRegistry.start();
  withBooks(registry.root, ({ rules, quotas }) => {
    expect(() => rules.addImmutable("Team", "*")).toThrow("not a repository");
    expect(() => rules.addImmutable("team", "[a-z]")).toThrow("no pattern of tags");
    const nothing = { pattern: "a", tags: "*", keep: null, age: null, untagged: null };
    expect(() => rules.addRetention(nothing)).toThrow("needs a number");
    expect(() => rules.addRetention({ ...nothing, keep: 0 })).toThrow("must be 1");
    expect(() => rules.addRetention({ ...nothing, age: -1 })).toThrow("more than nothing");
    expect(() => quotas.set("team/*", 1)).toThrow("no user, organisation or repository");
    expect(() => quotas.set("team", 1.5)).toThrow("number of bytes");
  });
});

test("a quota holds for all under a name, counts a blob once, and is room again after removal", async () => {
  await using registry = await TestRegistry.start();
  withBooks(registry.root, ({ quotas }) => quotas.set("alice", 10_000));
  const push = (name: string, data: string) =>
    registry.request("POST", `/v2/${name}/blobs/uploads/?digest=${digestOf(data)}`, { body: data });
  const [six, other] = ["a".repeat(6000), "b".repeat(6000)];
  expect((await push("alice/one", six)).status).toBe(201);
  expect((await push("alice/two", six)).status).toBe(201); // the same bytes
  expect(await refusal(await push("alice/two", other))).toEqual([403, "DENIED"]);
  expect((await push("alicex/two", other)).status).toBe(201);
  const mount = () => registry.request("POST", `/v2/alice/two/blobs/uploads/?mount=${digestOf(other)}&from=alicex/two`);
  expect(await refusal(await mount())).toEqual([403, "DENIED"]);
  for (const name of ["alice/one", "alice/two"]) await registry.request("DELETE", `/v2/${name}/blobs/${digestOf(six)}`);
  expect((await mount()).status).toBe(201);
  withBooks(registry.root, ({ quotas }) => expect(quotas.used("alice")).toBe(6000));
});

test("many uploads at once can't pass a quota together", async () => {
  await using registry = await TestRegistry.start();
  withBooks(registry.root, ({ quotas }) => quotas.set("alice", 50_000));
  const answers = await Promise.all(
    Array.from({ length: 12 }, async (_, at) => {
      const start = await registry.request("POST", `/v2/alice/app${at}/blobs/uploads/`);
      const data = String.fromCharCode(97 + at).repeat(20_000);
      const location = start.headers.get("location") ?? "";
      return (await registry.request("PUT", `${location}?digest=${digestOf(data)}`, { body: data })).status;
    }),
  );
  expect(answers.filter((status) => status === 201).length).toBeLessThanOrEqual(2);
  expect(answers.every((status) => status === 201 || status === 403)).toBe(true);
  withBooks(registry.root, ({ quotas }) => expect(quotas.used("alice")).toBeLessThanOrEqual(50_000));
  // What was refused has left nothing that counts.
  const data = "z".repeat(9_000);
  const last = await registry.request("POST", `/v2/alice/z/blobs/uploads/?digest=${digestOf(data)}`, { body: data });
  expect(last.status).toBe(201);
});

test("an upload that is open over a restart still counts", async () => {
  const first = await TestRegistry.start();
  withBooks(first.root, ({ quotas }) => quotas.set("alice", 10_000));
  const location = (await first.request("POST", "/v2/alice/app/blobs/uploads/")).headers.get("location") ?? "";
  expect((await first.request("PATCH", location, { body: "a".repeat(8000) })).status).toBe(202);
  await first.stop();
  await using registry = await TestRegistry.start({ root: first.root });
  const data = "b".repeat(5000);
  const path = `/v2/alice/b/blobs/uploads/?digest=${digestOf(data)}`;
  expect((await registry.request("POST", path, { body: data })).status).toBe(403);
  expect((await registry.request("DELETE", location)).status).toBe(204);
  expect((await registry.request("POST", path, { body: data })).status).toBe(201);
});

test("so many requests a minute, then 429 with the time to wait; proxies of one's own say who it is", async () => {
  await using registry = await TestRegistry.start({ addressRate: 5, proxies: ["127.0.0.0/8", "::1"] });
  const get = (address: string) =>
    registry.request("GET", "/v2/", { headers: { "X-Forwarded-For": `9.9.9.9, ${address}` } });
  for (let at = 0; at < 5; at++) expect((await get("192.0.2.1")).status).toBe(200);
  const refused = await get("192.0.2.1");
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await refusal(refused)).toEqual([429, "TOOMANYREQUESTS"]);
  expect((await get("192.0.2.2")).status).toBe(200);
  for (let at = 0; at < 5; at++) expect((await get(`2001:db8::${at}`)).status).toBe(200);
  expect((await get("2001:db8::ffff")).status).toBe(429); // the same /64
  expect((await get("2001:db8:0:1::1")).status).toBe(200);
});

test("from anybody but a proxy of one's own, X-Forwarded-For means nothing", async () => {
  await using registry = await TestRegistry.start({ addressRate: 2 });
  const statuses: number[] = [];
  for (let at = 0; at < 3; at++)
    statuses.push((await registry.request("GET", "/v2/", { headers: { "X-Forwarded-For": `192.0.2.${at}` } })).status);
  expect(statuses).toEqual([200, 200, 429]);
});

test("a bucket fills evenly and holds a minute's worth", () => {
  const limit = new RateLimit(60);
  for (let at = 0; at < 60; at++) limit.take("a", 0);
  expect(() => limit.take("a", 500)).toThrow("too many requests");
  limit.take("a", 1600);
  expect(() => limit.take("a", 1700)).toThrow("too many requests");
  for (let at = 0; at < 60; at++) limit.take("a", 10_000_000);
  expect(() => limit.take("a", 10_000_000)).toThrow("too many requests");
});
