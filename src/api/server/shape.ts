// What a JSON body must look like, checked as Go's encoding/json does it, which Docker's clients are written against:
// names match whatever their case, unknown names are passed over, null leaves a field out, and a value of the wrong
// type is an error that names the field.

import { HoyError } from "../../base/error.ts";

/** A checker: gives the value in its right form, or throws what is wrong at `path`. */
export interface Shape<T> {
  /** As Go names the type: "int64", "string", "bool", "map[string]string". */
  readonly go: string;
  /** null is a value, told from an absent one; elsewhere null leaves a field out. */
  readonly keepsNull?: boolean;
  read(value: unknown, path: string, depth: number): T;
}

/** @throws HoyError "invalid" "invalid JSON: json: cannot unmarshal …". */
export function decode<T>(value: unknown, shape: Shape<T>): T {
  return shape.read(value, "", 0);
}

function primitive<T>(go: string, is: (value: unknown) => value is T): Shape<T> {
  return {
    go,
    read(value, path) {
      if (is(value)) return value;
      throw wrong(value, path, go);
    },
  };
}

export const text: Shape<string> = primitive("string", (v): v is string => typeof v === "string");
export const bool: Shape<boolean> = primitive("bool", (v): v is boolean => typeof v === "boolean");
/** Whole numbers of 64 bits; beyond 2^53 the last digits round, as in JavaScript's own JSON. */
export const int: Shape<number> = primitive(
  "int64",
  (v): v is number => typeof v === "number" && Number.isInteger(v) && Math.abs(v) <= 2 ** 63,
);
/** Anything at all; bounded by the body's size. */
export const anything: Shape<unknown> = { go: "interface{}", read: (value) => value };

export function list<T>(item: Shape<T>): Shape<T[]> {
  const go = `[]${item.go}`;
  return {
    go,
    read(value, path, depth) {
      if (!Array.isArray(value)) throw wrong(value, path, go);
      return value
        .filter((each) => each !== null || item.keepsNull === true)
        .map((each) => item.read(each, path, deeper(depth)));
    },
  };
}

export function map<T>(item: Shape<T>): Shape<Record<string, T>> {
  const go = `map[string]${item.go}`;
  return {
    go,
    read(value, path, depth) {
      if (!isObject(value)) throw wrong(value, path, go);
      const out: Record<string, T> = Object.create(null);
      for (const [key, each] of Object.entries(value)) {
        if (each !== null || item.keepsNull === true) out[key] = item.read(each, path, deeper(depth));
      }
      return out;
    },
  };
}

/** Keeps null, where it is a value that means something. */
export function nullable<T>(item: Shape<T>): Shape<T | null> {
  return {
    go: item.go,
    keepsNull: true,
    read: (value, path, depth) => (value === null ? null : item.read(value, path, depth)),
  };
}

/** A string of which the engine, not the decoder, says which words it may be. */
export function word<T extends string>(): Shape<T> {
  return text as unknown as Shape<T>;
}

/** A shape for each field of T, none left out: a field added to the wire type is an error here until it is read. */
export type Fields<T> = { readonly [K in keyof T]-?: Shape<NonNullable<T[K]>> | Shape<Exclude<T[K], undefined>> };

/** An object; `name` is Go's type name, for errors. */
export function object<T extends object>(name: string, fields: Fields<T>): Shape<T> {
  const byFold = new Map(Object.keys(fields).map((key) => [key.toLowerCase(), key]));
  return {
    go: name,
    read(value, path, depth) {
      if (!isObject(value)) throw wrong(value, path, name);
      const out: Record<string, unknown> = {};
      for (const [given, each] of Object.entries(value)) {
        const key = byFold.get(given.toLowerCase());
        if (key === undefined) continue;
        const shape = (fields as Record<string, Shape<unknown>>)[key];
        if (shape === undefined) continue;
        const where = path === "" ? `${name}.${key}` : `${path}.${key}`;
        if (each !== null || shape.keepsNull === true) out[key] = shape.read(each, where, deeper(depth));
      }
      return out as T;
    },
  };
}

const MAX_DEPTH = 64;

function deeper(depth: number): number {
  if (depth >= MAX_DEPTH) throw new HoyError("invalid", "invalid JSON: nested too deeply");
  return depth + 1;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrong(value: unknown, path: string, go: string): HoyError {
  const kind =
    value === null
      ? "null"
      : Array.isArray(value)
        ? "array"
        : typeof value === "number" && go.startsWith("int")
          ? `number ${value}`
          : typeof value === "boolean"
            ? "bool"
            : typeof value;
  const where = path === "" ? "Go value" : `Go struct field ${path}`;
  return new HoyError("invalid", `invalid JSON: json: cannot unmarshal ${kind} into ${where} of type ${go}`);
}
