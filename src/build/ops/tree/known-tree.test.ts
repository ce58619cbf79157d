// A known tree: what lies below a directory, whatever the names; and that those who were received last are remembered.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { type KnownFile, KnownTree, KnownTrees } from "./known-tree.ts";

const file = (path: string, inode: number, type: KnownFile["type"] = "file"): KnownFile => {
  return { path, type, mode: 0o644, size: 0, mtime: 0n, target: "", digest: "", offset: 0, inode };
};
const inWalkOrder = (a: string, b: string) => (a.replaceAll("/", "\0") < b.replaceAll("/", "\0") ? -1 : 1);
const treeOf = (paths: readonly string[]) => KnownTree.of(paths.map((path, index) => file(path, index)));

test("what is below a directory follows it, names beside it that begin as it does not", () => {
  const tree = treeOf(["a", "a/b", "a/b/c", "a/d", "a-b", "a.b", "ab"]);
  expect([...(tree?.below("a") ?? [])].map(({ path }) => path)).toEqual(["a/b", "a/b/c", "a/d"]);
  expect([...(tree?.below("") ?? [])]).toHaveLength(7);
  expect([...(tree?.below("a-b") ?? [])]).toEqual([]);
  expect([...(tree?.below("missing") ?? [])]).toEqual([]);
  expect(tree?.at("a/d")?.path).toBe("a/d");
});

test("any tree gives below each path what its names say", () => {
  const name = fc.stringMatching(/^[a-c.\-!~]{1,3}$/).filter((text) => text !== "." && text !== "..");
  const path = fc.array(name, { minLength: 1, maxLength: 3 });
  fc.assert(
    fc.property(fc.array(path, { maxLength: 20 }), (all) => {
      const paths = new Set(all.flatMap((parts) => parts.map((_, depth) => parts.slice(0, depth + 1).join("/"))));
      const sorted = [...paths].sort(inWalkOrder);
      const tree = treeOf(sorted);
      for (const top of sorted) {
        const below = [...(tree?.below(top) ?? [])].map((one) => one.path);
        expect(below).toEqual(sorted.filter((other) => other.startsWith(`${top}/`)));
      }
    }),
  );
});

test("a list in another order is not known: copies would take it in another order than from a disk", () => {
  expect(treeOf(["b", "a"])).toBeUndefined();
  expect(treeOf(["a", "a-b", "a/b"])).toBeUndefined();
  expect(treeOf(["a", "a"])).toBeUndefined();
});

test("names of one file have one number", () => {
  const tree = KnownTree.of([file("a", 0), file("b", 0), file("c", 2)]);
  expect(tree?.files.map((each) => tree.isLinked(each))).toEqual([true, true, false]);
});

test("without a build for a while they are forgotten, and what belongs to them", async () => {
  const trees = new KnownTrees(1);
  const tree = treeOf(["a"]);
  if (tree === undefined) throw new Error("not in order");
  const forgotten = new Promise<void>((resolve) => trees.whenForgotten(resolve));
  trees.remember("tree", tree);
  await forgotten;
  expect(trees.find("tree")).toBeUndefined();
});

test("the trees that were used last are remembered", () => {
  const trees = new KnownTrees();
  const tree = treeOf(["a"]);
  if (tree === undefined) throw new Error("not in order");
  for (let index = 0; index < 40; index++) {
    trees.remember(`tree ${index}`, tree);
    trees.find("tree 0");
  }
  expect(["tree 0", "tree 1", "tree 39"].map((key) => trees.find(key) !== undefined)).toEqual([true, false, true]);
});
