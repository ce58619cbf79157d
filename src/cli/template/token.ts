// Cuts a template into tokens, by the rules of Go's text/template: text, {{ }}, trim markers, comments, and what
// may stand inside an action. Offsets count UTF-16 units; columns in messages are therefore exact for ASCII.

export type TokenKind =
  | "text"
  | "left"
  | "right"
  | "space"
  | "assign" // =
  | "declare" // :=
  | "pipe"
  | "("
  | ")"
  | "char" // any other printable sign
  | "dot"
  | "field" // .Name
  | "variable" // $name
  | "identifier"
  | "keyword"
  | "bool"
  | "number"
  | "rune" // 'x'
  | "string"
  | "raw" // `x`
  | "eof";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly at: number;
}

/** A template that can't be read or run; the message is Go's, with position. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

const KEYWORDS = new Set([
  "block",
  "break",
  "continue",
  "define",
  "else",
  "end",
  "if",
  "range",
  "nil",
  "template",
  "with",
]);

const SPACE = /^[ \t\r\n]+/;
const WORD = /^[\p{L}\p{Nd}_]*/u;
const NUMBER = /^[+-]?(0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|[\d_]*\.?[\d_]*([eEpP][+-]?[\d_]+)?)i?/;

/** @throws TemplateError */
export function tokenize(source: string, name: string): Token[] {
  return new Lexer(source, name).run();
}

/** 1-based line of an offset. */
export function lineOf(source: string, at: number): number {
  return source.slice(0, at).split("\n").length;
}

class Lexer {
  readonly #name: string;
  readonly #source: string;
  readonly #tokens: Token[] = [];
  #at = 0;
  #parens = 0;

  constructor(source: string, name: string) {
    this.#name = name;
    this.#source = source;
  }

  run(): Token[] {
    while (this.#at < this.#source.length) this.#text();
    this.#emit("eof", "");
    return this.#tokens;
  }

  #text(): void {
    const open = this.#source.indexOf("{{", this.#at);
    const end = open < 0 ? this.#source.length : open;
    const trimmed = open >= 0 && /^\{\{-[ \t\r\n]/.test(this.#source.slice(open, open + 4));
    const raw = this.#source.slice(this.#at, end);
    const text = trimmed ? raw.replace(/[ \t\r\n]+$/, "") : raw;
    if (text !== "") this.#emit("text", text);
    this.#at = end;
    if (open < 0) return;
    const marker = trimmed ? 2 : 0;
    if (this.#source.startsWith("/*", open + 2 + marker)) {
      this.#comment(open + 2 + marker);
      return;
    }
    this.#emit("left", "{{");
    this.#at = open + 2 + marker;
    this.#parens = 0;
    this.#action();
  }

  #comment(start: number): void {
    const close = this.#source.indexOf("*/", start);
    if (close < 0) throw this.#error("unclosed comment");
    this.#at = close + 2;
    if (this.#closeAction() === undefined) throw this.#error("comment ends before closing delimiter");
  }

  /** Steps over "}}" or " -}}" (with the white space that it eats). Undefined when neither stands here. */
  #closeAction(): number | undefined {
    const rest = this.#source.slice(this.#at);
    const start = this.#at;
    if (/^[ \t\r\n]-\}\}/.test(rest)) {
      this.#at += 4;
      this.#at += SPACE.exec(this.#source.slice(this.#at))?.[0].length ?? 0;
      return start;
    }
    if (!rest.startsWith("}}")) return undefined;
    this.#at += 2;
    return start;
  }

  #action(): void {
    for (;;) {
      const start = this.#at;
      if (this.#closeAction() !== undefined) {
        if (this.#parens > 0) throw this.#error("unclosed left paren");
        this.#tokens.push({ kind: "right", text: "}}", at: start });
        return;
      }
      const rest = this.#source.slice(this.#at);
      if (rest === "") throw this.#error("unclosed action");
      const [kind, text] = this.#inside(rest);
      this.#emit(kind, text);
    }
  }

  /** The next token inside an action. */
  #inside(rest: string): readonly [TokenKind, string] {
    const first = rest.charAt(0);
    const spaces = SPACE.exec(rest)?.[0];
    if (spaces !== undefined) {
      // The last space may belong to " -}}".
      const marked = /^[ \t\r\n]-\}\}/.test(rest.slice(spaces.length - 1));
      return ["space", rest.slice(0, marked ? spaces.length - 1 : spaces.length)];
    }
    if (first === "=") return ["assign", "="];
    if (first === ":") {
      if (rest.charAt(1) !== "=") throw this.#error("expected :=");
      return ["declare", ":="];
    }
    if (first === "|") return ["pipe", "|"];
    if (first === '"') return this.#quoted(rest, "string", "unterminated quoted string");
    if (first === "'") return this.#quoted(rest, "rune", "unterminated character constant");
    if (first === "`") {
      const end = rest.indexOf("`", 1);
      if (end < 0) throw this.#error("unterminated raw quoted string");
      return ["raw", rest.slice(0, end + 1)];
    }
    if (first === "$") return this.#word("variable", 1, rest);
    if (first === "." && !/^\.\d/.test(rest)) return this.#word("field", 1, rest);
    if (/^[+\-.\d]/.test(rest)) return this.#number(rest);
    if (/^[\p{L}_]/u.test(rest)) return this.#word("identifier", 0, rest);
    if (first === "(" || first === ")") {
      this.#parens += first === "(" ? 1 : -1;
      if (this.#parens < 0) throw this.#error("unexpected right paren");
      return [first, first];
    }
    if (/^[\x20-\x7e]/.test(first)) return ["char", first];
    throw this.#error(`unrecognized character in action: ${describeRune(rest)}`);
  }

  #quoted(rest: string, kind: "string" | "rune", complaint: string): readonly [TokenKind, string] {
    const quote = rest.charAt(0);
    for (let end = 1; end < rest.length; end++) {
      const sign = rest.charAt(end);
      if (sign === "\n") break;
      if (sign === "\\") end++;
      else if (sign === quote) return [kind, rest.slice(0, end + 1)];
    }
    throw this.#error(complaint);
  }

  #word(kind: "variable" | "field" | "identifier", prefix: number, rest: string): readonly [TokenKind, string] {
    const text = rest.slice(0, prefix) + (WORD.exec(rest.slice(prefix))?.[0] ?? "");
    const after = rest.slice(text.length);
    if (after !== "" && !/^([ \t\r\n.,|:)(]|\}\})/.test(after))
      throw this.#error(`bad character ${describeRune(after)}`);
    if (text === ".") return ["dot", text];
    if (kind !== "identifier") return [kind, text];
    if (text === "true" || text === "false") return ["bool", text];
    return [KEYWORDS.has(text) ? "keyword" : "identifier", text];
  }

  #number(rest: string): readonly [TokenKind, string] {
    const text = NUMBER.exec(rest)?.[0] ?? "";
    const after = rest.charAt(text.length);
    if (text === "" || /[\p{L}\p{Nd}_]/u.test(after))
      throw this.#error(`bad number syntax: ${JSON.stringify(text + after)}`);
    return ["number", text];
  }

  #emit(kind: TokenKind, text: string): void {
    this.#tokens.push({ kind, text, at: this.#at });
    this.#at += text.length;
  }

  #error(message: string): TemplateError {
    return new TemplateError(`template: ${this.#name}:${lineOf(this.#source, this.#at)}: ${message}`);
  }
}

/** Go's %#U: "U+007D '}'". */
function describeRune(text: string): string {
  const rune = String.fromCodePoint(text.codePointAt(0) ?? 0xfffd);
  return `U+${(rune.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")} '${rune}'`;
}
