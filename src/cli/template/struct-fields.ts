// Reads go-structs.ts: a struct's fields with their types, when a template first asks for them.

import { STRUCTS } from "./go-structs.ts";

export type GoType =
  | { readonly kind: "string" | "int" | "bool" | "any" | "set" | "pair" | "bytes" | "filemode" | "duration" | "time" }
  | { readonly kind: "list" | "map" | "pointer"; readonly of: GoType }
  | { readonly kind: "struct"; readonly name: string };

export interface Field {
  readonly json: string;
  readonly go: string;
  readonly type: GoType;
  /** Left out of JSON when it is empty. */
  readonly optional: boolean;
  readonly embedded: boolean;
}

const read = new Map<string, readonly Field[]>();

/** In Go's order; none for a name that is not in the table. */
export function fieldsOf(name: string): readonly Field[] {
  const known = read.get(name);
  if (known !== undefined) return known;
  const fields = (STRUCTS[name] ?? "").split(",").flatMap((text) => {
    const [label = "", ...type] = text.trim().split(/\s+/);
    if (label === "") return [];
    const [json = "", go = json] = label.replace(/^\+|\?$/g, "").split(":");
    const [optional, embedded] = [label.endsWith("?"), label.startsWith("+")];
    return [{ json, go, type: readType(type.join(" ")), optional, embedded }];
  });
  read.set(name, fields);
  return fields;
}

const PLAIN = ["string", "int", "bool", "any", "set", "pair", "bytes", "filemode", "duration", "time"] as const;

function readType(text: string): GoType {
  const plain = PLAIN.find((kind) => kind === text);
  if (plain !== undefined) return { kind: plain };
  if (text.startsWith("[]")) return { kind: "list", of: readType(text.slice(2)) };
  if (text.startsWith("map ")) return { kind: "map", of: readType(text.slice(4)) };
  if (text.startsWith("*")) return { kind: "pointer", of: readType(text.slice(1)) };
  return { kind: "struct", name: text };
}
