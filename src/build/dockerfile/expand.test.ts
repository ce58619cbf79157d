// The tables that BuildKit tests its own shell words with, where they are at hand; and what they leave out.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ExpandOptions, ExpansionError, expand } from "./expand.ts";

const DATA = join(import.meta.dir, "../../../../shared/data/dockerfile");
const OPTIONS: ExpandOptions = { escape: "\\" };

function variables(set: Readonly<Record<string, string>>) {
  return (name: string) => (Object.hasOwn(set, name) ? set[name] : undefined);
}

describe.skipIf(!existsSync(DATA))("BuildKit's tables (skipped where shared/data/dockerfile is absent)", () => {
  const env = variables({ PWD: "/home", SHELL: "bash", KOREAN: "한국어", NULL: "" });

  test("envVarTest", () => {
    let cases = 0;
    for (const line of readFileSync(join(DATA, "envVarTest"), "utf8").split("\n")) {
      if (line.trim() === "" || line.startsWith("#")) continue;
      const [platform = "", source = "", wanted = ""] = line.split("|").map((part) => part.trim());
      if (platform === "W") continue;
      cases++;
      const got = attempt(() => expand(source, env, OPTIONS).text);
      expect({ source, got }).toEqual({ source, got: wanted });
    }
    expect(cases).toBeGreaterThan(200);
  });

  test("wordsTest", () => {
    const set: Record<string, string> = {};
    let cases = 0;
    for (const line of readFileSync(join(DATA, "wordsTest"), "utf8").split("\n")) {
      if (line.startsWith("#") || line.trim() === "") continue;
      if (line.startsWith("ENV ")) {
        const [name = "", ...value] = line.slice(4).replace(/^ +/, "").split("=");
        set[name] = value.join("=");
        continue;
      }
      const [source = "", wanted = ""] = line.split("|");
      cases++;
      const got = attempt(() => expand(source.trimStart().replace(/ $/, ""), variables(set), OPTIONS).words.join(","));
      expect({ source, got }).toEqual({ source, got: wanted.replace(/^ /, "") });
    }
    expect(cases).toBeGreaterThan(20);
  });
});

function attempt(work: () => string): string {
  try {
    return work();
  } catch (error) {
    if (error instanceof ExpansionError) return "error";
    throw error;
  }
}

test("what was used and what was not set is told", () => {
  const { text, used, unset } = expand("$a ${b:-x}", variables({ a: "1" }), OPTIONS);
  expect({ text, used: [...used], unset: [...unset] }).toEqual({ text: "1 x", used: ["a"], unset: ["b"] });
});

test("unset variables may be left as they are written", () => {
  const options = { ...OPTIONS, skipUnset: true };
  expect(expand("$a-${b}-${c:-d}", () => undefined, options).text).toBe("$a-${b}-${c:-d}");
});

test("the backtick as escape character", () => {
  expect(expand("C:\\dir `$x", variables({ x: "1" }), { escape: "`" }).text).toBe("C:\\dir $x");
});

test("nesting without end is refused, not a stack overflow", () => {
  expect(() => expand("${a:-".repeat(5000), () => undefined, OPTIONS)).toThrow(ExpansionError);
});
