// LLB definitions to the graph: each op, what is refused, and bytes that mean nothing.

import { expect, test } from "bun:test";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { sha256 } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import { type Definition, DefinitionSchema, OpSchema } from "../proto/gen/ops_pb.ts";
import { definitionOf, newRef, Results } from "../result.ts";
import { loadDefinition } from "./definition.ts";

type OpInit = MessageInitShape<typeof OpSchema>;

/** Ops whose inputs are numbers of earlier ones; the last is the result. */
function definition(...ops: { readonly op: unknown; readonly inputs?: readonly number[] }[]): Definition {
  const digests: string[] = [];
  const def = ops.map(({ op, inputs = [] }) => {
    const links = inputs.map((index) => ({ digest: digests[index] ?? "" }));
    const bytes = toBinary(OpSchema, create(OpSchema, { op: op as OpInit["op"], inputs: links } as OpInit));
    digests.push(sha256(bytes));
    return bytes;
  });
  const end = toBinary(OpSchema, create(OpSchema, { inputs: [{ digest: digests.at(-1) ?? "" }] }));
  const name = { description: { "llb.customname": "[1/2] named" } };
  return create(DefinitionSchema, { def: [...def, end], metadata: { [digests[0] ?? ""]: name } });
}

const source = (identifier: string, attrs: Record<string, string> = {}) =>
  ({ op: { case: "source", value: { identifier, attrs } } }) as const;

const load = (given: Definition) => loadDefinition(given, new Results());
const opOf = (given: Definition) => load(given)?.vertex.op;
const failure = (given: Definition) => {
  try {
    load(given);
    return "";
  } catch (thrown) {
    return thrown instanceof HoyError ? `${thrown.code}: ${thrown.message}` : `unexpected ${String(thrown)}`;
  }
};

test("sources", () => {
  const image = source("docker-image://docker.io/library/a:1", { "image.resolvemode": "pull" });
  expect(opOf(definition(image))).toEqual({
    kind: "source",
    type: "image",
    ref: "docker.io/library/a:1",
    mode: "pull",
  });
  const local = source("local://ctx", {
    "local.session": "x:abc",
    "local.followpaths": '["a","b"]',
    "local.excludepatterns": '["*.md"]',
    "local.unique": "1",
  });
  expect(opOf(definition(local))).toMatchObject({
    type: "local",
    name: "ctx",
    session: "abc",
    followPaths: ["a", "b"],
    exclude: ["*.md"],
    include: [],
  });
  const git = source("git://github.com/a/b.git#main:sub", {
    "git.fullurl": "https://github.com/a/b.git",
    "git.keepgitdir": "true",
  });
  expect(opOf(definition(git))).toMatchObject({
    type: "git",
    url: "https://github.com/a/b.git",
    ref: "main",
    subdirectory: "sub",
    keepGitDir: true,
  });
  const http = source("https://example.com/x/file.tgz?q=1", { "http.perm": "0600" });
  expect(opOf(definition(http))).toMatchObject({ type: "http", filename: "file.tgz", mode: 0o600 });
});

test("a command with its mounts, its name and its input", () => {
  const exec = {
    op: {
      case: "exec",
      value: {
        meta: { args: ["sh", "-c", "x"], cwd: "/w", proxyEnv: { httpProxy: "http://p" } },
        mounts: [
          { input: 0n, dest: "/", output: 0n },
          { input: -1n, dest: "/c", output: -1n, mountType: 3, cache: { id: "k", sharing: 2 } },
          { input: -1n, dest: "/s", output: 0n, mountType: 1, secret: { id: "s", mode: 0o400 } },
        ],
        network: 2,
      },
    },
    inputs: [0],
  } as const;
  const vertex = load(definition(source("docker-image://a"), exec))?.vertex;
  expect(vertex?.inputs.map(({ vertex: input }) => input.name)).toEqual(["[1/2] named"]);
  expect(vertex?.op).toMatchObject({
    kind: "exec",
    args: ["sh", "-c", "x"],
    cwd: "/w",
    network: "none",
    proxyEnv: ["HTTP_PROXY=http://p", "http_proxy=http://p"],
    mounts: [
      { target: "/", input: 0, output: 0, detail: { type: "bind" } },
      { target: "/c", input: -1, output: -1, detail: { type: "cache", id: "k", sharing: "locked" } },
      { target: "/s", output: -1, detail: { type: "secret", id: "s", mode: 0o400, optional: false } },
    ],
  });
});

test("files: actions in a row, each on what the one before made", () => {
  const file = {
    op: {
      case: "file",
      value: {
        actions: [
          {
            input: 0n,
            secondaryInput: -1n,
            output: -1n,
            action: { case: "mkdir", value: { path: "/d", mode: 0o700, timestamp: -1n } },
          },
          {
            input: 1n,
            secondaryInput: 0n,
            output: 0n,
            action: {
              case: "copy",
              value: { src: "/a", dest: "/d/", mode: -1, timestamp: 5_000_000_000n, allowWildcard: true },
            },
          },
        ],
      },
    },
    inputs: [0],
  } as const;
  expect(opOf(definition(source("docker-image://a"), file))).toMatchObject({
    kind: "file",
    actions: [
      {
        input: 0,
        secondary: -1,
        output: -1,
        action: { type: "directory", path: "/d", mode: 0o700, created: undefined },
      },
      { input: 1, secondary: 0, output: 0, action: { type: "copy", mode: undefined, created: 5, allowWildcard: true } },
    ],
  });
});

test("merge and diff", () => {
  const merge = { op: { case: "merge", value: { inputs: [{ input: 0n }, { input: 1n }] } }, inputs: [0, 1] } as const;
  const diff = { op: { case: "diff", value: { lower: { input: -1n }, upper: { input: 0n } } }, inputs: [0] } as const;
  const a = source("docker-image://a");
  const b = source("docker-image://b");
  expect(load(definition(a, b, merge))?.vertex.inputs.length).toBe(2);
  const inputs = load(definition(a, diff))?.vertex.inputs ?? [];
  expect(inputs.map(({ vertex }) => vertex.op)).toMatchObject([{ type: "scratch" }, { type: "image" }]);
});

test("what there is no word for is said not to be there", () => {
  expect(failure(definition(source("oci-layout://x")))).toStartWith("not-implemented: a source");
  expect(failure(definition(source("docker-image://a", { "image.layerlimit": "1" })))).toContain("image.layerlimit");
  expect(failure(definition({ op: { case: "build", value: {} } }))).toStartWith("not-implemented");
});

test("what can't be is invalid", () => {
  const exec = (mounts: readonly { input: bigint; dest: string }[], args = ["x"]) =>
    ({ op: { case: "exec", value: { meta: { args }, mounts: [...mounts] } }, inputs: [0] }) as const;
  const a = source("docker-image://a");
  expect(failure(definition(a, exec([{ input: 5n, dest: "/" }])))).toContain("names input 5");
  expect(failure(definition(a, exec([])))).toContain("one mount at /");
  expect(failure(definition(a, exec([{ input: 0n, dest: "/" }], [])))).toContain("no command");
  const missing = create(OpSchema, { inputs: [{ digest: sha256("nothing") }], op: a.op });
  const end = create(OpSchema, { inputs: [{ digest: sha256(toBinary(OpSchema, missing)) }] });
  const broken = create(DefinitionSchema, { def: [toBinary(OpSchema, missing), toBinary(OpSchema, end)] });
  expect(failure(broken)).toContain("names ops that it does not have");
});

test("a result that a client was given leads back to its graph", () => {
  const input = load(definition(source("docker-image://a")));
  const results = new Results();
  const ref = newRef(input);
  results.add(ref);
  expect(loadDefinition(definitionOf(ref), results)).toBe(input);
  expect(failure(definitionOf(ref))).toContain("a result that is gone");
});

test("bytes of any kind are a graph or a HoyError", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 5 }), (def) => {
      expect(failure(create(DefinitionSchema, { def }))).not.toContain("unexpected");
    }),
    { numRuns: 500 },
  );
});
