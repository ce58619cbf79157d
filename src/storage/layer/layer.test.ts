// A layer's tree: what an archive comes to, entry by entry, without any disk; its index; and layers over each other. What
// drivers make of it is in the conformance test.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { LayerInfo } from "../snapshot.ts";
import type { TarEntry } from "../tar/entry.ts";
import { LayerBuilder } from "./build.ts";
import { decodeIndex, decodeInfo, encodeIndex, HEAD_SIZE } from "./index-file.ts";
import { mergeLayers } from "./merge.ts";
import { cleanName, layerName } from "./name.ts";
import type { Directory, LayerTree } from "./tree.ts";
import { keptXattrs } from "./xattrs.ts";

function entry(name: string, rest: Partial<TarEntry> = {}): TarEntry {
  return {
    type: name.endsWith("/") ? "dir" : "file",
    name,
    linkname: "",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: 0,
    mtime: 0n,
    device: { major: 0, minor: 0 },
    xattrs: new Map(),
    offset: 512,
    stored: 0,
    sparse: undefined,
    ...rest,
  };
}

function treeOf(...entries: readonly TarEntry[]): LayerTree {
  const builder = new LayerBuilder();
  for (const each of entries) builder.add(each);
  return builder.finish();
}

/** Names in order, directories with a slash and their marks. */
function listing(directory: Directory, prefix = ""): string[] {
  return [...directory.children]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, node]) => {
      if (node.kind === "whiteout") return [`${prefix}${name} whiteout`];
      if (node.kind === "leaf") return [`${prefix}${name}`];
      const marks = `${node.opaque ? " opaque" : ""}${node.implied ? " implied" : ""}`;
      return [`${prefix}${name}/${marks}`, ...listing(node, `${prefix}${name}/`)];
    });
}

describe("names", () => {
  test("are made clean, and never lead up", () => {
    expect(cleanName("/./a//b/.")).toEqual(["a", "b"]);
    expect(cleanName("./")).toEqual([]);
    expect(cleanName("..a/b..")).toEqual(["..a", "b.."]);
    expect(() => cleanName("a/..")).toThrow('".."');
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("/", ".", "a", "\xff"), maxLength: 40 }), (name) => {
        const climbs = name.split("/").includes("..");
        if (climbs) expect(() => cleanName(name)).toThrow();
        else for (const part of cleanName(name)) expect(["", ".", ".."]).not.toContain(part);
      }),
    );
  });

  test("of whiteouts say what they hide", () => {
    expect(layerName("a/.wh.b")).toEqual({ kind: "whiteout", path: ["a", "b"] });
    expect(layerName("a/.wh..wh..opq")).toEqual({ kind: "opaque", path: ["a"] });
    expect(layerName(".wh..wh.plnk/12.34")).toEqual({ kind: "ignored" });
    expect(layerName("a/b.wh.c")).toEqual({ kind: "node", path: ["a", "b.wh.c"] });
    for (const bad of [".wh.", ".wh..", ".wh...", "x/.wh.d/f", ".wh.d/.wh..wh..opq"])
      expect(() => layerName(bad)).toThrow();
  });
});

describe("a tree", () => {
  test("is what the last entries say", () => {
    const tree = treeOf(
      entry("d/"),
      entry("d/f", { size: 5 }),
      entry("d", { type: "symlink", linkname: "e" }),
      entry("d/g", { size: 7 }),
      entry("h", { type: "hardlink", linkname: "d/g" }),
    );
    expect(listing(tree.root)).toEqual(["d", "e/ implied", "e/g", "h"]);
    expect(tree).toMatchObject({ entries: 5, size: 7 });
  });

  test("takes whiteouts in any order", () => {
    const entries = [
      entry("d/"),
      entry(".wh.d"),
      entry("f"),
      entry(".wh.f"),
      entry(".wh.gone"),
      entry("o/.wh..wh..opq"),
    ];
    const wanted = ["d/ opaque", "f", "gone whiteout", "o/ opaque implied"];
    fc.assert(
      fc.property(fc.shuffledSubarray(entries, { minLength: entries.length }), (shuffled) => {
        expect(listing(treeOf(...shuffled).root)).toEqual(wanted);
      }),
    );
  });

  test("says where an entry landed, by a path without links", () => {
    const builder = new LayerBuilder();
    builder.add(entry("l", { type: "symlink", linkname: "/x/../y/z" }));
    expect(builder.add(entry("l/f"))).toMatchObject({ kind: "node", path: ["y", "z", "f"] });
    expect(builder.add(entry("l/h", { type: "hardlink", linkname: "l/f" }))).toEqual({
      kind: "hardlink",
      path: ["y", "z", "h"],
      to: ["y", "z", "f"],
    });
    expect(builder.add(entry("f", { type: "hardlink", linkname: "l/f" }))).toMatchObject({ kind: "hardlink" });
    expect(builder.add(entry("f", { type: "hardlink", linkname: "./f" }))).toEqual({ kind: "ignored" });
  });

  test("does not grow by links that make a path without end", () => {
    const builder = new LayerBuilder();
    const long = Array.from({ length: 200 }, (_, n) => `${n}`).join("/");
    builder.add(entry("a", { type: "symlink", linkname: `${long}/b` }));
    const name = `${long}/b`;
    builder.add(entry(name, { type: "symlink", linkname: `${"q/".repeat(1900)}c` }));
    expect(() => builder.add(entry("a/f"))).toThrow(/too long/);
  });

  test("keeps the attributes that a layer may have", () => {
    const value = Buffer.from("x");
    const names = ["user.a", "trusted.b", "security.c", "trusted.overlay.opaque", "system.other", "com.apple", "user."];
    const all = new Map(names.map((name) => [name, value]));
    expect([...keptXattrs("file", all).keys()]).toEqual(["user.a", "trusted.b", "security.c"]);
    expect([...keptXattrs("symlink", all).keys()]).toEqual(["trusted.b", "security.c"]);
    expect(() => keptXattrs("file", new Map([["system.posix_acl_access", value]]))).toThrow(/malformed/);
  });
});

describe("an index", () => {
  const info: LayerInfo = { diffId: `sha256:${"a".repeat(64)}`, tarSize: 10240, size: 12, entries: 9 };
  const tree = treeOf(
    entry("./", { mode: 0o1711, mtime: -1n }),
    entry("d/", { mtime: 2n ** 63n, xattrs: new Map([["user.\xff\0", Buffer.from([0, 128, 255])]]) }),
    entry('d/\xfe\u0001"\\', { size: 5, stored: 3, sparse: [{ offset: 1, length: 3 }] }),
    entry("h", { type: "hardlink", linkname: 'd/\xfe\u0001"\\' }),
    entry("l", { type: "symlink", linkname: "\xe4" }),
    entry("b", { type: "block", device: { major: 7, minor: 9 } }),
    entry("implied/f"),
    entry(".wh.w"),
    entry("implied/.wh..wh..opq"),
  );

  test("gives the tree back as it was, hard links as one file", () => {
    const text = encodeIndex(info, tree);
    const back = decodeIndex(Buffer.from(text).toString());
    expect(back.info).toEqual(info);
    expect(back.tree.root).toEqual(tree.root);
    const [directory, link] = [back.tree.root.children.get("d"), back.tree.root.children.get("h")];
    const inside = directory?.kind === "dir" ? [...directory.children.values()][0] : undefined;
    expect(link?.kind === "leaf" && inside?.kind === "leaf" && link.inode === inside.inode).toBe(true);
    expect(decodeInfo(text.slice(0, HEAD_SIZE))).toEqual(info);
  });

  test("that is damaged says so", () => {
    const text = encodeIndex(info, tree);
    for (const bad of ["", "{}", "null\nnull\n", text.slice(0, -20), text.replace('"version":1', '"version":0')]) {
      expect(() => decodeIndex(bad)).toThrow("damaged or of another version");
    }
  });
});

test("merging changes no layer, and marks directories whose attributes come from below", () => {
  const lower = treeOf(entry("d/", { mode: 0o700 }), entry("d/f"));
  const upper = treeOf(entry("d/g"));
  const before = [listing(lower.root), listing(upper.root)];
  const merged = mergeLayers([
    { tree: lower, source: 0 },
    { tree: upper, source: 1 },
  ]);
  const d = merged.children.get("d");
  expect(d).toMatchObject({ kind: "dir", inherited: true, inode: { mode: 0o700 } });
  expect(d?.kind === "dir" && [...d.children.keys()]).toEqual(["f", "g"]);
  expect([listing(lower.root), listing(upper.root)]).toEqual(before);
});
