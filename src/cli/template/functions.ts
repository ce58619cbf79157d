// The functions that a template may call: Go's own (eq, len, index, printf …) and docker's (json, join, pad …).
// `and` and `or` are not here: they stop early, which only the evaluator can do.

import { zeroOf } from "./go-types.ts";
import { toJson } from "./json.ts";
import { sprintf } from "./printf.ts";
import { GoScalar, isList, isMap, isTrue, show, typeName, type Value } from "./value.ts";

/** Thrown by a function; the evaluator adds the place and "error calling NAME". */
export class CallError extends Error {
  override readonly name = "CallError";
}

export interface TemplateFunction {
  readonly min: number;
  readonly max: number;
  /** Go types wanted, by position; absent: any. */
  readonly wants?: readonly ("string" | "int" | undefined)[];
  call(args: readonly Value[]): Value;
}

const one = (call: (value: Value) => Value): TemplateFunction => ({ min: 1, max: 1, call: ([value]) => call(value) });
const onText = (call: (text: string) => Value): TemplateFunction => ({
  ...one((value) => call(String(value))),
  wants: ["string"],
});
const any = (call: (args: readonly Value[]) => Value, min = 0): TemplateFunction => ({
  min,
  max: Number.POSITIVE_INFINITY,
  call,
});

export const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  // docker's
  json: one(toJson),
  lower: onText((text) => text.toLowerCase()),
  upper: onText((text) => text.toUpperCase()),
  title: onText((text) =>
    text.replaceAll(
      /(^|[^\p{L}\p{N}_'])(\p{L})/gu,
      (_, before: string, letter: string) => before + letter.toUpperCase(),
    ),
  ),
  split: { min: 2, max: 2, wants: ["string", "string"], call: ([text, by]) => splitText(String(text), String(by)) },
  join: { min: 2, max: 2, wants: [undefined, "string"], call: ([list, by]) => join(list, String(by)) },
  pad: {
    min: 3,
    max: 3,
    wants: ["string", "int", "int"],
    call: ([text, before, after]) =>
      text === ""
        ? ""
        : " ".repeat(Math.max(0, Number(before))) + String(text) + " ".repeat(Math.max(0, Number(after))),
  },
  truncate: {
    min: 2,
    max: 2,
    wants: ["string", "int"],
    call: ([text, length]) => {
      const bytes = Buffer.from(String(text));
      return bytes.length < Number(length) ? String(text) : bytes.subarray(0, Math.max(0, Number(length))).toString();
    },
  },

  // Go's
  not: one((value) => !isTrue(value)),
  len: one(length),
  index: any(([value, ...keys]) => keys.reduce<Value>(index, value), 1),
  slice: any(([value, ...bounds]) => slice(value, bounds), 1),
  print: any((args) => sprint(args)),
  println: any((args) => `${args.map(showArgument).join(" ")}\n`),
  printf: { ...any(([format, ...rest]) => sprintf(String(format), rest), 1), wants: ["string"] },
  html: any((args) => escapeHtml(sprint(args))),
  js: any((args) => escapeJs(sprint(args))),
  urlquery: any((args) => urlQuery(sprint(args))),
  call: any(([callee]) => {
    throw new CallError(
      callee === null || callee === undefined ? "call of nil" : `non-function of type ${typeName(callee)}`,
    );
  }, 1),
  eq: {
    ...any(([left, ...rest]) => {
      if (rest.length === 0) throw new CallError("missing argument for comparison");
      return rest.some((right) => equal(left, right));
    }, 1),
  },
  ne: { min: 2, max: 2, call: ([left, right]) => !equal(left, right) },
  lt: { min: 2, max: 2, call: ([left, right]) => less(left, right) },
  le: { min: 2, max: 2, call: ([left, right]) => less(left, right) || equal(left, right) },
  gt: { min: 2, max: 2, call: ([left, right]) => !less(left, right) && !equal(left, right) },
  ge: { min: 2, max: 2, call: ([left, right]) => !less(left, right) },
};

/** In a table's header line, functions that would change the text leave it alone (pad keeps the columns). */
export const HEADER_FUNCTIONS: Readonly<Record<string, TemplateFunction>> = Object.fromEntries(
  ["json", "lower", "upper", "title"]
    .map((name): [string, TemplateFunction] => [name, one((value) => value)])
    .concat(
      ["split", "join", "truncate"].map((name): [string, TemplateFunction] => [
        name,
        { min: 2, max: 2, call: ([value]) => value },
      ]),
    ),
);

export const FUNCTION_NAMES: ReadonlySet<string> = new Set([...Object.keys(FUNCTIONS), "and", "or"]);

const showArgument = (value: Value) => (value === undefined || value === null ? "<nil>" : show(value, true));

/** fmt.Sprint: a space between two operands when neither is a string. */
function sprint(args: readonly Value[]): string {
  return args.reduce<string>((text, value, at) => {
    const gap = at > 0 && typeof value !== "string" && typeof args[at - 1] !== "string";
    return text + (gap ? " " : "") + showArgument(value);
  }, "");
}

function splitText(text: string, by: string): string[] {
  return by === "" ? [...text] : text.split(by);
}

function join(value: Value, by: string): string {
  if (value === undefined || value === null) return "";
  if (isList(value)) return value.map(showArgument).join(by);
  if (isMap(value)) return Object.values(value).map(showArgument).sort().join(by);
  throw new CallError(`expected slice, got ${typeName(value)}`);
}

function length(value: Value): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (isList(value)) return value.length;
  if (isMap(value)) return Object.keys(value).length;
  if (value === undefined || value === null) throw new CallError("len of nil pointer");
  throw new CallError(`len of type ${typeName(value)}`);
}

function index(value: Value, key: Value): Value {
  if (value === undefined || value === null) throw new CallError("index of untyped nil");
  if (isMap(value)) {
    if (typeof key !== "string") throw new CallError(`value has type ${typeName(key)}; should be string`);
    return Object.hasOwn(value, key) ? value[key] : zeroOf(value);
  }
  if (!isList(value) && typeof value !== "string") throw new CallError(`can't index item of type ${typeName(value)}`);
  if (typeof key !== "number") throw new CallError(`cannot index slice/array with type ${typeName(key)}`);
  const size = typeof value === "string" ? Buffer.byteLength(value) : value.length;
  if (key < 0 || key >= size) throw new CallError(`index out of range: ${key}`);
  return typeof value === "string" ? Buffer.from(value)[key] : value[key];
}

function slice(value: Value, bounds: readonly Value[]): Value {
  if (value === undefined || value === null) throw new CallError("slice of untyped nil");
  if (bounds.length > 3) throw new CallError(`too many slice indexes: ${bounds.length}`);
  if (typeof value !== "string" && !isList(value)) throw new CallError(`can't slice item of type ${typeName(value)}`);
  if (typeof value === "string" && bounds.length === 3) throw new CallError("cannot 3-index slice a string");
  const body = typeof value === "string" ? Buffer.from(value) : value;
  const [from = 0, to = body.length] = bounds.map((bound) => {
    if (typeof bound !== "number") throw new CallError(`cannot index slice/array with type ${typeName(bound)}`);
    if (bound < 0 || bound > body.length) throw new CallError(`index out of range: ${bound}`);
    return bound;
  });
  if (from > to) throw new CallError(`invalid slice index: ${from} > ${to}`);
  return Buffer.isBuffer(body) ? body.subarray(from, to).toString() : (body as readonly Value[]).slice(from, to);
}

/** Durations compare as the numbers that they are. */
const plain = (value: Value) => (value instanceof GoScalar ? value.value : value);

function kindOf(value: Value): "string" | "number" | "bool" | "nil" | "other" {
  if (value === undefined || value === null) return "nil";
  if (typeof value === "string") return "string";
  if (typeof value === "number") return "number";
  return typeof value === "boolean" ? "bool" : "other";
}

function equal(first: Value, second: Value): boolean {
  const [left, right] = [plain(first), plain(second)];
  const [kind, other] = [kindOf(left), kindOf(right)];
  if (kind === "nil" || other === "nil") return kind === other;
  if (kind === "other" || other === "other")
    throw new CallError(
      `non-comparable type ${show(kind === "other" ? left : right)}: ${typeName(kind === "other" ? left : right)}`,
    );
  if (kind !== other) throw new CallError("incompatible types for comparison");
  return left === right;
}

function less(first: Value, second: Value): boolean {
  const [left, right] = [plain(first), plain(second)];
  if (typeof left === "number" && typeof right === "number") return left < right;
  if (typeof left === "string" && typeof right === "string")
    return Buffer.compare(Buffer.from(left), Buffer.from(right)) < 0;
  if (kindOf(left) !== kindOf(right)) throw new CallError("incompatible types for comparison");
  throw new CallError("invalid type for comparison");
}

const HTML: Record<string, string> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  '"': "&#34;",
  "'": "&#39;",
  "\0": "\ufffd",
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[<>&"'\0]/g, (sign) => HTML[sign] ?? sign);
}

function escapeJs(text: string): string {
  return text.replaceAll(/[\\'"<>&=\p{Cc}]/gu, (sign) =>
    /[\\'"]/.test(sign) ? `\\${sign}` : `\\u${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
  );
}

function urlQuery(text: string): string {
  return encodeURIComponent(text)
    .replaceAll("%20", "+")
    .replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}
