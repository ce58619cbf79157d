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

  /**
   * What a walk from above comes to, which is what Docker's clients do. `path` is relative to the context, with slashes;
   * the context itself is never left out.
   */
  ignores(path: string): boolean {
    const parts = cleanPath(path).split("/");
    if (parts.length === 1 && parts[0] === ".") return false;
    let step: ReturnType<Matcher["step"]> | undefined;
    for (let depth = 1; depth <= parts.length; depth++) {
      const above = parts.slice(0, depth).join("/");
      if (above !== "") step = this.step(above, step?.matches);
    }
    return step?.ignored ?? this.step("/", undefined).ignored;
  }

  /** One step of a walk: `parent` is what this gave for the directory above; undefined: that is the context. */
  step(
    path: string,
    parent: ParentMatches | undefined,
  ): { readonly ignored: boolean; readonly matches: ParentMatches } {
    let ignored = false;
    const matches = this.patterns.map((pattern, index) => {
      let matched = parent?.[index] ?? false;
      if (!matched) {
        // Only what would change the answer is looked at, also for what is below (patternmatcher,
        // MatchesUsingParentResults): `a/a`, `!a` leaves a/a out.
        if (pattern.isException !== ignored) return false;
        matched = pattern.matches(path);
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
