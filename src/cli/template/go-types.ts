// What JSON does not say of a value and Go's types do: that an object is a map (any key may be asked for) or a struct
// (printed by its fields in order), that something empty was nil. Kept beside the values, which stay plain.

import type { Value } from "./value.ts";

const texts = new WeakMap<object, string>();
const pointers = new WeakSet<object>();
const sorted = new WeakSet<object>();
const maps = new WeakMap<object, Value>();
const structs = new WeakMap<object, { readonly parts: readonly Value[]; readonly type: string | undefined }>();
const nils = new WeakSet<object>();

/** A Go map; `zero` is what `index` gives for a key that is not there. */
export function markMap<T extends object>(value: T, zero: Value): T {
  maps.set(value, zero);
  return value;
}

/**
 * A Go struct: what is printed of it, in order.
 * @param type its name in Go, if a field that it does not have is an error that names it
 */
export function markStruct<T extends object>(value: T, parts: readonly Value[], type?: string): T {
  structs.set(value, { parts, type });
  return value;
}

/** Empty, and null in JSON. */
export function markNil<T extends object>(value: T): T {
  nils.add(value);
  return value;
}

/** Behind a pointer: inside of something else Go prints its address; here it is what is there, after a "&". */
export function markPointer<T extends object>(value: T): T {
  pointers.add(value);
  return value;
}

/** Its JSON is made by way of a map, and what is in it with it: sorted by keys. */
export function markSorted<T extends object>(value: T): T {
  sorted.add(value);
  return value;
}

/** It has a String method: what prints it, wherever it is. */
export function markText<T extends object>(value: T, text: string): T {
  texts.set(value, text);
  return value;
}

const isObject = (value: Value): value is object & Value => typeof value === "object" && value !== null;

export const isGoMap = (value: Value): boolean => isObject(value) && maps.has(value);
export const isSorted = (value: Value): boolean => isObject(value) && sorted.has(value);
export const zeroOf = (value: Value): Value => (isObject(value) ? maps.get(value) : undefined);
export const structParts = (value: Value): readonly Value[] | undefined =>
  isObject(value) ? structs.get(value)?.parts : undefined;
/** With "*" where a pointer leads to it. */
export const structName = (value: Value): string | undefined => {
  const type = isObject(value) ? structs.get(value)?.type : undefined;
  return type !== undefined && isPointer(value) ? `*${type}` : type;
};
export const wasNil = (value: Value): boolean => isObject(value) && nils.has(value);
export const isPointer = (value: Value): boolean => isObject(value) && pointers.has(value);
export const textOf = (value: Value): string | undefined => (isObject(value) ? texts.get(value) : undefined);
