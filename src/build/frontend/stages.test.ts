// Stages: which are built, what they are named, where arguments reach.

import { describe, expect, test } from "bun:test";
import type { ExecOp } from "../graph.ts";
import { buildDockerfile } from "./build.ts";
import { type DockerfileResult, dockerfileOptions } from "./options.ts";
import {
  BUSYBOX,
  build,
  fakeSolver,
  faultOf,
  history,
  IMAGE_DIGEST,
  names,
  SOLVE_OPTIONS,
  vertices,
} from "./testing/fake-solver.ts";

const REF = `docker.io/library/busybox:latest@${IMAGE_DIGEST}`;

function execs(result: DockerfileResult): ExecOp[] {
  return vertices(result).flatMap(({ op }) => (op.kind === "exec" ? [op] : []));
}

function lastEnv(result: DockerfileResult): string[] {
  return [...(execs(result).at(-1)?.env ?? [])].filter((word) => !word.startsWith("PATH="));
}

const TWO = "FROM busybox AS one\nRUN a\nFROM busybox AS two\nRUN b\n";

describe("targets", () => {
  test("the last, by name whatever its case, by number", async () => {
    expect(names(await build(TWO))).toEqual([`[two 1/2] FROM ${REF}`, "[two 2/2] RUN b"]);
    expect(names(await build(TWO, { target: "ONE" }))).toEqual([`[one 1/2] FROM ${REF}`, "[one 2/2] RUN a"]);
    expect(names(await build(TWO, { target: "0" }))[1]).toBe("[one 2/2] RUN a");
  });
  test("one that is not there", async () => {
    expect(await faultOf(TWO, { target: "tow" })).toBe('target stage "tow" could not be found (did you mean two?)');
    expect(await faultOf(TWO, { target: "7" })).toBe('target stage "7" could not be found');
  });
  test("what a stage does not need is not asked for", async () => {
    const solver = fakeSolver(BUSYBOX);
    const text = "FROM missing AS no\nFROM busybox\nRUN x\n";
    await buildDockerfile(dockerfileOptions({ text }), solver, SOLVE_OPTIONS);
    expect(solver.asked).toEqual(["docker.io/library/busybox:latest"]);
  });
});

describe("names", () => {
  test("one stage alone has no name; numbers are aligned", async () => {
    const text = `FROM busybox\n${"RUN x\n".repeat(9)}`;
    const shown = names(await build(text));
    expect(shown[0]).toBe(`[ 1/10] FROM ${REF}`);
    expect(shown.at(-1)).toBe("[10/10] RUN x");
  });
  test("platforms, and the one that is built for", async () => {
    const text = "FROM --platform=$BUILDPLATFORM busybox\nARG TARGETPLATFORM\nRUN x\n";
    const platform = { os: "linux", architecture: "arm64" };
    const shown = names(await build(text, { platform, showPlatform: true }));
    expect(shown).toEqual([`[linux/amd64 1/2] FROM ${REF}`, "[linux/amd64->arm64 2/2] RUN x"]);
  });
  test("variables are put in, those that are not set stay in a RUN", async () => {
    const text = 'FROM busybox\nENV d=/x\nWORKDIR $d\nRUN echo "$d" $nope\nCOPY a $d/\n';
    expect(names(await build(text)).slice(1)).toEqual([
      "[2/4] WORKDIR /x",
      '[3/4] RUN echo "/x" $nope',
      "[internal] load build context",
      "[4/4] COPY a /x/",
    ]);
  });
});

describe("references", () => {
  test("COPY --from a stage by name and number, and an image that is not a stage", async () => {
    const text =
      "FROM busybox AS a\nRUN x\nFROM scratch\nCOPY --from=a /x /\nCOPY --from=0 /y /\nCOPY --from=busybox /z /\n";
    const result = await build(text);
    const sources = vertices(result).filter(({ op }) => op.kind === "source");
    expect(sources.map(({ name }) => name)).toEqual([`[a 1/2] FROM ${REF}`, `FROM ${REF}`]);
    expect(result.target.vertex.name).toBe("[stage-1 3/3] COPY --from=busybox /z /");
  });
  test("a stage on a stage: its tree, its variables, its config", async () => {
    const text = "FROM busybox AS a\nARG X=1\nENV Y=2\nUSER u\nWORKDIR /w\nRUN x\nFROM a\nRUN y\n";
    const result = await build(text);
    expect(lastEnv(result).toSorted()).toEqual(["X=1", "Y=2"]);
    expect(execs(result).at(-1)).toMatchObject({ cwd: "/w", user: "u" });
    expect(history(result)).toEqual([
      "ARG X=1",
      "ENV Y=2",
      "USER u",
      "WORKDIR /w",
      "RUN |1 X=1 /bin/sh -c x # buildkit",
      "RUN |1 X=1 /bin/sh -c y # buildkit",
    ]);
  });
  test("wrong ones", async () => {
    expect(await faultOf("FROM busybox AS a\nCOPY --from=b /x /\nFROM busybox AS b\nRUN x\n", { target: "a" })).toBe(
      'cannot copy from stage "b", it needs to be defined before current stage "a"',
    );
    expect(
      await faultOf("FROM busybox AS a\nRUN --mount=from=b,target=/x y\nFROM busybox AS b\n", { target: "a" }),
    ).toBe('cannot mount from stage "b" to "/x", stage needs to be defined before current command');
    expect(await faultOf("FROM busybox AS a\nCOPY --from=a /x /\n")).toBe("circular dependency detected on stage: a");
    expect(await faultOf("FROM busybox AS a\nCOPY --from=b / /\nFROM a AS b\n")).toBe(
      'cannot copy from stage "b", it needs to be defined before current stage "a"',
    );
    expect(await faultOf("FROM busybox AS a\nCOPY --from=b / /\nFROM scratch AS b\nCOPY --from=a / /\n")).toBe(
      "circular dependency detected on stage: a",
    );
    expect(await faultOf("FROM busybox\nCOPY --from=5 /x /\n")).toBe("invalid stage index 5");
    expect(await faultOf("FROM busybox\nCOPY --from=$x /x /\n")).toMatch(
      /^variable expansion is not supported for --from/,
    );
    expect(await faultOf("FROM Bad/Name\n")).toBe('failed to parse stage name "Bad/Name": invalid reference format');
    expect(await faultOf("FROM $x\n")).toBe("base name ($x) should not be blank");
    expect(await faultOf("ARG A\n")).toBe("dockerfile contains no stages to build");
  });
  test("an image that is not there, when a stage may have been meant", async () => {
    const failed = build("FROM busybox AS base\nRUN x\nFROM bse\nRUN y\n");
    await expect(failed).rejects.toThrow("bse: docker.io/library/bse:latest: not found (did you mean base?)");
  });
  test("errors show the lines, and are not called parse errors", async () => {
    await expect(build("FROM busybox\nRUN a\nWORKDIR ${\n")).rejects.toThrow(
      "Dockerfile:3\n--------------------\n   1 |     FROM busybox\n   2 |     RUN a\n   3 | >>> WORKDIR ${\n",
    );
    await expect(build("FROM busybox\nEXPOSE x\n")).rejects.toThrow("\nERROR: invalid containerPort: x");
  });
});

describe("arguments", () => {
  test("before FROM: for FROM alone, until a stage asks for them", async () => {
    const text = "ARG V=latest\nARG W=$V-x\nFROM busybox:$V\nRUN one\nARG W\nRUN two\n";
    const result = await build(text);
    expect(execs(result).map(({ env }) => env.filter((word) => !word.startsWith("PATH=")))).toEqual([
      [],
      ["W=latest-x"],
    ]);
  });
  test("a build argument goes before a default, and is not expanded", async () => {
    const text = "FROM busybox\nARG A=1\nARG B=${A}2\nRUN x\n";
    expect(lastEnv(await build(text))).toEqual(["A=1", "B=12"]);
    expect(lastEnv(await build(text, { buildArgs: new Map([["A", "$x"]]) }))).toEqual(["A=$x", "B=$x2"]);
  });
  test("ENV goes before ARG of the same name for what follows", async () => {
    expect(lastEnv(await build("FROM busybox\nARG A=1\nENV A=2\nRUN x\n"))).toEqual(["A=2"]);
  });
  test("one without a value is known and not in the environment", async () => {
    const result = await build("FROM busybox\nARG A\nRUN echo $A\nWORKDIR /$A\n");
    expect(lastEnv(result)).toEqual([]);
    expect(history(result)[0]).toBe("ARG A");
    expect(result.warnings).toEqual([]);
  });
  test("platform arguments must be asked for in the stage", async () => {
    const platform = { os: "linux", architecture: "arm", variant: "v7" };
    const text = "FROM busybox AS final\nARG TARGETPLATFORM TARGETARCH TARGETVARIANT BUILDOS TARGETSTAGE\nRUN x\n";
    expect(lastEnv(await build(text, { platform }))).toEqual([
      "TARGETPLATFORM=linux/arm/v7",
      "TARGETARCH=arm",
      "TARGETVARIANT=v7",
      "BUILDOS=linux",
      "TARGETSTAGE=final",
    ]);
    expect(lastEnv(await build("FROM busybox\nRUN x\n", { platform }))).toEqual([]);
  });
  test("proxies reach commands without ARG, and neither the key nor the history", async () => {
    const buildArgs = new Map([
      ["HTTP_PROXY", "http://p"],
      ["no_proxy", "x"],
      ["other", "1"],
    ]);
    const result = await build("FROM busybox\nRUN x\n", { buildArgs });
    const [exec] = execs(result);
    expect(exec?.proxyEnv).toEqual(["HTTP_PROXY=http://p", "http_proxy=http://p", "NO_PROXY=x", "no_proxy=x"]);
    expect(lastEnv(result)).toEqual([]);
    expect(history(result).join()).not.toContain("http://p");
    expect(result.unusedArgs).toEqual(["other"]);
  });
  test("FROM with --platform from an argument; a wrong or empty one", async () => {
    const text = "ARG P=linux/arm64\nFROM --platform=$P busybox\nRUN x\n";
    expect(vertices(await build(text))[0]?.platform).toEqual({ os: "linux", architecture: "arm64" });
    expect(await faultOf("FROM --platform=$TARGETPLATFROM busybox\n")).toBe(
      "empty platform value from expression $TARGETPLATFROM (did you mean TARGETPLATFORM?)",
    );
    expect(await faultOf("FROM --platform=no/such/thing/at/all busybox\n")).toMatch(/cannot parse platform specifier/);
  });
});

describe("ONBUILD", () => {
  const images = {
    "busybox:latest": { config: { OnBuild: ["COPY --from=tool /x /x", "RUN trigger", "ENV A=1"] } },
    "tool:latest": {},
  };
  test("triggers of the base image run first, may need images, and are spent", async () => {
    const result = await build("FROM busybox\nRUN own\n", {}, images);
    const shown = names(result);
    expect(shown).toContain("[2/5] ONBUILD COPY --from=tool /x /x");
    expect(shown.at(-1)).toBe("[4/5] RUN own");
    expect(result.config.config?.OnBuild).toBeUndefined();
    expect(result.steps.filter(({ trigger }) => trigger).map(({ text }) => text)).toEqual(
      images["busybox:latest"].config.OnBuild,
    );
  });
  test("triggers of a stage are run by the stage on it", async () => {
    const result = await build("FROM busybox AS a\nONBUILD RUN <<EOF\nhi\nEOF\nFROM a\nRUN x\n");
    expect(execs(result).map(({ args }) => args[2])).toEqual(["hi\n", "x"]);
    expect(result.config.config?.OnBuild).toBeUndefined();
  });
  test("kept for others in the image that says them", async () => {
    const result = await build("FROM busybox\nONBUILD RUN x\nONBUILD COPY a b\n");
    expect(result.config.config?.OnBuild).toEqual(["RUN x", "COPY a b"]);
  });
  test("a bad one of an image points at FROM", async () => {
    const bad = { "busybox:latest": { config: { OnBuild: ["FROM x"] } } };
    await expect(build("FROM busybox\n", {}, bad)).rejects.toThrow("   1 | >>> FROM busybox");
  });
});

describe("contexts", () => {
  const local = { type: "local", name: "ctx", include: [], exclude: [], followPaths: [] } as const;
  test("only the paths that are used are asked for", async () => {
    const result = await build("FROM busybox\nCOPY a/ b c /d/\nRUN --mount=target=/s,source=e x\n");
    const source = vertices(result).find(({ name }) => name === "[internal] load build context");
    expect(source?.op).toMatchObject({ type: "local", followPaths: ["a", "b", "c", "e"] });
    const all = await build("FROM busybox\nCOPY . .\nCOPY a .\n");
    expect(vertices(all).find(({ op }) => op.kind === "source" && op.type === "local")?.op).toMatchObject({
      followPaths: [],
    });
  });
  test("in the place of a stage, of an image, of --from", async () => {
    const contexts = new Map([["src", local]]);
    const copy = await build("FROM scratch\nCOPY --from=src /a /b\n", { contexts });
    expect(vertices(copy).find(({ op }) => op.kind === "source")).toMatchObject({
      name: "[context src] load from client",
      op: { name: "ctx", followPaths: ["a"] },
    });
    const stage = await build("FROM busybox AS src\nRUN never\nFROM scratch\nCOPY --from=src /a /b\n", { contexts });
    expect(names(stage)).toEqual(["[context src] load from client", "[stage-1 1/1] COPY --from=src /a /b"]);
    const image = new Map([["busybox", { type: "image", ref: "other", mode: "default" } as const]]);
    const base = await build(
      "FROM docker.io/library/busybox:latest\nRUN x\n",
      { contexts: image },
      { "other:latest": {} },
    );
    expect(names(base)[0]).toBe("[context docker.io/library/busybox:latest] other");
  });
  test("for one platform only", async () => {
    const contexts = new Map([["src::linux/arm64", local]]);
    await expect(build("FROM scratch\nCOPY --from=src /a /b\n", { contexts })).rejects.toThrow("not found");
    const platform = { os: "linux", architecture: "arm64" };
    expect(names(await build("FROM scratch\nCOPY --from=src /a /b\n", { contexts, platform }))).toContain(
      "[context src] load from client",
    );
  });
  test("another build's result, with its config", async () => {
    const other = await build("FROM busybox\nENV A=1\nRUN x\n");
    const config = { ...other.config, history: [], rootfs: { type: "layers" as const, diff_ids: [] } };
    const contexts = new Map([["base", { type: "result", input: other.target, config } as const]]);
    const result = await build("FROM base\nRUN y\n", { contexts });
    expect(lastEnv(result)).toEqual(["A=1"]);
    expect(names(result).at(-2)).toBe("[2/2] RUN x");
  });
});

test("no cache: everything, or one stage's RUN and COPY", async () => {
  const text = "FROM busybox AS one\nRUN a\nFROM one AS two\nWORKDIR /x\nCOPY b /\nRUN c\n";
  const fresh = (result: DockerfileResult) =>
    vertices(result)
      .filter(({ ignoreCache }) => ignoreCache)
      .map(({ name }) => name);
  expect(fresh(await build(text))).toEqual([]);
  expect(fresh(await build(text, { noCache: ["Two"] }))).toEqual(["[two 2/3] COPY b /", "[two 3/3] RUN c"]);
  expect(fresh(await build(text, { noCache: true }))).toHaveLength(3);
});

test("steps for the classic builder, in order, with their trees", async () => {
  const result = await build("ARG V=1\nFROM busybox AS a\nRUN x\nFROM a\nCMD y\nCOPY z /\n");
  expect(result.steps.map(({ text, hasLayer }) => [text, hasLayer])).toEqual([
    ["ARG V=1", false],
    ["FROM busybox AS a", false],
    ["RUN x", true],
    ["FROM a", false],
    ["CMD y", false],
    ["COPY z /", true],
  ]);
  expect(result.steps.at(-1)?.tree).toEqual(result.target);
  expect(result.steps[4]?.tree).toEqual(result.steps[2]?.tree);
});
