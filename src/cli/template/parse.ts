// Tokens → tree, by recursive descent, in the shape and with the error texts of text/template/parse. Names of
// functions and variables are checked here, so a misspelt one is an error before anything is printed.

import type { Command, Node, Pipe, Term } from "./ast.ts";
import { textOf } from "./ast.ts";
import { lineOf, TemplateError, type Token, type TokenKind, tokenize } from "./token.ts";
import { unquote, unquoteRune } from "./unquote.ts";

export interface Tree {
  readonly name: string;
  readonly source: string;
  readonly root: readonly Node[];
  readonly definitions: ReadonlyMap<string, readonly Node[]>;
}

/** Nesting of parentheses and control structures that is accepted. */
const MAX_DEPTH = 1000;

/** @throws TemplateError with Go's "template: :LINE: …" text. */
export function parseTemplate(source: string, functions: ReadonlySet<string>, name = ""): Tree {
  return new Parser(source, functions, name).parse();
}

type End = { readonly kind: "end"; readonly at: number } | { readonly kind: "else"; readonly at: number };

class Parser {
  readonly #name: string;
  readonly #source: string;
  readonly #functions: ReadonlySet<string>;
  readonly #tokens: readonly Token[];
  readonly #definitions = new Map<string, readonly Node[]>();
  #next = 0;
  #variables: string[] = ["$"];
  #loops = 0;
  #depth = 0;
  #actionAt: number | undefined;

  constructor(source: string, functions: ReadonlySet<string>, name: string) {
    this.#name = name;
    this.#source = source;
    this.#functions = functions;
    this.#tokens = tokenize(source, name);
  }

  parse(): Tree {
    const root: Node[] = [];
    while (this.#peek().kind !== "eof") {
      if (this.#atDefinition()) {
        this.#definition();
        continue;
      }
      const node = this.#textOrAction();
      if (node.kind === "end" || node.kind === "else") throw this.#error(`unexpected {{${node.kind}}}`);
      root.push(node);
    }
    return { name: this.#name, source: this.#source, root, definitions: this.#definitions };
  }

  #atDefinition(): boolean {
    if (this.#peek().kind !== "left") return false;
    const after = this.#tokens.slice(this.#next + 1, this.#next + 3).find((token) => token.kind !== "space");
    return after?.kind === "keyword" && after.text === "define";
  }

  #definition(): void {
    this.#take();
    this.#takeNonSpace();
    const name = this.#quotedName("define clause");
    this.#expect("right", "define clause");
    this.#definitions.set(
      name,
      this.#separately(() => this.#list("define clause")),
    );
  }

  /** A body with variables of its own. */
  #separately<T>(parse: () => T): T {
    const saved = this.#variables;
    this.#variables = ["$"];
    const result = parse();
    this.#variables = saved;
    return result;
  }

  #list(context: string): Node[] {
    const { nodes, end } = this.#items();
    if (end.kind !== "end") throw this.#error(`unexpected {{else}} in ${context}`);
    return nodes;
  }

  #items(): { nodes: Node[]; end: End } {
    const nodes: Node[] = [];
    while (this.#peek().kind !== "eof") {
      const node = this.#textOrAction();
      if (node.kind === "end" || node.kind === "else") return { nodes, end: node };
      nodes.push(node);
    }
    throw this.#error("unexpected EOF");
  }

  #textOrAction(): Node | End {
    const token = this.#take();
    if (token.kind === "text") return { kind: "text", text: token.text, at: token.at };
    if (token.kind !== "left") throw this.#unexpected(token, "input");
    this.#actionAt = token.at;
    const node = this.#action();
    this.#actionAt = undefined;
    return node;
  }

  #action(): Node | End {
    const token = this.#peekNonSpace();
    if (token.kind === "keyword" && token.text !== "nil") {
      this.#takeNonSpace();
      return this.#control(token);
    }
    return { kind: "action", pipe: this.#pipeline("command", "right"), at: token.at };
  }

  #control(token: Token): Node | End {
    switch (token.text) {
      case "if":
      case "with":
      case "range":
        return this.#branch(token.text, token.at);
      case "end":
        this.#expect("right", "end");
        return { kind: "end", at: token.at };
      case "else": {
        const after = this.#peekNonSpace();
        if (after.kind === "keyword" && (after.text === "if" || after.text === "with"))
          return { kind: "else", at: after.at };
        this.#expect("right", "else");
        return { kind: "else", at: token.at };
      }
      case "break":
      case "continue": {
        const after = this.#takeNonSpace();
        if (after.kind !== "right") throw this.#unexpected(after, `{{${token.text}}}`);
        if (this.#loops === 0) throw this.#error(`{{${token.text}}} outside {{range}}`);
        return { kind: token.text, at: token.at };
      }
      case "template": {
        const at = this.#peekNonSpace().at;
        const name = this.#quotedName("template clause");
        if (this.#peekNonSpace().kind === "right") {
          this.#takeNonSpace();
          return { kind: "template", name, pipe: undefined, at };
        }
        return { kind: "template", name, pipe: this.#pipeline("template clause", "right"), at };
      }
      case "block": {
        const at = this.#peekNonSpace().at;
        const name = this.#quotedName("block clause");
        const pipe = this.#pipeline("block clause", "right");
        this.#definitions.set(
          name,
          this.#separately(() => this.#list("block clause")),
        );
        return { kind: "template", name, pipe, at };
      }
      default:
        throw this.#unexpected(token, "command");
    }
  }

  #branch(kind: "if" | "with" | "range", at: number): Node {
    if (++this.#depth > MAX_DEPTH) throw this.#error("max expression depth exceeded");
    const scope = this.#variables.length;
    const pipe = this.#pipeline(kind, "right");
    if (kind === "range") this.#loops++;
    const { nodes: body, end } = this.#items();
    if (kind === "range") this.#loops--;
    const otherwise = end.kind === "else" ? this.#otherwise(kind) : undefined;
    this.#variables.length = scope;
    this.#depth--;
    return { kind, pipe, body, otherwise, at };
  }

  /** After {{else}}; "else if" and "else with" nest and share the one {{end}}. */
  #otherwise(kind: "if" | "with" | "range"): Node[] {
    const token = this.#peekNonSpace();
    if (kind !== "range" && token.kind === "keyword" && token.text === kind) {
      this.#takeNonSpace();
      return [this.#branch(kind, token.at)];
    }
    const { nodes, end } = this.#items();
    if (end.kind !== "end") throw this.#error("expected end; found {{else}}");
    return nodes;
  }

  #pipeline(context: string, end: TokenKind): Pipe {
    const at = this.#peekNonSpace().at;
    const { declared, assigns } = this.#declarations(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.#peekNonSpace();
      if (token.kind === end) {
        this.#takeNonSpace();
        break;
      }
      if (!startsTerm(token)) throw this.#unexpected(this.#takeNonSpace(), context);
      commands.push(this.#command());
    }
    if (commands.length === 0) throw this.#error(`missing value for ${context}`);
    commands.slice(1).forEach((command, index) => {
      const first = command.args[0]?.kind;
      if (first === "bool" || first === "dot" || first === "nil" || first === "number" || first === "string")
        throw this.#error(`non executable command in pipeline stage ${index + 2}`);
    });
    return { kind: "pipe", declared, assigns, commands, at };
  }

  #declarations(context: string): { declared: string[]; assigns: boolean } {
    const declared: string[] = [];
    for (;;) {
      const token = this.#peekNonSpace();
      if (token.kind !== "variable") {
        if (declared.length === 0) return { declared, assigns: false };
        if (token.kind === "right" || token.kind === ")") return { declared, assigns: false };
        throw this.#error("range can only initialize variables");
      }
      const back = this.#next;
      this.#takeNonSpace();
      const after = this.#peekNonSpace();
      if (after.kind === "assign" || after.kind === "declare") {
        this.#takeNonSpace();
        declared.push(token.text);
        this.#variables.push(token.text);
        return { declared, assigns: after.kind === "assign" };
      }
      if (after.kind !== "char" || after.text !== ",") {
        this.#next = back;
        return { declared, assigns: false };
      }
      this.#takeNonSpace();
      declared.push(token.text);
      this.#variables.push(token.text);
      if (context !== "range" || declared.length >= 2) throw this.#error(`too many declarations in ${context}`);
    }
  }

  #command(): Command {
    const at = this.#peekNonSpace().at;
    const args: Term[] = [];
    for (;;) {
      this.#peekNonSpace();
      const operand = this.#operand();
      if (operand !== undefined) args.push(operand);
      const token = this.#take();
      if (token.kind === "space") continue;
      if (token.kind === "pipe") {
        if (this.#peekNonSpace().kind === "right") throw this.#error("missing value for command");
      } else if (token.kind === "right" || token.kind === ")") {
        this.#next--;
      } else {
        throw this.#unexpected(token, "operand");
      }
      break;
    }
    if (args.length === 0) throw this.#error("empty command");
    return { kind: "command", args, at };
  }

  #operand(): Term | undefined {
    const term = this.#term();
    if (term === undefined || this.#peek().kind !== "field") return term;
    const at = this.#peek().at;
    const path: string[] = [];
    while (this.#peek().kind === "field") path.push(this.#take().text.slice(1));
    if (term.kind === "field") return { ...term, path: [...term.path, ...path], at };
    if (term.kind === "variable") return { ...term, path: [...term.path, ...path], at };
    if (term.kind === "function" || term.kind === "pipe") return { kind: "chain", base: term, path, at };
    throw this.#error(`unexpected . after term ${JSON.stringify(textOf(term))}`);
  }

  #term(): Term | undefined {
    const token = this.#peekNonSpace();
    if (!startsTerm(token)) return undefined;
    this.#takeNonSpace();
    const at = token.at;
    switch (token.kind) {
      case "identifier":
        if (!this.#functions.has(token.text)) throw this.#error(`function ${JSON.stringify(token.text)} not defined`);
        return { kind: "function", name: token.text, at };
      case "dot":
        return { kind: "dot", at };
      case "keyword":
        return { kind: "nil", at };
      case "variable":
        if (!this.#variables.includes(token.text))
          throw this.#error(`undefined variable ${JSON.stringify(token.text)}`);
        return { kind: "variable", name: token.text, path: [], at };
      case "field":
        return { kind: "field", path: [token.text.slice(1)], at };
      case "bool":
        return { kind: "bool", value: token.text === "true", at };
      case "number":
        return { kind: "number", value: this.#number(token.text), text: token.text, at };
      case "rune":
        return { kind: "number", value: this.#checked(() => unquoteRune(token.text)), text: token.text, at };
      case "string":
      case "raw":
        return { kind: "string", value: this.#checked(() => unquote(token.text)), text: token.text, at };
      default: {
        if (++this.#depth > MAX_DEPTH) throw this.#error("max expression depth exceeded");
        const pipe = this.#pipeline("parenthesized pipeline", ")");
        this.#depth--;
        return pipe;
      }
    }
  }

  #number(text: string): number {
    const plain = text.replaceAll("_", "").replace(/^\+/, "");
    const octal = /^-?0[0-7]+$/.test(plain);
    if (/^-?0\d+$/.test(plain) && !octal) throw this.#error(`integer overflow: ${JSON.stringify(text)}`);
    const value = octal ? Number.parseInt(plain, 8) : plain.startsWith("-") ? -Number(plain.slice(1)) : Number(plain);
    if (plain === "" || Number.isNaN(value)) throw this.#error(`illegal number syntax: ${JSON.stringify(text)}`);
    return value;
  }

  #checked<T>(read: () => T | undefined): T {
    const value = read();
    if (value === undefined) throw this.#error("invalid syntax");
    return value;
  }

  #quotedName(context: string): string {
    const token = this.#takeNonSpace();
    if (token.kind !== "string" && token.kind !== "raw") throw this.#unexpected(token, context);
    return this.#checked(() => unquote(token.text));
  }

  #expect(kind: TokenKind, context: string): void {
    const token = this.#takeNonSpace();
    if (token.kind !== kind) throw this.#unexpected(token, context);
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: "eof", text: "", at: this.#source.length };
  }

  #peekNonSpace(): Token {
    while (this.#peek().kind === "space") this.#next++;
    return this.#peek();
  }

  #take(): Token {
    const token = this.#peek();
    this.#next++;
    return token;
  }

  #takeNonSpace(): Token {
    this.#peekNonSpace();
    return this.#take();
  }

  #unexpected(token: Token, context: string): TemplateError {
    const text =
      token.kind === "eof"
        ? "EOF"
        : token.kind === "keyword" || token.kind === "dot"
          ? `<${token.text}>`
          : JSON.stringify(shorten(token.text));
    const started = this.#actionAt === undefined ? 0 : lineOf(this.#source, this.#actionAt);
    const since =
      started !== 0 && started !== lineOf(this.#source, token.at)
        ? ` in action started at ${this.#name}:${started}`
        : "";
    return this.#error(`unexpected ${text} in ${context}${since}`);
  }

  #error(message: string): TemplateError {
    const at = this.#tokens[Math.max(0, this.#next - 1)]?.at ?? 0;
    return new TemplateError(`template: ${this.#name}:${lineOf(this.#source, at)}: ${message}`);
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

const shorten = (text: string) => (text.length > 10 ? `${text.slice(0, 10)}...` : text);
