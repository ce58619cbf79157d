// Instructions: what they mean when they are right, and what is said when they are not, in BuildKit's words.

import { describe, expect, test } from "bun:test";
import { parseDockerfile } from "../parse.ts";
import { DockerfileError } from "../source.ts";
import { readStages } from "./read.ts";
import type { StageInstruction } from "./types.ts";

function read(line: string): StageInstruction | undefined {
  return readStages(parseDockerfile(`FROM a\n${line}\n`)).stages[0]?.instructions[0];
}

function faultOf(text: string): string {
  try {
    readStages(parseDockerfile(text));
  } catch (error) {
    if (error instanceof DockerfileError) return error.fault;
    throw error;
  }
  return "";
}

const INVALID: readonly (readonly [line: string, fault: string])[] = [
  ["ADD a", "ADD requires at least two arguments, but only one was provided. Destination could not be determined"],
  ["COPY a", "COPY requires at least two arguments, but only one was provided. Destination could not be determined"],
  ["COPY --form=x a b", "unknown flag: --form (did you mean from?)"],
  ["COPY --nothinglikeit a b", "unknown flag: --nothinglikeit"],
  ["COPY --from a b", "missing a value on flag: --from"],
  ["COPY --from=a --from=b c d", "duplicate flag specified: --from"],
  ["COPY --link=maybe a b", "expecting boolean value for flag --link, not: maybe"],
  ["COPY --link= a b", "missing a value on flag: --link"],
  ["COPY a <<EOF\nx\nEOF", "COPY cannot accept a heredoc as a destination"],
  ["ADD --from=x a b", "unknown flag: --from"],
  ["ADD --checksum a b", "missing a value on flag: --checksum"],
  ["ENV", "ENV requires at least one argument"],
  ["ENV --x a=b", "unknown flag: --x"],
  ["ENV =b", "ENV names can not be blank"],
  ["ENV a", "ENV must have two arguments"],
  ["LABEL", "LABEL requires at least one argument"],
  ["ARG", "ARG requires at least one argument"],
  ["ARG =x", "ARG names can not be blank"],
  ["MAINTAINER", "MAINTAINER requires exactly one argument"],
  ["WORKDIR", "WORKDIR requires exactly one argument"],
  ["WORKDIR --x /a", "unknown flag: --x"],
  ["USER", "USER requires exactly one argument"],
  ["STOPSIGNAL", "STOPSIGNAL requires exactly one argument"],
  ["EXPOSE", "EXPOSE requires at least one argument"],
  ["VOLUME", "VOLUME requires at least one argument"],
  ['VOLUME [""]', "VOLUME specified can not be an empty string"],
  ["SHELL", "SHELL requires at least one argument"],
  ["SHELL []", "SHELL requires at least one argument"],
  ["SHELL bash -c", "SHELL requires the arguments to be in JSON form"],
  ["HEALTHCHECK", "HEALTHCHECK requires at least one argument"],
  ["HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments"],
  ["HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD"],
  ["HEALTHCHECK RUN x", 'Unknown type "RUN" in HEALTHCHECK (try CMD)'],
  ["HEALTHCHECK --interval=1us CMD x", 'Interval "interval" cannot be less than 1ms'],
  ["HEALTHCHECK --interval=-1s CMD x", 'Interval "interval" cannot be less than 1ms'],
  ["HEALTHCHECK --timeout=soon CMD x", 'time: invalid duration "soon"'],
  ["HEALTHCHECK --retries=-1 CMD x", "--retries cannot be negative (-1)"],
  ["HEALTHCHECK --retries=a CMD x", 'strconv.ParseInt: parsing "a": invalid syntax'],
  ["HEALTHCHECK --interva=1s CMD x", "unknown flag: --interva (did you mean interval?)"],
  ["ONBUILD", "ONBUILD requires at least one argument"],
  ["ONBUILD ONBUILD RUN x", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"],
  ["ONBUILD FROM x", "FROM isn't allowed as an ONBUILD trigger"],
  ["ONBUILD MAINTAINER x", "MAINTAINER isn't allowed as an ONBUILD trigger"],
  ["RUN --network=vpn x", 'invalid network mode "vpn"'],
  ["RUN --security=none x", 'security "none" is not valid'],
  ["RUN --mounts=x y", "unknown flag: --mounts (did you mean mount?)"],
  ["RUN --mount=from=$x true", "'from' doesn't support variable expansion, define alias stage instead"],
  [
    "RUN --mount=type='\"x' true",
    'failed to parse csv mounts: parse error on line 1, column 6: bare " in non-quoted-field',
  ],
  ["FROM", "FROM requires either one or three arguments"],
  ["FROM a b", "FROM requires either one or three arguments"],
  ["FROM a TO b", "FROM requires either one or three arguments"],
  ["FROM a AS 1b", 'invalid name for build stage: "1b", name can\'t start with a number or contain symbols'],
  ["FROM --platfrom=x a", "unknown flag: --platfrom (did you mean platform?)"],
  ["CMD --x y", "unknown flag: --x"],
];

test.each(INVALID)("%s", (line, fault) => {
  expect(faultOf(`FROM a\n${line}\n`)).toBe(fault);
});

test("an instruction before FROM that is not ARG", () => {
  expect(faultOf("ARG A\nRUN x\nFROM a\n")).toBe("no build stage in current context");
});

test("the error points at the instruction's lines", () => {
  expect(() => readStages(parseDockerfile("FROM a\nCOPY \\\n  b\n"))).toThrow(
    "   2 | >>> COPY \\\n   3 | >>>   b\n--------------------\nERROR: dockerfile parse error on line 2: COPY requires",
  );
});

describe("meanings", () => {
  test("COPY's flags", () => {
    const line = "COPY --from=b --chown=1:2 --chmod=755 --link --parents --exclude=*.md --exclude=x a c /d";
    expect(read(line)).toMatchObject({
      kind: "COPY",
      from: "b",
      chown: "1:2",
      chmod: "755",
      link: true,
      parents: true,
      exclude: ["*.md", "x"],
      sources: ["a", "c"],
      target: "/d",
    });
  });
  test("ADD's flags, switches that are off, and those not given", () => {
    expect(read("ADD --keep-git-dir=false --checksum=sha256:x --unpack a b")).toMatchObject({
      keepGitDir: false,
      unpack: true,
      checksum: "sha256:x",
      link: false,
    });
    expect(read("ADD a b")).toMatchObject({ keepGitDir: undefined, unpack: undefined });
  });
  test("here-documents as sources, tabs stripped, quoted or not", () => {
    expect(read("COPY a <<-x.txt <<'y' /d/\n\tone\n\tx.txt\n$two\ny")).toMatchObject({
      sources: ["a"],
      inline: [
        { name: "x.txt", data: "one\n", expand: true },
        { name: "y", data: "$two\n", expand: false },
      ],
      target: "/d/",
    });
  });
  test("HEALTHCHECK in both forms; zero is not said", () => {
    const line = "HEALTHCHECK --interval=1m30s --timeout=500ms --start-period=0s --retries=3 CMD curl -f x";
    expect(read(line)).toMatchObject({
      check: { Test: ["CMD-SHELL", "curl -f x"], Interval: 90e9, Timeout: 5e8, Retries: 3 },
    });
    expect(read('HEALTHCHECK CMD ["a", "b"]')).toMatchObject({ check: { Test: ["CMD", "a", "b"] } });
    expect(read("HEALTHCHECK none")).toMatchObject({ check: { Test: ["NONE"] } });
  });
  test("ENV in both forms", () => {
    expect(read('ENV a=1 b="x y"')).toMatchObject({
      pairs: [
        { key: "a", value: "1", legacy: false },
        { key: "b", value: '"x y"', legacy: false },
      ],
    });
    expect(read("ENV a x y")).toMatchObject({ pairs: [{ key: "a", value: "x y", legacy: true }] });
  });
  test("ONBUILD keeps its text, here-documents too", () => {
    expect(read("onbuild RUN <<EOF\necho\nEOF")).toMatchObject({ expression: "RUN <<EOF\necho\nEOF" });
  });
  test("EXPOSE is sorted; ARG knows a default from none", () => {
    expect(read("EXPOSE 80 443/tcp")).toMatchObject({ words: ["443/tcp", "80"] });
    expect(read("ARG a b= c=d")).toMatchObject({
      args: [
        { key: "a", value: undefined },
        { key: "b", value: "" },
        { key: "c", value: "d" },
      ],
    });
  });
  test("FROM: the stage's name in lower case, words as written", () => {
    const [stage] = readStages(parseDockerfile("FROM --platform=linux/arm64 a As Build\n")).stages;
    expect(stage?.from).toMatchObject({
      base: "a",
      stage: "build",
      platform: "linux/arm64",
      as: { word: "As", name: "Build" },
    });
  });
});
