// What of a directory is listed for the engine: order, patterns, links that are followed, names of one file.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { listDirectory, type Selection } from "./directory.ts";
import { valuesOf } from "./files.ts";

let root = "";

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "hoy-list-"));
  for (const name of ["a/b/c", "a/d", "a-b", "a.txt", "é", "z/deep/x.go", "z/deep/y.md"]) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), name);
  }
  symlinkSync("../a/b", join(root, "z/link"));
  symlinkSync("/a.txt", join(root, "absolute"));
  symlinkSync("loop", join(root, "loop"));
  symlinkSync("../../../etc/passwd", join(root, "out"));
  linkSync(join(root, "a/d"), join(root, "z/same"));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function listed(selection: Partial<Selection> = {}): string[] {
  const all = [...listDirectory(root, { include: [], exclude: [], follow: [], ...selection })];
  return all.map(({ path }) => path);
}

test("everything, in the order of its bytes, parents first", () => {
  expect(listed()).toEqual([
    "a",
    "a/b",
    "a/b/c",
    "a/d",
    "a-b",
    "a.txt",
    "absolute",
    "loop",
    "out",
    "z",
    "z/deep",
    "z/deep/x.go",
    "z/deep/y.md",
    "z/link",
    "z/same",
    "é",
  ]);
});

test("the second name of a file is a link to its first", () => {
  const all = [...listDirectory(root, { include: [], exclude: [], follow: [] })];
  expect(all.find(({ path }) => path === "z/same")?.linkname).toBe("a/d");
  expect(all.find(({ path }) => path === "z/link")?.linkname).toBe("../a/b");
});

test("patterns leave out, and a directory that is left out comes for what an exception wants of it", () => {
  expect(listed({ exclude: ["a", "*.txt", "absolute", "loop", "out", "é"] })).toEqual([
    "a-b",
    "z",
    "z/deep",
    "z/deep/x.go",
    "z/deep/y.md",
    "z/link",
    "z/same",
  ]);
  expect(listed({ exclude: ["*", "!z/deep/*.md"] })).toEqual(["z", "z/deep", "z/deep/y.md"]);
});

test("only what is followed, with what its links lead to, and never outside", () => {
  expect(listed({ follow: ["z/deep/*.go"] })).toEqual(["z", "z/deep", "z/deep/x.go"]);
  expect(listed({ follow: ["z/link/c"] })).toEqual(["a", "a/b", "a/b/c", "z", "z/link"]);
  expect(listed({ follow: ["absolute"] })).toEqual(["a.txt", "absolute"]);
  expect(listed({ follow: ["out"] })).toEqual(["out"]);
  expect(listed({ follow: ["loop"] })).toEqual(["loop"]);
  expect(listed({ follow: ["missing", "a-b/x"] })).toEqual([]);
  expect(listed({ follow: ["/"] })).toEqual(listed());
});

test("only what is included", () => {
  expect(listed({ include: ["z/deep", "a-b"] })).toEqual(["a-b", "z", "z/deep", "z/deep/x.go", "z/deep/y.md"]);
});

test("several values of a name, in whatever way they came", () => {
  expect(valuesOf(new Map([["p", ["a", "b"]]]), "p")).toEqual(["a", "b"]);
  expect(valuesOf(new Map([["p", ["a, b"]]]), "p")).toEqual(["a", "b"]);
  expect(
    valuesOf(
      new Map([
        ["p", ["a%2Cb, %C3%A9+x"]],
        ["p-encoded", ["1"]],
      ]),
      "p",
    ),
  ).toEqual(["a,b", "é x"]);
  expect(() =>
    valuesOf(
      new Map([
        ["p", ["%zz"]],
        ["p-encoded", ["1"]],
      ]),
      "p",
    ),
  ).toThrow("can't be read");
});
