// BuildKit's own Dockerfiles with the trees it expects of them, where they are at hand; errors; here-documents.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { type Instruction, parseDockerfile } from "./parse.ts";
import { DockerfileError } from "./source.ts";

const DATA = join(import.meta.dir, "../../../../shared/data/dockerfile");

/** BuildKit's Node.Dump. */
function dump(instruction: Instruction): string {
  const flags = instruction.flags.length === 0 ? "" : ` [${instruction.flags.map((flag) => goQuote(flag)).join(" ")}]`;
  const name = instruction.name.toLowerCase() + flags;
  if (instruction.trigger !== undefined) return `(${name} (${dump(instruction.trigger).slice(1, -1)}))`;
  return `(${[name, ...instruction.args.map(goQuote)].join(" ")})`;
}

function goQuote(text: string): string {
  return JSON.stringify(text).replaceAll("\\u0000", "\\x00");
}

describe.skipIf(!existsSync(DATA))("BuildKit's test files (skipped where shared/data/dockerfile is absent)", () => {
  const good = existsSync(DATA) ? readdirSync(join(DATA, "parser-testfiles")) : [];
  test.each(good)("%s", (name) => {
    const read = (file: string) => readFileSync(join(DATA, "parser-testfiles", name, file), "utf8");
    const got = parseDockerfile(read("Dockerfile")).instructions.map(dump).join("\n");
    expect(got).toBe(read("result").trimEnd());
  });
  const bad = existsSync(DATA) ? readdirSync(join(DATA, "parser-testfiles-negative")) : [];
  test.each(bad)("must fail: %s", (name) => {
    const text = readFileSync(join(DATA, "parser-testfiles-negative", name, "Dockerfile"), "utf8");
    expect(() => parseDockerfile(text)).toThrow(DockerfileError);
  });
});

test("an error shows the lines and says what was meant", () => {
  const text = "FROM busybox\nRUN true\nCPOY a b\nCMD sh\n";
  expect(() => parseDockerfile(text)).toThrow(
    [
      "Dockerfile:3",
      "--------------------",
      "   1 |     FROM busybox",
      "   2 |     RUN true",
      "   3 | >>> CPOY a b",
      "   4 |     CMD sh",
      "--------------------",
      "ERROR: dockerfile parse error on line 3: unknown instruction: CPOY (did you mean COPY?)",
    ].join("\n"),
  );
});

test("here-documents: several, quoted, tabs stripped, a file descriptor", () => {
  const text = 'FROM a\nRUN <<EOF cat 3<<-"END"\necho $x\nEOF\n\tkept $y\n\tEND\nCOPY <<f.txt /\nhi\nf.txt\n';
  const [, run, copy] = parseDockerfile(text).instructions;
  expect(run?.heredocs).toEqual([
    { name: "EOF", fileDescriptor: 0, expand: true, stripTabs: false, content: "echo $x\n" },
    { name: "END", fileDescriptor: 3, expand: false, stripTabs: true, content: "\tkept $y\n" },
  ]);
  expect(run?.range).toEqual({ start: 2, end: 6 });
  expect(copy?.heredocs.map((heredoc) => heredoc.content)).toEqual(["hi\n"]);
  expect(() => parseDockerfile("FROM a\nRUN <<EOF\necho\n")).toThrow("unterminated heredoc");
});

test("directives, the byte order mark, and what ends them", () => {
  const { directives } = parseDockerfile(
    "\uFEFF# syntax=docker/dockerfile:1\n# escape=`\n# check=skip=all\nFROM a\nRUN b `\n c\n",
  );
  expect(directives).toMatchObject({ syntax: "docker/dockerfile:1", escape: "`", check: "skip=all" });
  expect(parseDockerfile("# a comment\n# escape=`\nFROM a").directives.escape).toBe("\\");
  expect(() => parseDockerfile("# escape=x\nFROM a")).toThrow("invalid escape token 'x'");
  expect(() => parseDockerfile("# syntax=a\n# syntax=b\nFROM a")).toThrow(
    "only one syntax parser directive can be used",
  );
  expect(parseDockerfile("# hoy: unset VOLUME EXPOSE\nFROM a").directives.unset).toEqual(["VOLUME", "EXPOSE"]);
});

test("comments inside continued lines vanish; an empty line there is told", () => {
  const parsed = parseDockerfile("FROM a\nRUN one \\\n# why\n\n  two\n");
  expect(parsed.instructions[1]?.args).toEqual(["one   two"]);
  expect(parsed.emptyContinuations.map(({ range }) => range)).toEqual([{ start: 2, end: 5 }]);
});

test("no text makes the parser do anything but parse or throw a DockerfileError or an expansion error", () => {
  const piece = fc.oneof(
    fc.constantFrom("FROM a\n", "RUN ", "<<EOF", "\\\n", "'", '"', "${", "ENV a=", "[", "ONBUILD ", "\n", "--x ", "#"),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      try {
        parseDockerfile(pieces.join(""));
      } catch (error) {
        if (!(error instanceof DockerfileError)) throw error;
      }
    }),
  );
});
