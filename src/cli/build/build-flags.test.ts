// From the flags of `build` to what is asked of the engine: outputs, caches, secrets, attestations, what is refused.

import { describe, expect, test } from "bun:test";
import { type Flags, parseFlags } from "../flags.ts";
import { memoryIo } from "../testing/memory-io.ts";
import { type BuildFlags, buildFlags } from "./flags.ts";
import { parseSecret } from "./lend/secrets.ts";
import { readOutputs } from "./outputs.ts";
import { parseCache } from "./request.ts";

const { io } = memoryIo({ cwd: "/work" });
const flagsOf = (...argv: string[]): BuildFlags =>
  parseFlags(buildFlags(io) as Flags, argv, { interspersed: true }).values as BuildFlags;
const outputs = (...argv: string[]) => readOutputs(flagsOf(...argv), io);

describe("outputs", () => {
  test.each([
    [[], { type: "moby", attrs: {} }],
    [["-t", "a", "-t", "b:1"], { type: "moby", attrs: { name: "a,b:1" } }],
    [["-t", "a", "--push"], { type: "moby", attrs: { name: "a", push: "true" } }],
    [["-o", "type=registry,name=x/y"], { type: "moby", attrs: { name: "x/y", push: "true" } }],
    [["-o", "type=docker", "-t", "a"], { type: "moby", attrs: { name: "a" } }],
    [["-o", "type=image,name=a,push=true"], { type: "moby", attrs: { name: "a", push: "true" } }],
    [["-o", "type=oci,dest=f.tar", "-t", "a"], { type: "oci", attrs: { name: "a" } }],
    [["-o", "out", "-t", "a"], { type: "local", attrs: {} }],
    [["--squash"], { type: "moby", attrs: { squash: "true" } }],
    [["--annotation", "a=b"], { type: "moby", attrs: { "annotation.a": "b" } }],
    [
      ["--annotation", "index,manifest[linux/amd64]:a=b=c"],
      { type: "moby", attrs: { "annotation-index.a": "b=c", "annotation-manifest[linux/amd64].a": "b=c" } },
    ],
  ])("%j", (argv, wanted) => {
    expect(outputs(...argv).exporters).toEqual([wanted]);
  });

  test("places here, by the output's number", () => {
    const { destinations } = outputs("-o", "type=image", "-o", "d", "-o", "type=tar,dest=x.tar", "-o", "-");
    expect([...destinations]).toEqual([
      [1, { kind: "directory", path: "/work/d" }],
      [2, { kind: "file", path: "/work/x.tar" }],
      [3, { kind: "stdout" }],
    ]);
  });

  test.each([
    [["--push"], "tag is needed"],
    [["--push", "--load"], "may not be set together"],
    [["-o", "type=local"], "dest is required"],
    [["-o", "type=image,dest=x"], "has no dest"],
    [["-o", "dest=x,name=y"], "type is required"],
    [["--annotation", "a"], "invalid annotation"],
    [["-o", "type=tar,dest=/tmp"], "is a directory"],
    [["-o", "/etc/hostname"], "is a file"],
  ])("%j is refused", (argv, words) => {
    expect(() => outputs(...argv)).toThrow(words);
  });
});

test("caches", () => {
  expect(parseCache("user/app:cache")).toEqual({ type: "registry", attrs: { ref: "user/app:cache" } });
  expect(parseCache("type=local,src=/c,mode=max")).toEqual({ type: "local", attrs: { src: "/c", mode: "max" } });
  expect(() => parseCache("src=/c")).toThrow("type required");
});

test("secrets", () => {
  expect(parseSecret("id=a,src=/f")).toEqual({ id: "a", file: "/f" });
  expect(parseSecret("id=a,env=B")).toEqual({ id: "a", variable: "B" });
  expect(parseSecret("type=env,id=a")).toEqual({ id: "a", variable: "a" });
  expect(parseSecret("id=a")).toEqual({ id: "a" });
  expect(() => parseSecret("src=/f")).toThrow("has no id");
  expect(() => parseSecret("id=a,what=b")).toThrow("unexpected key 'what'");
});

test("flags that can't be right", () => {
  expect(() => flagsOf("--progress", "loud")).toThrow("invalid progress");
  expect(() => flagsOf("--unset", "VOLUMES")).toThrow("invalid unset");
  expect(() => flagsOf("--add-host", "x")).toThrow("add-host");
  expect(flagsOf("--unset", "volume /x").unset).toEqual(["VOLUME /x"]);
});
