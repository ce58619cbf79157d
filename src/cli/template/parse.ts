// Tokens → tree, by recursive descent, in the shape and with the error texts of text/template/parse. Names of
// functions and variables are checked here, so a misspelt one is an error before anything is printed.

import type { Node } from "./ast.ts";
import { MAX_DEPTH, PipelineParser } from "./pipeline.ts";
import { TokenReader } from "./reader.ts";
import type { Token } from "./token.ts";

export interface Tree {
  readonly name: string;
  readonly source: string;
  readonly root: readonly Node[];
  readonly definitions: ReadonlyMap<string, readonly Node[]>;
}

/** @throws TemplateError with Go's "template: :LINE: …" text. */
export function parseTemplate(source: string, functions: ReadonlySet<string>, name = ""): Tree {
  return new Parser(source, functions, name).parse();
}

type End = { readonly kind: "end"; readonly at: number } | { readonly kind: "else"; readonly at: number };

class Parser {
  readonly #reader: TokenReader;
  readonly #pipelines: PipelineParser;
  readonly #definitions = new Map<string, readonly Node[]>();
  #loops = 0;
  #depth = 0;

  constructor(source: string, functions: ReadonlySet<string>, name: string) {
    this.#reader = new TokenReader(source, name);
    this.#pipelines = new PipelineParser(this.#reader, functions);
  }

  parse(): Tree {
    const root: Node[] = [];
    while (this.#reader.peek().kind !== "eof") {
      if (this.#reader.atDefinition()) {
        this.#definition();
        continue;
      }
      const node = this.#textOrAction();
      if (node.kind === "end" || node.kind === "else") throw this.#reader.error(`unexpected {{${node.kind}}}`);
      root.push(node);
    }
    return { name: this.#reader.name, source: this.#reader.source, root, definitions: this.#definitions };
  }

  #definition(): void {
    this.#reader.take();
    this.#reader.takeNonSpace();
    const name = this.#reader.quotedName("define clause");
    this.#reader.expect("right", "define clause");
    this.#definitions.set(
      name,
      this.#separately(() => this.#list("define clause")),
    );
  }

  /** A body with variables of its own. */
  #separately<T>(parse: () => T): T {
    const saved = this.#pipelines.variables;
    this.#pipelines.variables = ["$"];
    const result = parse();
    this.#pipelines.variables = saved;
    return result;
  }

  #list(context: string): Node[] {
    const { nodes, end } = this.#items();
    if (end.kind !== "end") throw this.#reader.error(`unexpected {{else}} in ${context}`);
    return nodes;
  }

  #items(): { nodes: Node[]; end: End } {
    const nodes: Node[] = [];
    while (this.#reader.peek().kind !== "eof") {
      const node = this.#textOrAction();
      if (node.kind === "end" || node.kind === "else") return { nodes, end: node };
      nodes.push(node);
    }
    throw this.#reader.error("unexpected EOF");
  }

  #textOrAction(): Node | End {
    const token = this.#reader.take();
    if (token.kind === "text") return { kind: "text", text: token.text, at: token.at };
    if (token.kind !== "left") throw this.#reader.unexpected(token, "input");
    this.#reader.actionAt = token.at;
    const node = this.#action();
    this.#reader.actionAt = undefined;
    return node;
  }

  #action(): Node | End {
    const token = this.#reader.peekNonSpace();
    if (token.kind === "keyword" && token.text !== "nil") {
      this.#reader.takeNonSpace();
      return this.#control(token);
    }
    return { kind: "action", pipe: this.#pipelines.pipeline("command", "right"), at: token.at };
  }

  #control(token: Token): Node | End {
    switch (token.text) {
      case "if":
      case "with":
      case "range":
        return this.#branch(token.text, token.at);
      case "end":
        this.#reader.expect("right", "end");
        return { kind: "end", at: token.at };
      case "else": {
        const after = this.#reader.peekNonSpace();
        if (after.kind === "keyword" && (after.text === "if" || after.text === "with"))
          return { kind: "else", at: after.at };
        this.#reader.expect("right", "else");
        return { kind: "else", at: token.at };
      }
      case "break":
      case "continue": {
        const after = this.#reader.takeNonSpace();
        if (after.kind !== "right") throw this.#reader.unexpected(after, `{{${token.text}}}`);
        if (this.#loops === 0) throw this.#reader.error(`{{${token.text}}} outside {{range}}`);
        return { kind: token.text, at: token.at };
      }
      case "template": {
        const at = this.#reader.peekNonSpace().at;
        const name = this.#reader.quotedName("template clause");
        if (this.#reader.peekNonSpace().kind === "right") {
          this.#reader.takeNonSpace();
          return { kind: "template", name, pipe: undefined, at };
        }
        return { kind: "template", name, pipe: this.#pipelines.pipeline("template clause", "right"), at };
      }
      case "block": {
        const at = this.#reader.peekNonSpace().at;
        const name = this.#reader.quotedName("block clause");
        const pipe = this.#pipelines.pipeline("block clause", "right");
        this.#definitions.set(
          name,
          this.#separately(() => this.#list("block clause")),
        );
        return { kind: "template", name, pipe, at };
      }
      default:
        throw this.#reader.unexpected(token, "command");
    }
  }

  #branch(kind: "if" | "with" | "range", at: number): Node {
    if (++this.#depth > MAX_DEPTH) throw this.#reader.error("max expression depth exceeded");
    const scope = this.#pipelines.variables.length;
    const pipe = this.#pipelines.pipeline(kind, "right");
    if (kind === "range") this.#loops++;
    const { nodes: body, end } = this.#items();
    if (kind === "range") this.#loops--;
    const otherwise = end.kind === "else" ? this.#otherwise(kind) : undefined;
    this.#pipelines.variables.length = scope;
    this.#depth--;
    return { kind, pipe, body, otherwise, at };
  }

  /** After {{else}}; "else if" and "else with" nest and share the one {{end}}. */
  #otherwise(kind: "if" | "with" | "range"): Node[] {
    const token = this.#reader.peekNonSpace();
    if (kind !== "range" && token.kind === "keyword" && token.text === kind) {
      this.#reader.takeNonSpace();
      return [this.#branch(kind, token.at)];
    }
    const { nodes, end } = this.#items();
    if (end.kind !== "end") throw this.#reader.error("expected end; found {{else}}");
    return nodes;
  }
}
