// `.Name` of a value, by Go's rules for structs, maps and nil.

import { CallError } from "./functions.ts";
import { isGoMap, structName } from "./go-types.ts";
import { isMap, typeName, type Value, View } from "./value.ts";

export interface FieldOptions {
  /** The receiver came from a view, so Go knows its type; else it is an interface {}. */
  readonly typed: boolean;
  readonly missingKey: "no-value" | "error";
}

/** @throws CallError in Go's words; the evaluator adds the place. */
export function fieldOf(receiver: Value, name: string, options: FieldOptions): Value {
  if (receiver instanceof View) return fieldOfView(receiver, name);
  if (isMap(receiver)) {
    if (Object.hasOwn(receiver, name)) return receiver[name];
    if (isGoMap(receiver)) return undefined;
    const type = structName(receiver);
    if (type !== undefined) throw new CallError(`can't evaluate field ${name} in type ${type}`);
    if (options.missingKey === "error") throw new CallError(`map has no entry for key ${JSON.stringify(name)}`);
    return undefined;
  }
  // Of a map's missing key, all fields are missing.
  if (receiver === undefined) return undefined;
  if (receiver === null) throw new CallError(`nil pointer evaluating interface {}.${name}`);
  throw new CallError(`can't evaluate field ${name} in type ${options.typed ? typeName(receiver) : "interface {}"}`);
}

function fieldOfView(view: View, name: string): Value {
  const field = Object.hasOwn(view.fields, name) ? view.fields[name] : undefined;
  if (field !== undefined) return field();
  if (Object.hasOwn(view.methods, name)) throw new CallError(`wrong number of args for ${name}: want 1 got 0`);
  if (view.open) return undefined;
  throw new CallError(`can't evaluate field ${name} in type ${view.type}`);
}
