// What the documents point to is there: files that they link to, files of ours that they name, every page of decisions
// in its list. Not what they say.

import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const root = resolve(import.meta.dir, "../..");
const DECISIONS = join(root, "docs/decisions");

const pages = ["", "docs", "docs/decisions", "shim"].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(root, folder, name)),
);

/** Of this project, and no URL; sections of a page aside. */
const LINK = /\]\((?![a-z]+:|#)([^)#]+)(?:#[^)]*)?\)/g;
const NAMED = /`((?:src|test|docs|scripts|bench|shim|packaging)\/[\w./-]+\.(?:ts|md|c|h))`/g;

const captures = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, found = ""]) => found);

test("links and names of files lead somewhere", () => {
  const lost = pages.flatMap((page) => {
    const text = readFileSync(page, "utf8");
    const targets = [
      ...captures(text, LINK).map((link) => resolve(dirname(page), link)),
      ...captures(text, NAMED).map((path) => join(root, path)),
    ];
    return targets
      .filter((path) => !existsSync(path))
      .map((path) => `${relative(root, page)}: ${relative(root, path)}`);
  });
  expect(lost).toEqual([]);
});

test("every decision is in the list of decisions", () => {
  const listed = new Set(captures(readFileSync(join(DECISIONS, "README.md"), "utf8"), LINK));
  const missing = readdirSync(DECISIONS).filter((name) => name !== "README.md" && !listed.has(name));
  expect(missing).toEqual([]);
});
