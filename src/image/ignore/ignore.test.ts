// .dockerignore: the cases that moby/patternmatcher tests itself with, as facts; the file; walks.

import { expect, test } from "bun:test";
import fc from "fast-check";
import { HoyError } from "../../base/error.ts";
import { keepBuildFiles, parseIgnoreFile } from "./file.ts";
import { Matcher } from "./matcher.ts";

/** pattern, path, matched. */
const SINGLE: readonly (readonly [string, string, boolean])[] = [
  ["**", "file", true],
  ["**", "file/", true],
  ["**/", "file", true],
  ["**/", "file/", true],
  ["**", "/", true],
  ["**/", "/", true],
  ["**", "dir/file", true],
  ["**/", "dir/file", true],
  ["**/**", "dir/file", true],
  ["dir/**", "dir/file", true],
  ["dir/**", "dir/dir2/file", true],
  ["dir/**", "dir/dir2/file/", true],
  ["**/dir", "dir", true],
  ["**/dir", "dir/file", true],
  ["**/dir2/*", "dir/dir2/file", true],
  ["**/dir2/*", "dir/dir2/dir2/file", true],
  ["**/dir2/**", "dir/dir2/dir3/file", true],
  ["**file", "file", true],
  ["**file", "dir/file", true],
  ["**/file", "dir/file", true],
  ["**file", "dir/dir/file", true],
  ["**/file", "dir/dir/file", true],
  ["**/file*", "dir/dir/file", true],
  ["**/file*", "dir/dir/file.txt", true],
  ["**/file*txt", "dir/dir/file.txt", true],
  ["**/file*.txt", "dir/dir/file.txt", true],
  ["**/file*.txt*", "dir/dir/file.txt", true],
  ["**/**/*.txt", "dir/dir/file.txt", true],
  ["**/**/*.txt2", "dir/dir/file.txt", false],
  ["**/*.txt", "file.txt", true],
  ["**/**/*.txt", "file.txt", true],
  ["a**/*.txt", "a/file.txt", true],
  ["a**/*.txt", "a/dir/file.txt", true],
  ["a**/*.txt", "a/dir/dir/file.txt", true],
  ["a/*.txt", "a/dir/file.txt", false],
  ["a/*.txt", "a/file.txt", true],
  ["a/*.txt**", "a/file.txt", true],
  ["a[b-d]e", "ae", false],
  ["a[b-d]e", "ace", true],
  ["a[b-d]e", "aae", false],
  ["a[^b-d]e", "aze", true],
  [".*", ".foo", true],
  [".*", "foo", false],
  ["abc.def", "abcdef", false],
  ["abc.def", "abc.def", true],
  ["abc.def", "abcZdef", false],
  ["abc?def", "abcZdef", true],
  ["abc?def", "abcdef", false],
  ["a\\*b", "a*b", true],
  ["a\\", "a", false],
  ["**/foo/bar", "foo/bar", true],
  ["**/foo/bar", "dir/foo/bar", true],
  ["**/foo/bar", "dir/dir2/foo/bar", true],
  ["abc/**", "abc", false],
  ["abc/**", "abc/def", true],
  ["abc/**", "abc/def/ghi", true],
  ["**/.foo", ".foo", true],
  ["**/.foo", "bar.foo", false],
  ["a(b)c/def", "a(b)c/def", true],
  ["a(b)c/def", "a(b)c/xyz", false],
  ["a.|)$(}+{bc", "a.|)$(}+{bc", true],
  [
    "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl",
    "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl",
    true,
  ],
  ["dist/*.whl", "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl", true],
  ["a/b", "a/b/c", true],
  ["a/b", "a/bc", false],
  ["docs", "docs/a/b", true],
];

test.each(SINGLE)("%s on %s", (pattern, path, wanted) => {
  if (pattern === "a\\") {
    expect(() => new Matcher([pattern])).toThrow("syntax error in pattern");
    return;
  }
  // What is said of a path with a slash at its end or its beginning is said of the path.
  expect(new Matcher([pattern]).ignores(path)).toBe(wanted);
});

/** patterns, path, matched. */
const SEVERAL: readonly (readonly [string[], string, boolean])[] = [
  [["**", "!util/docker/web"], "util/docker/web/foo", false],
  [["**", "!util/docker/web", "util/docker/web/foo"], "util/docker/web/foo", true],
  [
    ["**", "!dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl"],
    "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl",
    false,
  ],
  [["**", "!dist/*.whl"], "dist/x.whl", false],
  [["docs", "!docs/README.md"], "docs/README.md", false],
  [["docs", "!docs/README.md"], "docs/other.md", true],
  [["*.md", "!README.md"], "README.md", false],
  [["*.md", "!README*.md", "README-secret.md"], "README-secret.md", true],
  [["*.md", "README-secret.md", "!README*.md"], "README-secret.md", false],
  [["!README.md", "*.md"], "README.md", true],
  [["*", "!a"], "a/b", false],
  [["a/*", "!a/b", "a/b/c"], "a/b/c", true],
  [["a/a", "!a"], "a/a", true],
];

test.each(SEVERAL)("%j on %s", (patterns, path, wanted) => {
  expect(new Matcher(patterns).ignores(path)).toBe(wanted);
});

test.each(["[", "[]", "[^", "[^]", "a[", "[a-", "[-x]", "[x-]", "a\\", "[z-a"])("bad pattern %s", (pattern) => {
  expect(() => new Matcher([pattern])).toThrow("syntax error in pattern");
});

test("an exception of nothing", () => {
  expect(() => new Matcher(["!"])).toThrow('illegal exclusion pattern: "!"');
  expect(() => new Matcher(["!", "a"])).toThrow(HoyError);
});

test("the context itself is never left out; blank patterns mean nothing", () => {
  expect(new Matcher(["*", ""]).ignores(".")).toBe(false);
  expect(new Matcher(["  ", ""]).patterns).toEqual([]);
});

test("the file: comments, blanks, slashes, the byte order mark, exceptions", () => {
  const text = "\uFEFF# no\n  a/../b/ \r\n\n/root\n! /kept/./x\n#\n #indented\n!\n./\n/\n";
  expect(parseIgnoreFile(text)).toEqual(["b", "root", "!kept/x", "#indented", "!", ".", "/"]);
});

test("what the daemon must read is sent", () => {
  expect(keepBuildFiles(["*", "!src"], "Dockerfile")).toEqual(["*", "!src", "!.dockerignore", "!Dockerfile"]);
  expect(keepBuildFiles(["docs"], "Dockerfile")).toEqual(["docs"]);
});

test("an ignored directory is walked only for what may be wanted in it", () => {
  const matcher = new Matcher(["node_modules", "docs", "!docs/api/*.md", "!a*/x"]);
  expect(matcher.mayHoldExceptions("docs")).toBe(true);
  expect(matcher.mayHoldExceptions("docs/api")).toBe(true);
  expect(matcher.mayHoldExceptions("docs/other")).toBe(false);
  expect(matcher.mayHoldExceptions("node_modules")).toBe(false);
  expect(matcher.mayHoldExceptions("abc")).toBe(true);
});

const SEGMENT = fc.constantFrom("a", "b", "*", "**", "?", "a*", "[ab]", "x.y");
const PATTERN = fc
  .tuple(fc.boolean(), fc.array(SEGMENT, { minLength: 1, maxLength: 4 }))
  .map(([exception, parts]) => (exception ? "!" : "") + parts.join("/"));
const PATH = fc.array(fc.constantFrom("a", "b", "x.y", "ab"), { minLength: 1, maxLength: 5 });

test("a walk from above says what a look at the path alone says", () => {
  fc.assert(
    fc.property(fc.array(PATTERN, { maxLength: 5 }), PATH, (patterns, parts) => {
      const matcher = new Matcher(patterns.filter((pattern) => pattern !== "!"));
      let step = matcher.step(parts[0] ?? "", undefined);
      for (let depth = 2; depth <= parts.length; depth++) {
        step = matcher.step(parts.slice(0, depth).join("/"), step.matches);
      }
      expect(step.ignored).toBe(matcher.ignores(parts.join("/")));
    }),
  );
});

test("what is wanted is never below a directory that is not walked", () => {
  fc.assert(
    fc.property(fc.array(PATTERN, { maxLength: 5 }), PATH, (patterns, parts) => {
      const matcher = new Matcher(patterns);
      if (matcher.ignores(parts.join("/"))) return;
      for (let depth = 1; depth < parts.length; depth++) {
        const directory = parts.slice(0, depth).join("/");
        if (matcher.ignores(directory)) expect(matcher.mayHoldExceptions(directory)).toBe(true);
      }
    }),
  );
});

test("no pattern does anything but match or be refused", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (pattern, path) => {
      try {
        new Matcher([pattern]).ignores(path);
      } catch (error) {
        if (!(error instanceof HoyError)) throw error;
      }
    }),
  );
});
