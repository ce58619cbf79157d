// The linter: each rule where it is broken and where it is not, what is skipped, what is an error, how it is shown.

import { describe, expect, test } from "bun:test";
import { type DockerfileOptions, dockerfileOptions } from "../frontend/options.ts";
import { BUSYBOX, build, fakeSolver, SOLVE_OPTIONS } from "../frontend/testing/fake-solver.ts";
import { checkDockerfile } from "./check.ts";
import { parseLintOptions } from "./linter.ts";
import { RULES } from "./rules.ts";

async function warnings(text: string, options: Partial<DockerfileOptions> = {}): Promise<string[]> {
  return (await build(text, options)).warnings.map(
    ({ rule, message, range }) => `${rule.name}:${range.start}: ${message}`,
  );
}

const F = "FROM busybox\n";

const BROKEN: readonly (readonly [rule: string, text: string, wanted: string])[] = [
  ["StageNameCasing", "FROM busybox AS Base\n", "1: Stage name 'Base' should be lowercase"],
  ["FromAsCasing", "FROM busybox as base\n", "1: 'as' and 'FROM' keywords' casing do not match"],
  ["FromAsCasing", "from busybox AS base\n", "1: 'AS' and 'from' keywords' casing do not match"],
  ["NoEmptyContinuation", `${F}RUN a \\\n\n  b\n`, "2: Empty continuation line"],
  [
    "ConsistentInstructionCasing",
    `${F}run a\nRUN b\n`,
    "2: Command 'run' should match the case of the command majority (uppercase)",
  ],
  [
    "ConsistentInstructionCasing",
    "from busybox\nRun a\nrun b\n",
    "2: Command 'Run' should match the case of the command majority (lowercase)",
  ],
  [
    "DuplicateStageName",
    `${"FROM busybox AS a\n".repeat(2)}`,
    '2: Duplicate stage name "a", stage names should be unique',
  ],
  [
    "ReservedStageName",
    "FROM busybox AS context\n",
    '1: Stage name should not use the same name as reserved stage "context"',
  ],
  [
    "JSONArgsRecommended",
    `${F}CMD a\n`,
    "2: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals",
  ],
  ["MaintainerDeprecated", `${F}MAINTAINER a\n`, "2: Maintainer instruction is deprecated in favor of using label"],
  [
    "UndefinedArgInFrom",
    "ARG versoin=1\nFROM busybox${version}\n",
    "2: FROM argument 'version' is not declared (did you mean versoin?)",
  ],
  [
    "WorkdirRelativePath",
    `${F}WORKDIR a/b\n`,
    '2: Relative workdir "a/b" can have unexpected results if the base image changes',
  ],
  ["UndefinedVar", `${F}COPY $foo /\n`, "2: Usage of undefined variable '$foo'"],
  ["UndefinedVar", `${F}ENV x=$PAHT\n`, "2: Usage of undefined variable '$PAHT' (did you mean $PATH?)"],
  [
    "MultipleInstructionsDisallowed",
    `${F}CMD ["a"]\nCMD ["b"]\n`,
    "2: Multiple CMD instructions should not be used in the same stage because only the last one will be used",
  ],
  [
    "LegacyKeyValueFormat",
    `${F}ENV a b\n`,
    '2: "ENV key=value" should be used instead of legacy "ENV key value" format',
  ],
  [
    "LegacyKeyValueFormat",
    `${F}LABEL a b\n`,
    '2: "LABEL key=value" should be used instead of legacy "LABEL key value" format',
  ],
  [
    "RedundantTargetPlatform",
    "FROM --platform=$TARGETPLATFORM busybox\n",
    "1: Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior",
  ],
  [
    "SecretsUsedInArgOrEnv",
    `${F}ENV GITHUB_TOKEN=x\n`,
    '2: Do not use ARG or ENV instructions for sensitive data (ENV "GITHUB_TOKEN")',
  ],
  [
    "SecretsUsedInArgOrEnv",
    `${F}ARG api_key\n`,
    '2: Do not use ARG or ENV instructions for sensitive data (ARG "api_key")',
  ],
  [
    "FromPlatformFlagConstDisallowed",
    "FROM --platform=linux/amd64 busybox\n",
    '1: FROM --platform flag should not use constant value "linux/amd64"',
  ],
  [
    "ExposeProtoCasing",
    `${F}EXPOSE 80/TCP\n`,
    "2: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase",
  ],
  [
    "ExposeInvalidFormat",
    `${F}EXPOSE 127.0.0.1:80:80\n`,
    "2: EXPOSE instruction should not define an IP address or host-port mapping, found '127.0.0.1:80:80'",
  ],
];

test.each(BROKEN)("%s is broken by %j", async (rule, text, wanted) => {
  expect(await warnings(text)).toContain(`${rule}:${wanted}`);
});

const KEPT: readonly (readonly [rule: string, text: string])[] = [
  ["StageNameCasing", "FROM busybox AS base\n"],
  ["FromAsCasing", "FROM busybox AS base\n"],
  ["FromAsCasing", "from busybox as base\n"],
  ["NoEmptyContinuation", `${F}RUN a \\\n# why\n  b\n`],
  ["ConsistentInstructionCasing", "from busybox\nrun a\n"],
  ["DuplicateStageName", "FROM busybox AS a\nFROM busybox AS b\n"],
  ["ReservedStageName", "FROM busybox AS base\n"],
  ["JSONArgsRecommended", `${F}CMD ["a"]\n`],
  ["JSONArgsRecommended", `${F}SHELL ["sh", "-c"]\nCMD a\n`],
  ["MaintainerDeprecated", `${F}LABEL org.opencontainers.image.authors=a\n`],
  ["UndefinedArgInFrom", "ARG x=\nFROM busybox$x\n"],
  ["WorkdirRelativePath", `${F}WORKDIR /a\nWORKDIR b\n`],
  ["UndefinedVar", `${F}ARG foo\nCOPY $foo/x /\n`],
  ["UndefinedVar", `${F}RUN echo $undefined\n`],
  ["MultipleInstructionsDisallowed", `FROM busybox AS a\nCMD ["a"]\nFROM a\nCMD ["b"]\n`],
  ["LegacyKeyValueFormat", `${F}ENV a=b\n`],
  ["RedundantTargetPlatform", "FROM --platform=$BUILDPLATFORM busybox\n"],
  ["SecretsUsedInArgOrEnv", `${F}ENV PUBLIC_KEY=x TOKEN_FILE=/x KEYBOARD=us\n`],
  ["FromPlatformFlagConstDisallowed", "FROM --platform=linux/amd64 busybox AS build-amd64\n"],
  ["ExposeProtoCasing", `${F}EXPOSE 80/tcp\n`],
  ["ExposeInvalidFormat", `${F}EXPOSE 80-90\n`],
];

test.each(KEPT)("%s is kept by %j", async (rule, text) => {
  expect((await warnings(text)).filter((one) => one.startsWith(`${rule}:`))).toEqual([]);
});

describe("rules that need more than the text", () => {
  test("InvalidBaseImagePlatform", async () => {
    const images = { "busybox:latest": { architecture: "s390x" } };
    const platform = { os: "linux", architecture: "amd64" };
    const found = (await build(F, { platform }, images)).warnings;
    expect(found.map(({ rule, message }) => [rule.name, message])).toEqual([
      [
        "InvalidBaseImagePlatform",
        'Base image busybox was pulled with platform "linux/s390x", expected "linux/amd64" for current build',
      ],
    ]);
  });
  test("InvalidDefaultArgInFrom: with a build argument it builds, and is told all the same", async () => {
    const text = "ARG IMAGE\nFROM $IMAGE\n";
    expect(await warnings(text, { buildArgs: new Map([["IMAGE", "busybox"]]) })).toEqual([
      "InvalidDefaultArgInFrom:2: Default value for ARG $IMAGE results in empty or invalid base image name",
    ]);
    expect(await warnings("ARG IMAGE=busybox\nFROM $IMAGE\n")).toEqual([]);
  });
  test("CopyIgnoredFile, unless exceptions make it unsure", async () => {
    const context = (exclude: string[]) =>
      ({ mainContext: { type: "local", name: "c", include: [], exclude, followPaths: [] } }) as const;
    const text = `${F}COPY docs/a /\nADD x /\nCOPY . /\nCOPY --from=busybox docs /\n`;
    expect(await warnings(text, context(["docs", "x"]))).toEqual([
      'CopyIgnoredFile:2: Attempting to Copy file "docs/a" that is excluded by .dockerignore',
      'CopyIgnoredFile:3: Attempting to Add file "x" that is excluded by .dockerignore',
    ]);
    expect(await warnings(text, context(["docs", "!docs/a"]))).toEqual([]);
    expect(await warnings(`${F}COPY . /\n`, context(["*"]))).toHaveLength(1);
  });
  test("InvalidDefinitionDescription only when experimental rules are asked for", async () => {
    const text = "# what it is\nFROM busybox AS base\n# foo is\nARG foo\n# no\nARG bar=1\n";
    expect(await warnings(text)).toEqual([]);
    expect(await warnings(`# check=experimental=InvalidDefinitionDescription\n${text}`)).toEqual([
      "InvalidDefinitionDescription:3: Comment for FROM should follow the format: `# base <description>`",
      "InvalidDefinitionDescription:7: Comment for ARG should follow the format: `# bar <description>`",
    ]);
  });
});

describe("what counts", () => {
  const text = `${F}MAINTAINER a\nCMD b\n`;
  test("skip one, skip all", async () => {
    expect(await warnings(`# check=skip=MaintainerDeprecated\n${text}`)).toHaveLength(1);
    expect(await warnings(`# check=skip=MaintainerDeprecated, JSONArgsRecommended\n${text}`)).toEqual([]);
    expect(await warnings(`# check=skip=all\n${text}`)).toEqual([]);
  });
  test("for one instruction, by a comment above it", async () => {
    const found = await warnings(`${F}MAINTAINER a\n# check=skip=JSONArgsRecommended for signals\nCMD b\n`);
    expect(found.map((one) => one.split(":")[0])).toEqual(["MaintainerDeprecated"]);
  });
  test("errors", async () => {
    await expect(build(`# check=error=true\n${text}`)).rejects.toThrow(
      "lint violation found for rules: JSONArgsRecommended, MaintainerDeprecated",
    );
    expect((await build(`# check=error=true;skip=all\n${text}`)).warnings).toEqual([]);
  });
  test.each([
    ["skip", 'invalid check option "skip"'],
    ["nope=1", 'invalid check option "nope"'],
    [
      "error=perhaps",
      'failed to parse check option "error=perhaps": strconv.ParseBool: parsing "perhaps": invalid syntax',
    ],
  ])("options that can't be read: %s", async (options, message) => {
    expect(() => parseLintOptions(options)).toThrow(message);
    await expect(build(`# check=${options}\n${F}`)).rejects.toThrow(message);
  });
  test("progress is told, with the rule's page", async () => {
    const told: string[] = [];
    const progress = {
      ...SOLVE_OPTIONS.progress,
      warning: ({ rule, url }: { rule: string; url: string }) => told.push(`${rule} ${url}`),
    };
    await checkDockerfile(dockerfileOptions({ text }), fakeSolver(BUSYBOX), { ...SOLVE_OPTIONS, progress });
    expect(told).toContain("MaintainerDeprecated https://docs.docker.com/go/dockerfile/rule/maintainer-deprecated/");
  });
});

describe("--check", () => {
  const check = (text: string, options: Partial<DockerfileOptions> = {}) =>
    checkDockerfile(dockerfileOptions({ ...options, text }), fakeSolver(BUSYBOX), SOLVE_OPTIONS);
  test("shows rules, pages and lines, by line", async () => {
    const { text, status } = await check(`${F}CMD a\n`);
    expect(status).toBe(1);
    expect(text).toBe(
      [
        "",
        "WARNING: JSONArgsRecommended - https://docs.docker.com/go/dockerfile/rule/json-args-recommended/",
        "JSON arguments recommended for CMD to prevent unintended behavior related to OS signals",
        "Dockerfile:2",
        "--------------------",
        "   1 |     FROM busybox",
        "   2 | >>> CMD a",
        "--------------------",
        "",
      ].join("\n"),
    );
  });
  test("says nothing of a good file", async () => {
    expect(await check(`${F}CMD ["a"]\n`)).toEqual({ warnings: [], error: undefined, text: "", status: 0 });
  });
  test("looks at every stage, or at what the target needs", async () => {
    const text = "FROM busybox AS a\nCMD x\nFROM busybox AS b\nRUN y\n";
    expect((await check(text)).warnings).toHaveLength(1);
    expect((await check(text, { target: "b" })).warnings).toHaveLength(0);
  });
  test("an error is shown after the warnings", async () => {
    const result = await check(`${F}MAINTAINER a\nEXPOSE x\n`);
    expect(result.warnings).toHaveLength(1);
    expect(result.error).toEndWith("ERROR: invalid containerPort: x");
    expect(result.text.indexOf("MaintainerDeprecated")).toBeLessThan(result.text.indexOf("containerPort"));
    expect(result.status).toBe(1);
  });
});

test("every rule has a name of its own, and a page but for the one that has none", () => {
  const rules = Object.values(RULES);
  expect(new Set(rules.map(({ name }) => name)).size).toBe(22);
  expect(rules.filter(({ url }) => url === "").map(({ name }) => name)).toEqual(["InvalidBaseImagePlatform"]);
});
