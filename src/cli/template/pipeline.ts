// Pipelines: `$x := .Name | printf "%s" | len`, and the terms they are made of.

import { type Command, type Pipe, type Term, textOf } from "./ast.ts";
import type { TokenReader } from "./reader.ts";
import type { Token, TokenKind } from "./token.ts";
import { unquote, unquoteRune } from "./unquote.ts";

/** Nesting of parentheses and control structures that is accepted. */
export const MAX_DEPTH = 1000;

export class PipelineParser {
  readonly #reader: TokenReader;
  readonly #functions: ReadonlySet<string>;
  /** Names that may be used here; control structures cut it back at their end. */
  variables: string[] = ["$"];
  #depth = 0;

  constructor(reader: TokenReader, functions: ReadonlySet<string>) {
    this.#reader = reader;
    this.#functions = functions;
  }

  /** Up to `end`, which is taken. @throws TemplateError */
  pipeline(context: string, end: TokenKind): Pipe {
    const at = this.#reader.peekNonSpace().at;
    const { declared, assigns } = this.#declarations(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.#reader.peekNonSpace();
      if (token.kind === end) {
        this.#reader.takeNonSpace();
        break;
      }
      if (!startsTerm(token)) throw this.#reader.unexpected(this.#reader.takeNonSpace(), context);
      commands.push(this.#command());
    }
    if (commands.length === 0) throw this.#reader.error(`missing value for ${context}`);
    commands.slice(1).forEach((command, index) => {
      const first = command.args[0]?.kind;
      if (first === "bool" || first === "dot" || first === "nil" || first === "number" || first === "string")
        throw this.#reader.error(`non executable command in pipeline stage ${index + 2}`);
    });
    return { kind: "pipe", declared, assigns, commands, at };
  }

  #declarations(context: string): { declared: string[]; assigns: boolean } {
    const declared: string[] = [];
    for (;;) {
      const token = this.#reader.peekNonSpace();
      if (token.kind !== "variable") {
        if (declared.length === 0) return { declared, assigns: false };
        if (token.kind === "right" || token.kind === ")") return { declared, assigns: false };
        throw this.#reader.error("range can only initialize variables");
      }
      const back = this.#reader.position;
      this.#reader.takeNonSpace();
      const after = this.#reader.peekNonSpace();
      if (after.kind === "assign" || after.kind === "declare") {
        this.#reader.takeNonSpace();
        declared.push(token.text);
        this.variables.push(token.text);
        return { declared, assigns: after.kind === "assign" };
      }
      if (after.kind !== "char" || after.text !== ",") {
        this.#reader.position = back;
        return { declared, assigns: false };
      }
      this.#reader.takeNonSpace();
      declared.push(token.text);
      this.variables.push(token.text);
      if (context !== "range" || declared.length >= 2) throw this.#reader.error(`too many declarations in ${context}`);
    }
  }

  #command(): Command {
    const at = this.#reader.peekNonSpace().at;
    const args: Term[] = [];
    for (;;) {
      this.#reader.peekNonSpace();
      const operand = this.#operand();
      if (operand !== undefined) args.push(operand);
      const token = this.#reader.take();
      if (token.kind === "space") continue;
      if (token.kind === "pipe") {
        if (this.#reader.peekNonSpace().kind === "right") throw this.#reader.error("missing value for command");
      } else if (token.kind === "right" || token.kind === ")") {
        this.#reader.position--;
      } else {
        throw this.#reader.unexpected(token, "operand");
      }
      break;
    }
    if (args.length === 0) throw this.#reader.error("empty command");
    return { kind: "command", args, at };
  }

  #operand(): Term | undefined {
    const term = this.#term();
    if (term === undefined || this.#reader.peek().kind !== "field") return term;
    const at = this.#reader.peek().at;
    const path: string[] = [];
    while (this.#reader.peek().kind === "field") path.push(this.#reader.take().text.slice(1));
    if (term.kind === "field") return { ...term, path: [...term.path, ...path], at };
    if (term.kind === "variable") return { ...term, path: [...term.path, ...path], at };
    if (term.kind === "function" || term.kind === "pipe") return { kind: "chain", base: term, path, at };
    throw this.#reader.error(`unexpected . after term ${JSON.stringify(textOf(term))}`);
  }

  #term(): Term | undefined {
    const token = this.#reader.peekNonSpace();
    if (!startsTerm(token)) return undefined;
    this.#reader.takeNonSpace();
    const at = token.at;
    switch (token.kind) {
      case "identifier":
        if (!this.#functions.has(token.text))
          throw this.#reader.error(`function ${JSON.stringify(token.text)} not defined`);
        return { kind: "function", name: token.text, at };
      case "dot":
        return { kind: "dot", at };
      case "keyword":
        return { kind: "nil", at };
      case "variable":
        if (!this.variables.includes(token.text))
          throw this.#reader.error(`undefined variable ${JSON.stringify(token.text)}`);
        return { kind: "variable", name: token.text, path: [], at };
      case "field":
        return { kind: "field", path: [token.text.slice(1)], at };
      case "bool":
        return { kind: "bool", value: token.text === "true", at };
      case "number":
        return { kind: "number", value: this.#number(token.text), text: token.text, at };
      case "rune":
        return { kind: "number", value: this.#reader.checked(() => unquoteRune(token.text)), text: token.text, at };
      case "string":
      case "raw":
        return { kind: "string", value: this.#reader.checked(() => unquote(token.text)), text: token.text, at };
      default: {
        if (++this.#depth > MAX_DEPTH) throw this.#reader.error("max expression depth exceeded");
        const pipe = this.pipeline("parenthesized pipeline", ")");
        this.#depth--;
        return pipe;
      }
    }
  }

  #number(text: string): number {
    const plain = text.replaceAll("_", "").replace(/^\+/, "");
    const octal = /^-?0[0-7]+$/.test(plain);
    if (/^-?0\d+$/.test(plain) && !octal) throw this.#reader.error(`integer overflow: ${JSON.stringify(text)}`);
    const value = octal ? Number.parseInt(plain, 8) : plain.startsWith("-") ? -Number(plain.slice(1)) : Number(plain);
    if (plain === "" || Number.isNaN(value)) throw this.#reader.error(`illegal number syntax: ${JSON.stringify(text)}`);
    return value;
  }
}

const TERMS = new Set<TokenKind>([
  "bool",
  "rune",
  "dot",
  "field",
  "identifier",
  "number",
  "raw",
  "string",
  "variable",
  "(",
]);

function startsTerm(token: Token): boolean {
  return TERMS.has(token.kind) || (token.kind === "keyword" && token.text === "nil");
}
