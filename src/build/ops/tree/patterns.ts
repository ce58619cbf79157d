// Patterns of files as .dockerignore, --exclude and include lists have them (moby/patternmatcher): `*` and `?` stop at
// slashes, `**` does not, `!` takes back, and a pattern that matches a directory matches all that is in it. The last
// pattern that matches decides.

import { posix } from "node:path";
import { HoyError } from "../../../base/error.ts";

interface Pattern {
  readonly negated: boolean;
  readonly expression: RegExp;
}

const MAX_LENGTH = 4096;
const MAX_PATTERNS = 10_000;

export class PatternList {
  readonly #patterns: readonly Pattern[];
  /** Some pattern takes back: what is below a matched directory may still be wanted. */
  readonly hasNegations: boolean;

  /** Blank patterns say nothing. @throws HoyError "invalid" `illegal exclusion pattern: "!"`, and for bad syntax. */
  constructor(patterns: readonly string[]) {
    if (patterns.length > MAX_PATTERNS) throw new HoyError("too-large", `more than ${MAX_PATTERNS} file patterns`);
    this.#patterns = patterns.map((text) => text.trim()).flatMap((text) => (text === "" ? [] : [parse(text)]));
    this.hasNegations = this.#patterns.some(({ negated }) => negated);
  }

  get isEmpty(): boolean {
    return this.#patterns.length === 0;
  }

  /** @param path relative, clean, with slashes; whether it or a directory that it is in matches. */
  matches(path: string): boolean {
    let matched = false;
    const levels = withParents(path);
    for (const { negated, expression } of this.#patterns) {
      if (matched !== negated) continue;
      if (levels.some((level) => expression.test(level))) matched = !negated;
    }
    return matched;
  }
}

function parse(text: string): Pattern {
  if (text.length > MAX_LENGTH) throw new HoyError("invalid", "a file pattern is too long");
  if (text === "!") throw new HoyError("invalid", 'illegal exclusion pattern: "!"');
  const negated = text.startsWith("!");
  const clean = posix.normalize(negated ? text.slice(1).trim() : text).replace(/\/+$/, "");
  return { negated, expression: toExpression(clean === "" ? "." : clean.replace(/^\/(?=.)/, ""), text) };
}

/** "a/b/c" → "a/b/c", "a/b", "a". */
function withParents(path: string): string[] {
  const levels = [path];
  for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
    levels.push(path.slice(0, slash));
  }
  return levels;
}

function toExpression(pattern: string, text: string): RegExp {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern.charAt(at);
    if (character === "*" && pattern.charAt(at + 1) === "*") {
      while (pattern.charAt(at + 1) === "*") at++;
      // "**/" may be nothing at all.
      if (pattern.charAt(at + 1) === "/") {
        at++;
        source += "(?:.*/)?";
      } else source += ".*";
    } else if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "\\") {
      if (++at >= pattern.length) throw syntax(text);
      source += escaped(pattern.charAt(at));
    } else if (character === "[") {
      const end = pattern.indexOf("]", at + 2);
      if (end < 0) throw syntax(text);
      source += `(?!/)[${pattern.slice(at + 1, end).replace(/[\\[]/g, "\\$&")}]`;
      at = end;
    } else source += escaped(character);
  }
  try {
    return new RegExp(`^${source}$`, "s");
  } catch (cause) {
    throw syntax(text, cause);
  }
}

function escaped(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
}

function syntax(pattern: string, cause?: unknown): HoyError {
  return new HoyError("invalid", `syntax error in pattern: ${JSON.stringify(pattern.slice(0, 200))}`, { cause });
}
