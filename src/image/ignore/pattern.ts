// One pattern of a .dockerignore as moby/patternmatcher matches it: `*` and `?` stop at slashes, `**` does not, `[a-z]`
// and `\` as in a shell. What it compiles to decides details that people rely on: `**` at the end is a prefix, at the
// beginning a suffix (so `**/*.go` needs a slash or the beginning, `**.go` does not).

import { HoyError } from "../../base/error.ts";

export interface Pattern {
  readonly text: string;
  /** It began with "!": what it matches is not ignored. */
  readonly isException: boolean;
  matches(path: string): boolean;
}

/** @throws HoyError "invalid" `syntax error in pattern` */
export function compilePattern(text: string, isException: boolean): Pattern {
  checkSyntax(text);
  return { text, isException, matches: matcherOf(text) };
}

function matcherOf(text: string): (path: string) => boolean {
  const translated = translate(text);
  switch (translated.kind) {
    case "exact":
      return (path) => path === text;
    case "prefix":
      return (path) => path.startsWith(text.slice(0, -2));
    case "suffix": {
      const suffix = text.slice(2);
      return (path) => path.endsWith(suffix) || (suffix.startsWith("/") && path === suffix.slice(1));
    }
    case "expression":
      return (path) => translated.expression.test(path);
  }
}

type Translated =
  | { readonly kind: "exact" | "prefix" | "suffix" }
  | { readonly kind: "expression"; readonly expression: RegExp };

function translate(text: string): Translated {
  const characters = [...text];
  let kind: Translated["kind"] = "exact";
  let source = "";
  for (let at = 0; at < characters.length; at++) {
    const first = at === 0;
    const character = characters[at] ?? "";
    if (character === "*" && characters[at + 1] === "*") {
      at++;
      if (characters[at + 1] === "/") at++;
      if (at + 1 < characters.length) {
        source += "(?:[^\\n]*/)?";
        kind = "expression";
      } else if (kind === "exact") kind = "prefix";
      else {
        source += "[^\\n]*";
        kind = "expression";
      }
      if (first) kind = "suffix";
      continue;
    }
    if (character === "[") {
      const end = classEnd(characters, at);
      source += classSource(characters.slice(at + 1, end));
      at = end;
      kind = "expression";
    } else if (character === "*" || character === "?") {
      // Stars in a row mean what one means; as one they can't make the search slow.
      if (!(character === "*" && source.endsWith("[^/]*"))) source += character === "*" ? "[^/]*" : "[^/]";
      kind = "expression";
    } else if (character === "\\") {
      source += quote(characters[++at] ?? "\\");
      kind = "expression";
    } else source += quote(character);
  }
  if (kind !== "expression") return { kind };
  return { kind, expression: compile(`^${source}$`) };
}

function compile(source: string): RegExp {
  try {
    return new RegExp(source, "u");
  } catch (cause) {
    // A range that runs backwards.
    throw bad(cause);
  }
}

function classSource(members: readonly string[]): string {
  const negated = members[0] === "^";
  let source = negated ? "[^" : "[";
  for (let at = negated ? 1 : 0; at < members.length; at++) {
    const member = members[at] ?? "";
    if (member === "\\") source += quoteMember(members[++at] ?? "");
    else source += member === "-" ? "-" : quoteMember(member);
  }
  return `${source}]`;
}

function quoteMember(character: string): string {
  return /[\\\][^-]/.test(character) ? `\\${character}` : character;
}

function quote(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
}

/** Go's filepath.Match, for what it calls an error. */
function checkSyntax(text: string): void {
  const characters = [...text];
  for (let at = 0; at < characters.length; at++) {
    if (characters[at] === "\\" && ++at >= characters.length) throw bad();
    if (characters[at] === "[" && characters[at - 1] !== "\\") at = classEnd(characters, at);
  }
}

/** Where the class that begins at `from` ends. */
function classEnd(characters: readonly string[], from: number): number {
  let at = from + 1;
  if (characters[at] === "^") at++;
  for (let members = 0; ; members++) {
    if (characters[at] === "]" && members > 0) return at;
    at = memberEnd(characters, at);
    if (characters[at] === "-") at = memberEnd(characters, at + 1);
  }
}

function memberEnd(characters: readonly string[], from: number): number {
  const first = characters[from];
  if (first === undefined || first === "-" || first === "]") throw bad();
  const end = first === "\\" ? from + 2 : from + 1;
  if (end >= characters.length) throw bad();
  return end;
}

function bad(cause?: unknown): HoyError {
  return new HoyError("invalid", "syntax error in pattern", cause === undefined ? {} : { cause });
}
