// Removing whole trees; needs root.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { AT, mkdirat, mknodat } from "../../linux/at.ts";
import { S } from "../../linux/stat.ts";
import { useScratch } from "./fixture.ts";
import { removeTree } from "./remove.ts";

const scratch = useScratch();

test("removing a tree: deep, with odd names and links, and only it", async () => {
  const root = join(scratch.path, "tree");
  const outside = join(scratch.path, "outside");
  mkdirSync(root);
  mkdirSync(outside);
  writeFileSync(join(outside, "kept"), "");
  symlinkSync(outside, join(root, "link"));
  // Deeper than any path can be, so made from the bottom up.
  for (let depth = 0; depth < 2100; depth++) {
    mkdirSync(join(root, "next"));
    writeFileSync(join(root, "next/f"), "");
    if (depth > 0) renameSync(join(root, "d"), join(root, "next/d"));
    renameSync(join(root, "next"), join(root, "d"));
  }
  mkdirat(AT.FDCWD, Buffer.from(`${root}/a\xffb`, "latin1"), 0o755);
  mknodat(AT.FDCWD, Buffer.from(`${root}/a\xffb/\xfe`, "latin1"), S.IFREG, 0);
  await removeTree(root);
  await removeTree(root);
  expect(existsSync(root)).toBe(false);
  expect(existsSync(join(outside, "kept"))).toBe(true);
}, 30_000);
