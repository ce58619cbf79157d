// The parser's eye on the tokens: looking ahead, stepping over blanks, and the one place where its errors are made.

import { lineOf, TemplateError, type Token, type TokenKind, tokenize } from "./token.ts";
import { unquote } from "./unquote.ts";

export class TokenReader {
  readonly source: string;
  readonly name: string;
  /** Where the action being read began; messages tell when that was on another line. */
  actionAt: number | undefined;
  readonly #tokens: readonly Token[];
  #next = 0;

  /** @throws TemplateError */
  constructor(source: string, name: string) {
    this.source = source;
    this.name = name;
    this.#tokens = tokenize(source, name);
  }

  /** A place to come back to. */
  get position(): number {
    return this.#next;
  }

  set position(position: number) {
    this.#next = position;
  }

  peek(): Token {
    return this.#tokens[this.#next] ?? { kind: "eof", text: "", at: this.source.length };
  }

  peekNonSpace(): Token {
    while (this.peek().kind === "space") this.#next++;
    return this.peek();
  }

  take(): Token {
    const token = this.peek();
    this.#next++;
    return token;
  }

  takeNonSpace(): Token {
    this.peekNonSpace();
    return this.take();
  }

  expect(kind: TokenKind, context: string): void {
    const token = this.takeNonSpace();
    if (token.kind !== kind) throw this.unexpected(token, context);
  }

  quotedName(context: string): string {
    const token = this.takeNonSpace();
    if (token.kind !== "string" && token.kind !== "raw") throw this.unexpected(token, context);
    return this.checked(() => unquote(token.text));
  }

  checked<T>(read: () => T | undefined): T {
    const value = read();
    if (value === undefined) throw this.error("invalid syntax");
    return value;
  }

  atDefinition(): boolean {
    if (this.peek().kind !== "left") return false;
    const after = this.#tokens.slice(this.#next + 1, this.#next + 3).find((token) => token.kind !== "space");
    return after?.kind === "keyword" && after.text === "define";
  }

  unexpected(token: Token, context: string): TemplateError {
    const text =
      token.kind === "eof"
        ? "EOF"
        : token.kind === "keyword" || token.kind === "dot"
          ? `<${token.text}>`
          : JSON.stringify(shorten(token.text));
    const started = this.actionAt === undefined ? 0 : lineOf(this.source, this.actionAt);
    const since =
      started !== 0 && started !== lineOf(this.source, token.at) ? ` in action started at ${this.name}:${started}` : "";
    return this.error(`unexpected ${text} in ${context}${since}`);
  }

  error(message: string): TemplateError {
    const at = this.#tokens[Math.max(0, this.#next - 1)]?.at ?? 0;
    return new TemplateError(`template: ${this.name}:${lineOf(this.source, at)}: ${message}`);
  }
}

const shorten = (text: string) => (text.length > 10 ? `${text.slice(0, 10)}...` : text);
