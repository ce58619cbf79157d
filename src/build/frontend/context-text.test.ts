// Named contexts as texts.

import { expect, test } from "bun:test";
import { readContext } from "./context-text.ts";

test.each([
  ["docker-image://busybox:1", { type: "image", ref: "busybox:1", mode: "pull" }],
  ["docker-image://scratch", { type: "scratch" }],
  ["local:src", { type: "local", name: "src", exclude: ["x"] }],
  ["https://h/r.git#v1:sub", { type: "git", url: "https://h/r.git", ref: "v1", subdirectory: "sub" }],
  ["git@h:o/r.git", { type: "git", url: "git@h:o/r.git" }],
  ["https://h/x.tar", { type: "http", url: "https://h/x.tar", filename: "context" }],
])("%s", (text, wanted) => {
  expect(readContext("name", text, "pull", ["x"])).toMatchObject(wanted);
});

test("what needs more than a text, and what is wrong", () => {
  expect(readContext("name", "input:base", "default")).toBeUndefined();
  expect(() => readContext("name", "ftp://x", "default")).toThrow("unsupported context source ftp for name");
  expect(() => readContext("name", "busybox", "default")).toThrow("invalid context specifier busybox for name");
});
