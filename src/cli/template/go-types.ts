// What JSON does not say of a value and Go's types do: that an object is a map (any key may be asked for) or a struct
// (printed by its fields in order), that something empty was nil. Kept beside the values, which stay plain.

import type { Value } from "./value.ts";

const maps = new WeakMap<object, Value>();
const structs = new WeakMap<object, readonly string[]>();
const nils = new WeakSet<object>();

/** A Go map; `zero` is what `index` gives for a key that is not there. */
export function markMap<T extends object>(value: T, zero: Value): T {
  maps.set(value, zero);
  return value;
}

/** A Go struct of these fields; those that JSON left out are empty. */
export function markStruct<T extends object>(value: T, fields: readonly string[]): T {
  structs.set(value, fields);
  return value;
}

/** Empty, and null in JSON. */
export function markNil<T extends object>(value: T): T {
  nils.add(value);
  return value;
}

const isObject = (value: Value): value is object & Value => typeof value === "object" && value !== null;

export const isGoMap = (value: Value): boolean => isObject(value) && maps.has(value);
export const zeroOf = (value: Value): Value => (isObject(value) ? maps.get(value) : undefined);
export const structFields = (value: Value): readonly string[] | undefined =>
  isObject(value) ? structs.get(value) : undefined;
export const wasNil = (value: Value): boolean => isObject(value) && nils.has(value);
