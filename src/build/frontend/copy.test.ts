// COPY and ADD become operations: paths, owners, modes, links, URLs, repositories.

import { describe, expect, test } from "bun:test";
import type { FileOp, Vertex } from "../graph.ts";
import { build, faultOf, lastOp } from "./testing/fake-solver.ts";

const F = "FROM busybox\n";

async function file(text: string): Promise<{ actions: FileOp["actions"]; vertex: Vertex }> {
  const { op, vertex } = await lastOp("file", text);
  return { actions: op.actions, vertex };
}

describe("COPY and ADD", () => {
  test("a copy from the context: what is said and what is not", async () => {
    const { actions, vertex } = await file(`${F}WORKDIR /w\nCOPY a ./b/`);
    expect(actions).toEqual([
      {
        input: 0,
        secondary: 1,
        output: 0,
        action: {
          type: "copy",
          source: "/a",
          target: "/w/b/",
          owner: undefined,
          mode: undefined,
          followSymlink: true,
          contentsOnly: true,
          unpack: false,
          createTarget: true,
          allowWildcard: true,
          allowEmptyWildcard: true,
          include: [],
          exclude: [],
          parents: false,
          alwaysReplace: false,
          created: undefined,
        },
      },
    ]);
    expect(vertex.inputs.map((input) => input.vertex.name)).toEqual([
      "[2/3] WORKDIR /w",
      "[internal] load build context",
    ]);
  });
  test("several sources: one action on another, the last is the result", async () => {
    const { actions } = await file(`${F}COPY a b c /d/`);
    expect(actions.map(({ input, secondary, output }) => [input, secondary, output])).toEqual([
      [0, 1, -1],
      [2, 1, -1],
      [3, 1, 0],
    ]);
  });
  test.each([
    ["1000", { user: 1000, group: 1000 }],
    ["1:2", { user: 1, group: 2 }],
    ["bob", { user: "bob", group: undefined }],
    ["bob:staff", { user: "bob", group: "staff" }],
    [":5", { user: undefined, group: 5 }],
  ])("--chown=%s", async (text, owner) => {
    expect((await file(`${F}COPY --chown=${text} a b`)).actions[0]?.action).toMatchObject({ owner });
  });
  test("--chmod in octal, in words, from a variable, wrong", async () => {
    expect((await file(`${F}COPY --chmod=0755 a b`)).actions[0]?.action).toMatchObject({ mode: 0o755 });
    expect((await file(`${F}COPY --chmod=u=rwX,go-w a b`)).actions[0]?.action).toMatchObject({ mode: "u=rwX,go-w" });
    expect((await file(`${F}ARG M=600\nCOPY --chmod=$M a b`)).actions[0]?.action).toMatchObject({ mode: 0o600 });
    for (const wrong of ["99", "10000", "x"]) {
      expect(await faultOf(`${F}COPY --chmod=${wrong} a b`)).toBe(
        `invalid chmod parameter: '${wrong}'. it should be octal string and between 0 and 07777`,
      );
    }
  });
  test("--link: on nothing, and merged", async () => {
    const { vertex } = (await build(`${F}COPY --link a b`)).target;
    expect(vertex.op.kind).toBe("merge");
    expect(vertex.name).toBe("[2/2] LINK COPY --link a b");
    const [base, copied] = vertex.inputs;
    expect(base?.vertex.name).toMatch(/^\[1\/2\] FROM/);
    expect(copied?.vertex.op).toMatchObject({ actions: [{ input: -1, secondary: 0 }] });
    // On nothing there is nothing to merge with; and with --chmod it is a copy as any other.
    expect((await file("FROM scratch\nCOPY --link a b")).actions).toHaveLength(1);
    expect((await file(`${F}COPY --link --chmod=600 a b`)).actions[0]?.input).toBe(0);
  });
  test.each([
    ["a/b/*.c", "/a/b/*.c"],
    ["/a/./b/c", "/a/./b/c"],
    ["./a", "/./a"],
  ])("--parents %s", async (written, source) => {
    const { actions } = await file(`${F}COPY --parents ${written} /d/`);
    expect(actions[0]?.action).toMatchObject({ source, include: [], parents: true });
  });
  test("--exclude, and a target that ends in a dot", async () => {
    expect((await file(`${F}COPY --exclude=*.md --exclude=x a b/.`)).actions[0]?.action).toMatchObject({
      exclude: ["*.md", "x"],
      target: "/b/.",
    });
  });
  test("here-documents: variables in those that are not quoted", async () => {
    const { actions, vertex } = await file(`${F}ENV v=1\nCOPY <<a <<'b' /d/\n$v "q"\na\n$v\nb\n`);
    expect(actions.map(({ action }) => action.type === "copy" && action.source)).toEqual(["/a", "/b"]);
    const texts = vertex.inputs.slice(1).map(({ vertex: { op } }) => {
      const action = op.kind === "file" ? op.actions[0]?.action : undefined;
      return action?.type === "file" ? Buffer.from(action.data).toString() : "";
    });
    expect(texts).toEqual(['1 "q"\n', "$v\n"]);
  });
  test("ADD unpacks what is here, and what is elsewhere only when asked to", async () => {
    expect((await file(`${F}ADD a.tar /`)).actions[0]?.action).toMatchObject({ unpack: true });
    expect((await file(`${F}ADD --unpack=false a.tar /`)).actions[0]?.action).toMatchObject({ unpack: false });
    const sum = `sha256:${"a".repeat(64)}`;
    const { actions, vertex } = await file(`${F}ADD --checksum=${sum} https://h/p/a.tar?x=1 /t/`);
    expect(actions[0]?.action).toMatchObject({ source: "/a.tar", unpack: false });
    expect(vertex.inputs[1]?.vertex.op).toMatchObject({ type: "http", checksum: sum, filename: "a.tar" });
    expect((await file(`${F}ADD --unpack https://h/a.tar /`)).actions[0]?.action).toMatchObject({ unpack: true });
  });
  test.each([
    ["https://h/r.git#main:sub/dir", { url: "https://h/r.git", ref: "main", subdirectory: "sub/dir" }],
    ["git@h:o/r.git", { url: "git@h:o/r.git", ref: "" }],
    ["ssh://git@h/r#v1", { url: "ssh://git@h/r", ref: "v1" }],
    ["https://h/r.git?tag=v1&subdir=x&keep-git-dir=true", { ref: "refs/tags/v1", subdirectory: "x", keepGitDir: true }],
    [
      "https://h/r.git?branch=b&submodules=false&commit=abc",
      { ref: "refs/heads/b", checksum: "abc", skipSubmodules: true },
    ],
  ])("ADD %s", async (source, wanted) => {
    const { actions, vertex } = await file(`${F}ADD ${source} /t`);
    expect(vertex.inputs[1]?.vertex.op).toMatchObject({ type: "git", ...wanted });
    expect(actions[0]?.action).toMatchObject({ source: "/", contentsOnly: true });
  });
  test.each([
    ["COPY https://h/a /", "source can't be a URL for COPY"],
    ["COPY https://h/a.git /", "source can't be a git ref for COPY"],
    ["ADD --checksum=sha256:x a /", "checksum requires HTTP(S) or Git sources"],
    ["ADD --checksum=sha256:x https://h/a https://h/b /", "checksum can't be specified for multiple sources"],
    ["ADD --checksum=sha256:x https://h/a /", "invalid checksum digest length"],
    ["ADD --keep-git-dir=true https://h/a.git?keep-git-dir=false /", "inconsistent keep-git-dir configuration"],
    ["ADD https://h/a.git?ref=x&tag=y /", 'ref conflicts: "x" vs "refs/tags/y"'],
    ["ADD https://h/a.git?what=x /", 'unexpected query "what"'],
    ["COPY ${ /", "failed to process \"${\": syntax error: missing '}'"],
  ])("wrong: %s", async (line, message) => {
    expect(await faultOf(F + line)).toBe(message);
  });
});
