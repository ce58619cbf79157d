import { afterEach, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sweepPartials } from "./pull/partial.ts";
import { cut, NEVER, said, TestHouse, tar } from "./testing.ts";

let house: TestHouse;
beforeEach(async () => {
  house = await TestHouse.open();
});
afterEach(() => house[Symbol.asyncDispose]());

const KEEP_ALL = { unusedSince: undefined, keepStorage: undefined, keep: [] };
const NOW = () => new Date(Date.now() + 1000).toISOString();

/** An image of so many bytes; the later made, the later used. */
async function image(name: string, size: number): Promise<string> {
  const options = { source: "-", repo: name, tag: undefined, message: "", changes: [], platform: undefined };
  const id = await said(await house.images.import(options, cut(tar({ data: randomBytes(size) })), NEVER));
  await Bun.sleep(3);
  return id.trim();
}

const names = async () =>
  (await house.images.list({ all: true, digests: false, sharedSize: false, manifests: false, filters: new Map() }))
    .flatMap(({ RepoTags }) => RepoTags ?? [])
    .toSorted();

test("without a policy nothing goes", async () => {
  await image("a", 10);
  expect(await house.images.collect(KEEP_ALL, false)).toEqual([]);
  expect(await names()).toEqual(["a:latest"]);
});

test("what was not used since then goes; a dry run only says so", async () => {
  const id = await image("a", 10);
  const policy = { ...KEEP_ALL, unusedSince: NOW() };
  const [would] = await house.images.collect(policy, true);
  expect(would).toEqual({ Id: id, Names: ["a:latest"], Size: 10, LastUsed: expect.any(String) });
  expect(await names()).toEqual(["a:latest"]);
  expect(await house.images.collect(policy, false)).toEqual(would === undefined ? [] : [would]);
  expect(await names()).toEqual([]);
  expect(await house.files()).toEqual([]);
});

test("the longest unused goes first, until the rest fits", async () => {
  for (const name of ["a", "b", "c"]) await image(name, 1000);
  await house.images.tag("a", "again", undefined);
  expect((await house.images.collect({ ...KEEP_ALL, keepStorage: 2000 }, false)).map(({ Names }) => Names)).toEqual([
    ["b:latest"],
  ]);
  expect(await names()).toEqual(["a:latest", "again:latest", "c:latest"]);
});

test("layers that images share count once, and go with the last", async () => {
  const [base, id] = ["a", await image("a", 1000)];
  expect(base).toBe("a");
  await house.images.tag("a", "b", undefined);
  const [gone] = await house.images.collect({ ...KEEP_ALL, keepStorage: 999 }, false);
  expect({ id: gone?.Id, size: gone?.Size, names: gone?.Names.length }).toEqual({ id, size: 1000, names: 2 });
  expect(await names()).toEqual([]);
});

test("what a container uses, or the policy names, stays", async () => {
  const used = await image("used", 10);
  await image("base/one", 10);
  await image("other", 10);
  await house.shelf.retain(used, "container");
  const policy = { unusedSince: NOW(), keepStorage: 0, keep: ["base/*"] };
  expect((await house.images.collect(policy, false)).map(({ Names }) => Names)).toEqual([["other:latest"]]);
  expect(await names()).toEqual(["base/one:latest", "used:latest"]);
  await house.shelf.release("container");
});

test("the end of a container is a use of its image", async () => {
  const first = await image("first", 10);
  await image("second", 10);
  await house.shelf.retain(first, "container");
  await house.shelf.release("container");
  expect((await house.images.collect({ ...KEEP_ALL, keepStorage: 10 }, false)).map(({ Names }) => Names)).toEqual([
    ["second:latest"],
  ]);
});

test("what no row refers to goes with every collection, as after a crash", async () => {
  await image("a", 10);
  const before = await house.files();
  for (const path of ["layers", "blobs/sha256"])
    await writeFile(join(house.root, path, randomBytes(32).toString("hex")), "lost");
  expect((await house.files()).length).toBe(before.length + 2);
  await house.images.collect(KEEP_ALL, false);
  expect((await house.files()).toSorted()).toEqual(before.toSorted());
});

test("beginnings of pulls stay for a week", async () => {
  const directory = join(house.root, "tmp/partial");
  await mkdir(directory);
  for (const [name, days] of [
    ["young", 6],
    ["old", 8],
  ] as const) {
    await writeFile(join(directory, name), "x");
    const time = Date.now() / 1000 - days * 24 * 3600;
    await utimes(join(directory, name), time, time);
  }
  await sweepPartials(join(house.root, "tmp"));
  expect(await Array.fromAsync(new Bun.Glob("*").scan(directory))).toEqual(["young"]);
});
