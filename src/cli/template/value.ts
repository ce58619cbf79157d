// Values that templates work on, and how Go would print, test and compare them. JSON's own kinds stand for Go's:
// an object is a map, an array a slice, null is nil. `undefined` is Go's invalid value ("<no value>").
// What a list command shows is a View: named fields computed on demand, and methods.

import { isPointer, structParts, textOf } from "./go-types.ts";

export type Value =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Value[]
  | View
  | GoScalar
  | { readonly [key: string]: Value };

/** A plain value that prints in words of its own: a duration, a time. */
export class GoScalar {
  /** As JSON has it. */
  readonly value: Value;
  readonly text: string;

  constructor(value: Value, text: string) {
    this.value = value;
    this.text = text;
  }
}

/** Stands for a Go struct with methods (docker's formatter contexts). */
export class View {
  /** The Go type that messages name, e.g. "*formatter.ContainerContext". */
  readonly type: string;
  readonly fields: Readonly<Record<string, () => Value>>;
  readonly methods: Readonly<Record<string, (argument: string) => Value>>;
  /** A map with methods: a field that is not there is no value, and no error. */
  readonly open: boolean;
  /** What `json` prints instead of the fields. */
  readonly json: Value;

  constructor(
    type: string,
    fields: Readonly<Record<string, () => Value>>,
    methods: Readonly<Record<string, (argument: string) => Value>> = {},
    options: { readonly open?: boolean; readonly json?: Value } = {},
  ) {
    this.type = type;
    this.fields = fields;
    this.methods = methods;
    this.open = options.open ?? false;
    this.json = options.json;
  }
}

export function isMap(value: Value): value is { readonly [key: string]: Value } {
  return (
    typeof value === "object" &&
    value !== null &&
    !isList(value) &&
    !(value instanceof View) &&
    !(value instanceof GoScalar)
  );
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** Go's truth: empty, zero, nil and false are false; a struct is true. */
export function isTrue(value: Value): boolean {
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return structParts(value) !== undefined || Object.keys(value).length > 0;
  if (value instanceof GoScalar) return typeof value.value !== "number" || value.value !== 0;
  return value instanceof View || Boolean(value);
}

/** As fmt.Sprint shows it; `inside`: as a part of something else. */
export function show(value: Value, inside = false): string {
  if (value === undefined || value === null) return "<nil>";
  if (typeof value === "string") return value;
  if (typeof value === "number") return showNumber(value);
  if (typeof value === "boolean" || typeof value === "bigint") return String(value);
  if (value instanceof GoScalar) return value.text;
  if (isList(value)) return `[${value.map((item) => show(item, true)).join(" ")}]`;
  if (value instanceof View)
    return `{${Object.values(value.fields)
      .map((field) => show(field()))
      .join(" ")}}`;
  const parts = structParts(value);
  if (parts !== undefined) {
    const text = textOf(value);
    if (text !== undefined) return text;
    return `${inside && isPointer(value) ? "&" : ""}{${parts.map((part) => show(part, true)).join(" ")}}`;
  }
  return `map[${keysOf(value)
    .map((key) => `${key}:${show(value[key], true)}`)
    .join(" ")}]`;
}

/** As an action prints it: what is not there is "<no value>", and so is a nil whose type is not known. */
export function print(value: Value, nil: "<nil>" | "<no value>" = "<no value>"): string {
  if (value === null) return nil;
  return value === undefined ? "<no value>" : show(value);
}

/** Go's %v of a float64; whole numbers as integers, since JSON does not tell them apart. */
export function showNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER) return String(value);
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  if (exponent >= -5 && exponent < 21) return String(value);
  const [mantissa = "", power = "0"] = value.toExponential().split("e");
  return `${mantissa}e${power.startsWith("-") ? "-" : "+"}${power.replace(/^[+-]/, "").padStart(2, "0")}`;
}

/** Keys in Go's order of printing and ranging. */
export function keysOf(map: { readonly [key: string]: Value }): string[] {
  return Object.keys(map).sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
}

/** Name of the Go type that a value stands for, as messages have it. */
export function typeName(value: Value): string {
  if (value === undefined || value === null) return "nil";
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "int64";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float64";
  if (isList(value)) return "[]interface {}";
  if (value instanceof GoScalar) return typeof value.value === "number" ? "int64" : "time.Time";
  return value instanceof View ? value.type : "map[string]interface {}";
}
