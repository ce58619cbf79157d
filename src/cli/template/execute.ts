// Runs a parsed template over a value, by the rules of Go's text/template, and tells of errors in its words:
// `template: :LINE:COLUMN: executing "" at <NODE>: …`.

import { type Branch, type Command, type Node, type Pipe, type Term, textOf } from "./ast.ts";
import { fieldOf } from "./field.ts";
import { CallError, FUNCTIONS, type TemplateFunction } from "./functions.ts";
import type { Tree } from "./parse.ts";
import { TemplateError } from "./token.ts";
import { isList, isMap, isTrue, keysOf, print, typeName, type Value, View } from "./value.ts";

/** Templates that call themselves stop here. */
const MAX_CALLS = 1000;

export interface ExecuteOptions {
  /** What `.Missing` of a map is: "no-value" prints <no value>, "error" fails. */
  readonly missingKey?: "no-value" | "error";
  /** What a nil prints as: "<nil>" where Go knows its type, "<no value>" where it does not. */
  readonly nil?: "<nil>" | "<no value>";
  /** Functions that stand in for the usual ones. */
  readonly functions?: Readonly<Record<string, TemplateFunction>>;
}

/** @throws TemplateError */
export function executeTemplate(tree: Tree, dot: Value, options: ExecuteOptions = {}): string {
  const run = new Execution(tree, options, dot, tree.name);
  run.list(tree.root, dot);
  return run.output;
}

/** Stands for "no final value" in a pipeline; nil is a value. */
const NONE = Symbol("no value yet");
type Final = Value | typeof NONE;

/** How a list ended: at its end, or by {{break}} or {{continue}}. */
type Flow = "on" | "break" | "continue";

class Execution {
  output = "";
  readonly #tree: Tree;
  readonly #options: ExecuteOptions;
  readonly #name: string;
  readonly #depth: number;
  readonly #variables: { readonly name: string; value: Value }[];

  constructor(tree: Tree, options: ExecuteOptions, dot: Value, name: string, depth = 0) {
    this.#tree = tree;
    this.#options = options;
    this.#name = name;
    this.#depth = depth;
    this.#variables = [{ name: "$", value: dot }];
  }

  list(nodes: readonly Node[], dot: Value): Flow {
    for (const node of nodes) {
      const flow = this.#node(node, dot);
      if (flow !== "on") return flow;
    }
    return "on";
  }

  #node(node: Node, dot: Value): Flow {
    switch (node.kind) {
      case "text":
        this.output += node.text;
        return "on";
      case "action": {
        const value = this.#pipe(node.pipe, dot);
        if (node.pipe.declared.length === 0) this.output += print(value, this.#options.nil);
        return "on";
      }
      case "if":
      case "with":
        return this.#scoped(() => {
          const value = this.#pipe(node.pipe, dot);
          if (isTrue(value)) return this.list(node.body, node.kind === "with" ? value : dot);
          return node.otherwise === undefined ? "on" : this.list(node.otherwise, dot);
        });
      case "range":
        return this.#scoped(() => this.#range(node, dot));
      case "template":
        this.#call(node, dot);
        return "on";
      case "break":
      case "continue":
        return node.kind;
    }
  }

  #scoped<T>(run: () => T): T {
    const depth = this.#variables.length;
    const result = run();
    this.#variables.length = depth;
    return result;
  }

  #range(node: Branch, dot: Value): Flow {
    const value = this.#evaluate(node.pipe, dot);
    const entries = this.#entries(value, node.pipe);
    for (const [key, item] of entries) {
      const flow = this.#scoped(() => {
        this.#assignLoop(node.pipe, key, item);
        return this.list(node.body, item);
      });
      if (flow === "break") break;
    }
    if (entries.length === 0 && node.otherwise !== undefined) return this.list(node.otherwise, dot);
    return "on";
  }

  #assignLoop(pipe: Pipe, key: Value, item: Value): void {
    const [first, second] = pipe.declared;
    if (first === undefined) return;
    const pairs: [string, Value][] =
      second === undefined
        ? [[first, item]]
        : [
            [first, key],
            [second, item],
          ];
    for (const [name, value] of pairs) this.#bind(name, value, pipe.assigns);
  }

  #entries(value: Value, pipe: Pipe): [Value, Value][] {
    if (isList(value)) return value.map((item, at): [Value, Value] => [at, item]);
    if (isMap(value)) return keysOf(value).map((key): [Value, Value] => [key, value[key]]);
    if (value === undefined || value === null) return [];
    if (typeof value === "number" && Number.isInteger(value) && value < 1e6)
      return Array.from({ length: Math.max(0, value) }, (_, at): [Value, Value] => [at, at]);
    throw this.#error(pipe, `range can't iterate over ${print(value)}`);
  }

  #call(node: Extract<Node, { kind: "template" }>, dot: Value): void {
    const where = {
      at: node.at,
      text: `{{template ${JSON.stringify(node.name)}${node.pipe === undefined ? "" : ` ${textOf(node.pipe)}`}}}`,
    };
    const body = this.#tree.definitions.get(node.name);
    if (body === undefined) throw this.#errorAt(where, `template ${JSON.stringify(node.name)} not defined`);
    if (this.#depth >= MAX_CALLS) throw this.#errorAt(where, `exceeded maximum template depth (${MAX_CALLS})`);
    const argument = node.pipe === undefined ? undefined : this.#pipe(node.pipe, dot);
    const inner = new Execution(this.#tree, this.#options, argument, node.name, this.#depth + 1);
    inner.list(body, argument);
    this.output += inner.output;
  }

  /** Value of a pipeline; sets the variables it declares. */
  #pipe(pipe: Pipe, dot: Value): Value {
    const value = this.#evaluate(pipe, dot);
    for (const name of pipe.declared) this.#bind(name, value, pipe.assigns);
    return value;
  }

  #bind(name: string, value: Value, assigns: boolean): void {
    const known = assigns ? this.#variables.findLast((variable) => variable.name === name) : undefined;
    if (known === undefined) this.#variables.push({ name, value });
    else known.value = value;
  }

  #evaluate(pipe: Pipe, dot: Value): Value {
    let value: Final = NONE;
    for (const command of pipe.commands) value = this.#command(command, dot, value);
    return value === NONE ? undefined : value;
  }

  #command(command: Command, dot: Value, final: Final): Value {
    const [first, ...rest] = command.args;
    if (first === undefined) return undefined;
    switch (first.kind) {
      case "field":
        return this.#path(first, dot, first.path, rest, dot, final);
      case "chain":
        return this.#path(first, this.#term(first.base, dot), first.path, rest, dot, final);
      case "variable":
        return this.#path(first, this.#variable(first.name), first.path, rest, dot, final);
      case "function":
        return this.#function(first.name, first, command, rest, dot, final);
      default:
        if (rest.length > 0 || final !== NONE)
          throw this.#error(first, `can't give argument to non-function ${textOf(first)}`);
        if (first.kind === "nil") throw this.#error(first, "nil is not a command");
        return this.#term(first, dot);
    }
  }

  /** A term as an argument. */
  #term(term: Term, dot: Value): Value {
    switch (term.kind) {
      case "dot":
        return dot;
      case "nil":
        return null;
      case "bool":
      case "number":
      case "string":
        return term.value;
      case "field":
        return this.#path(term, dot, term.path, [], dot, NONE);
      case "variable":
        return this.#path(term, this.#variable(term.name), term.path, [], dot, NONE);
      case "chain":
        return this.#path(term, this.#term(term.base, dot), term.path, [], dot, NONE);
      case "function":
        return this.#function(term.name, term, term, [], dot, NONE);
      case "pipe":
        return this.#pipe(term, dot);
    }
  }

  #variable(name: string): Value {
    return this.#variables.findLast((variable) => variable.name === name)?.value;
  }

  #path(node: Term, start: Value, path: readonly string[], args: readonly Term[], dot: Value, final: Final): Value {
    const last = path.length - 1;
    const value = path.reduce<Value>((receiver, name, at) => {
      const call = at === last && (args.length > 0 || final !== NONE);
      const typed = at > 0 && start instanceof View;
      return call ? this.#method(node, receiver, name, args, dot, final) : this.#field(node, receiver, name, typed);
    }, start);
    if (path.length === 0 && (args.length > 0 || final !== NONE))
      throw this.#error(node, `can't give argument to non-function ${textOf(node)}`);
    return value;
  }

  #method(node: Term, receiver: Value, name: string, args: readonly Term[], dot: Value, final: Final): Value {
    const method =
      receiver instanceof View && Object.hasOwn(receiver.methods, name) ? receiver.methods[name] : undefined;
    const values = [...args.map((arg) => this.#term(arg, dot)), ...(final === NONE ? [] : [final])];
    if (method === undefined) {
      if (isMap(receiver)) throw this.#error(node, `${name} is not a method but has arguments`);
      this.#field(node, receiver, name, true);
      throw this.#error(node, `${name} has arguments but cannot be invoked as function`);
    }
    const [argument] = values;
    if (values.length !== 1) throw this.#error(node, `wrong number of args for ${name}: want 1 got ${values.length}`);
    if (typeof argument !== "string")
      throw this.#error(node, `wrong type for value; expected string; got ${typeName(argument)}`);
    return method(argument);
  }

  #field(node: Term, receiver: Value, name: string, typed: boolean): Value {
    try {
      return fieldOf(receiver, name, { typed, missingKey: this.#options.missingKey ?? "no-value" });
    } catch (thrown) {
      if (thrown instanceof CallError) throw this.#error(node, thrown.message);
      throw thrown;
    }
  }

  #function(name: string, node: Term, call: Term | Command, args: readonly Term[], dot: Value, final: Final): Value {
    if (name === "and" || name === "or") return this.#shortCircuit(name, node, args, dot, final);
    const callee = this.#options.functions?.[name] ?? FUNCTIONS[name];
    if (callee === undefined) throw this.#error(node, `${JSON.stringify(name)} is not a defined function`);
    const count = args.length + (final === NONE ? 0 : 1);
    if (count < callee.min || count > callee.max) {
      const want = callee.max === callee.min ? String(callee.min) : `at least ${callee.min}`;
      throw this.#error(node, `wrong number of args for ${name}: want ${want} got ${count}`);
    }
    const values = [...args.map((arg) => this.#term(arg, dot)), ...(final === NONE ? [] : [final])];
    for (const [at, value] of values.entries())
      this.#checkType(callee.wants?.[at], value, args[at], args.at(-1) ?? node);
    try {
      return callee.call(values);
    } catch (thrown) {
      if (thrown instanceof CallError) throw this.#error(call, `error calling ${name}: ${thrown.message}`);
      throw thrown;
    }
  }

  #checkType(wanted: "string" | "int" | undefined, value: Value, written: Term | undefined, last: Term): void {
    const node = written ?? last;
    if (wanted === undefined) return;
    if (value === undefined || value === null) throw this.#error(node, `invalid value; expected ${wanted}`);
    const right = wanted === "string" ? typeof value === "string" : Number.isInteger(value);
    const literal = written !== undefined && ["string", "number", "bool"].includes(written.kind);
    if (!right && literal)
      throw this.#error(node, `expected ${wanted === "int" ? "integer" : wanted}; found ${textOf(node)}`);
    if (!right) throw this.#error(node, `wrong type for value; expected ${wanted}; got ${typeName(value)}`);
  }

  #shortCircuit(name: "and" | "or", node: Term, args: readonly Term[], dot: Value, final: Final): Value {
    if (args.length === 0 && final === NONE)
      throw this.#error(node, `wrong number of args for ${name}: want at least 1 got 0`);
    let value: Value;
    for (const arg of args) {
      value = this.#term(arg, dot);
      if (isTrue(value) === (name === "or")) return value;
    }
    return final === NONE ? value : final;
  }

  #error(node: Term | Command, message: string): TemplateError {
    return this.#errorAt({ at: node.at, text: textOf(node) }, message);
  }

  #errorAt(node: { readonly at: number; readonly text: string }, message: string): TemplateError {
    const before = this.#tree.source.slice(0, node.at);
    const line = before.split("\n").length;
    const column = node.at - (before.lastIndexOf("\n") + 1);
    return new TemplateError(
      `template: ${this.#tree.name}:${line}:${column}: executing ${JSON.stringify(this.#name)} at <${node.text}>: ${message}`,
    );
  }
}
