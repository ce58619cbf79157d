// Which paths of a build's context the patterns of its .dockerignore leave out. The last pattern that matches decides; a
// path is also matched by what matches a directory above it.

import { HoyError } from "../../base/error.ts";
import { cleanPath } from "./clean.ts";
import { compilePattern, type Pattern } from "./pattern.ts";

/** Which patterns matched a directory; what is in it is matched by them too. */
export type ParentMatches = readonly boolean[];

export class Matcher {
  readonly patterns: readonly Pattern[];
  readonly hasExceptions: boolean;

  /** @throws HoyError "invalid" for a pattern that can't be read. */
  constructor(patterns: readonly string[]) {
    this.patterns = patterns.flatMap((pattern) => readPattern(pattern) ?? []);
    this.hasExceptions = this.patterns.some(({ isException }) => isException);
  }

  /** `path` relative to the context, with slashes. The context itself is never left out. */
  ignores(path: string): boolean {
    const clean = cleanPath(path);
    return clean !== "." && this.step(clean, undefined).ignored;
  }

  /** For a walk from above: `parent` is what this gave for the directory; undefined: look at the directories above. */
  step(
    path: string,
    parent: ParentMatches | undefined,
  ): { readonly ignored: boolean; readonly matches: ParentMatches } {
    let ignored = false;
    const above = parent === undefined ? directoriesAbove(path) : [];
    const matches = this.patterns.map((pattern, index) => {
      let matched = parent?.[index] ?? false;
      if (!matched) {
        // Only what would change the answer is looked at.
        if (pattern.isException !== ignored) return false;
        matched = pattern.matches(path) || above.some((directory) => pattern.matches(directory));
      }
      if (matched) ignored = !pattern.isException;
      return matched;
    });
    return { ignored, matches };
  }

  /** Whether something below an ignored directory may yet be wanted by an exception. */
  mayHoldExceptions(directory: string): boolean {
    const inside = `${directory}/`;
    return this.patterns.some(({ isException, text }) => {
      if (!isException) return false;
      const literal = /^[^*?[\\]*/.exec(text)?.[0] ?? "";
      return literal === text
        ? `${text}/`.startsWith(inside)
        : literal.startsWith(inside) || inside.startsWith(literal);
    });
  }
}

function readPattern(written: string): Pattern | undefined {
  const trimmed = written.trim();
  if (trimmed === "") return undefined;
  const clean = cleanPath(trimmed);
  if (clean === "!") throw new HoyError("invalid", 'illegal exclusion pattern: "!"');
  const isException = clean.startsWith("!");
  return compilePattern(isException ? clean.slice(1) : clean, isException);
}

function directoriesAbove(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/")).filter((directory) => directory !== "");
}
