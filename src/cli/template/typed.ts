// API objects in templates. Docker runs a template over Go structs first: a field that JSON leaves out has its zero value
// ({{if .State.Health}} is no error), names are Go's (.ID, where JSON says Id), and what is printed whole has the fields
// in their order. Where a template does not fit the structs, it is run over the JSON. Here one value serves both: Go's
// names are hidden beside JSON's, and fields that neither knows are errors as there.

import { GO_TYPES } from "./go-structs.ts";
import { markMap, markNil, markPointer, markSorted, markStruct, markText } from "./go-types.ts";
import { goDuration, goFileMode, goTime } from "./go-units.ts";
import { fieldsOf, type GoType } from "./struct-fields.ts";
import { GoScalar, isList, isMap, type Value } from "./value.ts";

/** Structs that say themselves how they are printed, wherever they are. */
const TEXTS: Readonly<Record<string, (value: Readonly<Record<string, Value>>) => string>> = {
  Ulimit: ({ Name, Soft, Hard }) => `${Name}=${Soft}:${Hard}`,
  WeightDevice: ({ Path, Weight }) => `${Path}:${Weight}`,
  ThrottleDevice: ({ Path, Rate }) => `${Path}:${Rate}`,
};

/** They marshal themselves, as maps. */
const SORTED = new Set(["ServiceConfig"]);

/** @param struct a name in go-structs.ts; what is no such object stays as it came */
export function typed(value: Value, struct: string): Value {
  return build(value, { kind: "struct", name: struct });
}

/** Fields of a struct that templates may name, Go's spellings too. */
export function fieldNames(value: Value): readonly string[] {
  return isMap(value) ? Object.getOwnPropertyNames(value) : [];
}

function build(value: Value, type: GoType): Value {
  switch (type.kind) {
    case "any":
      return value ?? null;
    case "string":
      return value ?? "";
    case "int":
      return value ?? 0;
    case "bool":
      return value ?? false;
    case "pair":
      return value ?? [0, 0];
    case "duration":
      return typeof (value ?? 0) === "number" ? new GoScalar(value ?? 0, goDuration(Number(value ?? 0))) : value;
    case "filemode":
      return new GoScalar(value ?? 0, goFileMode(Number(value ?? 0)));
    case "bytes":
      return new GoScalar(value ?? null, `[${[...Buffer.from(String(value ?? ""), "base64")].join(" ")}]`);
    case "time":
      return buildTime(String(value ?? ZERO_TIME));
    case "list":
      if (value === undefined || value === null) return markNil([]);
      return isList(value) ? value.map((item) => build(item, type.of)) : value;
    case "map":
      return buildMap(value, type.of);
    case "set":
      return buildMap(value, EMPTY);
    case "pointer": {
      if (value === undefined || value === null) return null;
      const target = build(value, type.of);
      return isMap(target) ? markPointer(target) : target;
    }
    case "struct":
      return buildStruct(value, type.name);
  }
}

/** Go writes no zeros at a fraction's end. */
function buildTime(text: string): GoScalar {
  return new GoScalar(text.replace(/(\.\d*?)0+(?=[Zz+-])/, "$1").replace(/\.(?=[Zz+-])/, ""), goTime(text));
}

const ZERO_TIME = "0001-01-01T00:00:00Z";
const EMPTY: GoType = { kind: "struct", name: "" };

function buildMap(value: Value, of: GoType): Value {
  const zero = build(undefined, of);
  if (value === undefined || value === null) return markNil(markMap({}, zero));
  if (!isMap(value)) return value;
  return markMap(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, build(item, of)])), zero);
}

function buildStruct(value: Value, name: string): Value {
  if (value !== undefined && value !== null && !isMap(value)) return value;
  const copy: Record<string, Value> = {};
  fill(copy, value ?? {}, name);
  // What only this engine sends comes last.
  for (const [key, item] of Object.entries(value ?? {})) if (!Object.hasOwn(copy, key)) copy[key] = item;
  return copy;
}

/** Puts a struct's fields into `copy`, and its marks on it. */
function fill(copy: Record<string, Value>, source: Readonly<Record<string, Value>>, name: string): void {
  const fields = fieldsOf(name);
  // By themselves: an embedded struct may be called as one of its fields.
  const parts = new Map<string, Value>();
  for (const { json, go, type, optional, embedded } of fields) {
    if (embedded) {
      const part = embed(copy, source, type);
      parts.set(go, part);
      hide(copy, go, part);
      continue;
    }
    const item = build(source[json], type);
    if (optional && isEmpty(item, type)) hide(copy, json, item);
    else copy[json] = item;
    if (go !== json) hide(copy, go, item);
  }
  markStruct(
    copy,
    fields.map(({ go, embedded }) => (embedded ? parts.get(go) : copy[go])),
    GO_TYPES[name],
  );
  if (SORTED.has(name)) markSorted(copy);
  const text = TEXTS[name];
  if (text !== undefined) markText(copy, text(copy));
}

/** The embedded struct as a value of its own; its fields are the outer's as well. */
function embed(outer: Record<string, Value>, source: Readonly<Record<string, Value>>, type: GoType): Value {
  const struct = type.kind === "pointer" ? type.of : type;
  if (struct.kind !== "struct") return null;
  const inner: Record<string, Value> = {};
  fill(inner, source, struct.name);
  for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(inner)))
    if (!Object.hasOwn(outer, key)) Object.defineProperty(outer, key, property);
  return type.kind === "pointer" ? markPointer(inner) : inner;
}

/** What Go's encoding/json takes as empty; a struct never is. */
function isEmpty(value: Value, type: GoType): boolean {
  if (value instanceof GoScalar) return type.kind !== "time" && !value.value;
  if (isList(value)) return value.length === 0;
  if (isMap(value)) return type.kind !== "struct" && type.kind !== "pointer" && Object.keys(value).length === 0;
  if (type.kind === "any") return value === null;
  return value === null || (type.kind !== "pointer" && !value);
}

/** There for templates that name it, not for printing and ranging. */
function hide(target: Record<string, Value>, name: string, value: Value): void {
  if (!Object.hasOwn(target, name)) Object.defineProperty(target, name, { value, enumerable: false });
}
