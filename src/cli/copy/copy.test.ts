// `cp`: its rules about names, and that an archive from a container can't do harm.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Header, pack } from "tar-stream";
import { packTree } from "./pack.ts";
import { type CopyEnd, planCopy, renamer, splitCopyArgument, splitEntry } from "./paths.ts";
import { unpackTree } from "./unpack.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "hoy-cp-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("names", () => {
  test("a container's path has a colon, unless it begins like a path", () => {
    expect(splitCopyArgument("web:/etc")).toEqual({ container: "web", path: "/etc" });
    expect(splitCopyArgument("/a:b")).toEqual({ container: undefined, path: "/a:b" });
    expect(splitCopyArgument("./a:b")).toEqual({ container: undefined, path: "./a:b" });
    expect(splitCopyArgument("plain")).toEqual({ container: undefined, path: "plain" });
  });

  test.each([
    ["/a/b", ["/a", "b"]],
    ["/a/b/", ["/a", "b"]],
    ["/a/b/.", ["/a/b", "."]],
    ["/a", ["/", "a"]],
    ["/", ["/", "/"]],
    ["a", [".", "a"]],
    [".", [".", "."]],
  ])("%s is split", (path, wanted) => expect(splitEntry(path)).toEqual(wanted as [string, string]));

  const file = { path: "/src/file", exists: true, directory: false, renamed: undefined };
  const folder = { path: "/src/dir", exists: true, directory: true, renamed: undefined };
  const contents = { path: "/src/dir/.", exists: true, directory: true, renamed: undefined };
  const there = (path: string, isDirectory: boolean): CopyEnd => ({ path, exists: true, directory: isDirectory });
  const absent = (path: string): CopyEnd => ({ path, exists: false, directory: false });

  test("into a directory the name stays", () => {
    const plan = planCopy(file, there("/dst", true));
    expect([plan.directory, plan.rename("file")]).toEqual(["/dst", "file"]);
  });

  test("onto a file, or to nothing, the name is the destination's", () => {
    expect(planCopy(file, there("/dst/old", false)).rename("file")).toBe("old");
    const plan = planCopy(folder, absent("/dst/new"));
    expect([plan.directory, plan.rename("dir"), plan.rename("dir/x/y")]).toEqual(["/dst", "new", "new/x/y"]);
  });

  test("dir/. is what the directory holds", () => {
    expect(planCopy(contents, there("/dst", true)).rename("./x")).toBe("./x");
    expect(planCopy(contents, absent("/dst/new")).rename("./x")).toBe("new/x");
    expect(planCopy(contents, absent("/dst/new")).rename("x/y")).toBe("new/x/y");
    expect(planCopy(contents, absent("/dst/new")).rename(".")).toBe("new");
  });

  test("a directory can't become a file, nor a file a directory", () => {
    expect(() => planCopy(folder, there("/dst/file", false))).toThrow("cannot copy directory");
    expect(() => planCopy(file, absent("/dst/new/"))).toThrow("no such directory");
  });

  test("only whole parts are renamed", () => {
    expect(renamer("a", "b")("ab/c")).toBe("ab/c");
    expect(renamer("/", "root")("etc/passwd")).toBe("root/etc/passwd");
  });
});

test("a tree goes through tar and is the same: modes, links, hard links, times, long names", async () => {
  const from = join(directory, "from");
  const long = `${"long-".repeat(30)}name`;
  mkdirSync(join(from, "sub", long), { recursive: true });
  writeFileSync(join(from, "file"), "hello", { mode: 0o640 });
  writeFileSync(join(from, "sub", long, "ünïcode"), Buffer.alloc(300_000, 7));
  linkSync(join(from, "file"), join(from, "sub", "again"));
  symlinkSync("../file", join(from, "sub", "link"));
  execFileSync("mknod", ["-m", "620", join(from, "pipe"), "p"]);
  mkdirSync(join(from, "closed"), { mode: 0o500 });
  const to = join(directory, "to");
  mkdirSync(to);
  await unpackTree(
    packTree(from, "from", (name) => name),
    to,
    renamer("from", "copy"),
  );
  const copy = join(to, "copy");
  expect(readFileSync(join(copy, "file"), "utf8")).toBe("hello");
  expect(statSync(join(copy, "file")).mode & 0o777).toBe(0o640);
  expect(Math.floor(statSync(join(copy, "file")).mtimeMs / 1000)).toBe(
    Math.floor(statSync(join(from, "file")).mtimeMs / 1000),
  );
  expect(statSync(join(copy, "sub", "again")).ino).toBe(statSync(join(copy, "file")).ino);
  expect(readlinkSync(join(copy, "sub", "link"))).toBe("../file");
  expect(statSync(join(copy, "pipe"))).toMatchObject({ mode: 0o010620 });
  expect(readFileSync(join(copy, "sub", long, "ünïcode")).equals(Buffer.alloc(300_000, 7))).toBe(true);
  expect(statSync(join(copy, "closed")).mode & 0o777).toBe(0o500);
});

describe("hostile archives", () => {
  type Item = [header: Partial<Header> & { name: string }, text?: string];

  const unpack = (to: string, ...items: Item[]) => {
    const tar = pack();
    for (const [header, text] of items) tar.entry(header, text ?? "");
    tar.finalize();
    return unpackTree(tar as AsyncIterable<Uint8Array>, to, (name) => name);
  };

  const target = () => {
    const to = join(directory, "to");
    mkdirSync(to);
    return to;
  };

  test("names with .. are refused", async () => {
    await expect(unpack(target(), [{ name: "../evil" }, "x"])).rejects.toThrow("leads out");
    expect(existsSync(join(directory, "evil"))).toBe(false);
  });

  test("absolute names stay inside", async () => {
    const to = target();
    await unpack(to, [{ name: "/etc/inside" }, "x"]);
    expect(readFileSync(join(to, "etc", "inside"), "utf8")).toBe("x");
  });

  test("nothing is written through a link that the archive brought", async () => {
    const outside = join(directory, "outside");
    mkdirSync(outside);
    const attempt = unpack(
      target(),
      [{ name: "door", type: "symlink", linkname: outside }],
      [{ name: "door/evil" }, "x"],
    );
    await expect(attempt).rejects.toThrow("refusing to write through");
    await attempt.catch(() => undefined);
    expect(existsSync(join(outside, "evil"))).toBe(false);
  });

  test("a file in the place of a link replaces the link, not what it points to", async () => {
    const outside = join(directory, "outside");
    writeFileSync(outside, "mine");
    const to = target();
    await unpack(to, [{ name: "x", type: "symlink", linkname: outside }], [{ name: "x" }, "theirs"]);
    expect(readFileSync(outside, "utf8")).toBe("mine");
    expect(lstatSync(join(to, "x")).isFile()).toBe(true);
  });

  test("hard links can't name files outside", async () => {
    const to = target();
    await expect(unpack(to, [{ name: "x", type: "link", linkname: "../../etc/passwd" }])).rejects.toThrow("leads out");
  });

  test("set-user-id bits do not come along", async () => {
    const to = target();
    await unpack(to, [{ name: "su", mode: 0o6755 }, "x"]);
    expect(statSync(join(to, "su")).mode & 0o7777).toBe(0o755);
  });

  test("a directory is not replaced by a file, nor the other way round", async () => {
    const to = target();
    mkdirSync(join(to, "d"));
    writeFileSync(join(to, "f"), "");
    await expect(unpack(to, [{ name: "d" }, "x"])).rejects.toThrow("cannot overwrite directory");
    await expect(unpack(to, [{ name: "f", type: "directory" }])).rejects.toThrow("cannot overwrite non-directory");
  });

  test("a cut archive is an error", async () => {
    const to = target();
    async function* cut() {
      const tar = pack();
      tar.entry({ name: "f" }, "x".repeat(2000));
      for await (const piece of tar as AsyncIterable<Uint8Array>) {
        yield piece.subarray(0, 700);
        return;
      }
    }
    await expect(unpackTree(cut(), to, (name) => name)).rejects.toThrow();
  });
});
