// Messages read and written by a table of their fields, for a client that lives for some tens of milliseconds: the generated
// descriptions (gen/) take a third of that to be read. What is read has the shape that the generated code gives it, which the
// tests compare; fields that a table leaves out are passed over.

import { HoyError } from "../../../base/error.ts";
import { LENGTH, VARINT, WireReader } from "./wire.ts";

export interface LightMessage {
  /** As in the .proto file. */
  readonly name: string;
  /** By number. */
  readonly fields: Readonly<Record<number, LightField>>;
}

export type LightField =
  | { readonly name: string; readonly kind: "string" | "bytes" | "bool" | "int32" | "int64"; readonly many?: true }
  /** string to string */
  | { readonly name: string; readonly kind: "map" }
  | { readonly name: string; readonly kind: "message"; readonly of: LightMessage; readonly many?: true };

const MAX_DEPTH = 20;
const ENTRY: LightMessage = {
  name: "",
  fields: { 1: { name: "key", kind: "string" }, 2: { name: "value", kind: "string" } },
};

type Values = Record<string, unknown>;

/** @throws HoyError "invalid" for what is no message. */
export function readLight(message: LightMessage, bytes: Uint8Array, depth = 0): Values {
  if (depth > MAX_DEPTH) throw notAMessage(message);
  const reader = new WireReader(bytes, () => notAMessage(message));
  const values = emptyOf(message);
  while (!reader.done) {
    const tag = reader.varint();
    const field = message.fields[Math.floor(tag / 8)];
    if (field === undefined) {
      reader.skip(tag);
      continue;
    }
    const isNumber = field.kind === "bool" || field.kind === "int32" || field.kind === "int64";
    if (tag % 8 !== (isNumber ? VARINT : LENGTH)) throw notAMessage(message);
    take(values, field, reader, depth);
  }
  return values;
}

function take(values: Values, field: LightField, reader: WireReader, depth: number): void {
  if (field.kind === "map") {
    const { key, value } = readLight(ENTRY, reader.bytes(), depth + 1) as { key: string; value: string };
    // Not by assignment: a key may be "__proto__".
    Object.defineProperty(values[field.name], key, { value, enumerable: true, configurable: true, writable: true });
    return;
  }
  const value = field.kind === "message" ? readLight(field.of, reader.bytes(), depth + 1) : scalar(field.kind, reader);
  if (field.many === true) (values[field.name] as unknown[]).push(value);
  else values[field.name] = value;
}

/** What a message is of which nothing was written. */
function emptyOf({ name, fields }: LightMessage): Values {
  const values: Values = name === "" ? {} : { $typeName: name };
  for (const field of Object.values(fields)) {
    if (field.kind === "map") values[field.name] = {};
    else if (field.many === true) values[field.name] = [];
    else if (field.kind !== "message") values[field.name] = EMPTY[field.kind];
  }
  return values;
}

const EMPTY = { string: "", bytes: new Uint8Array(0), bool: false, int32: 0, int64: 0n } as const;

function scalar(kind: keyof typeof EMPTY, reader: WireReader): unknown {
  if (kind === "string") return Buffer.from(reader.bytes()).toString();
  if (kind === "bytes") return Uint8Array.from(reader.bytes());
  const value = reader.int64();
  if (kind === "bool") return value !== 0n;
  return kind === "int64" ? value : Number(BigInt.asIntN(32, value));
}

function notAMessage({ name }: LightMessage): HoyError {
  return new HoyError("invalid", `not a ${name}`);
}

/** Whatever is not given, or is what is read where nothing was written, is left out. */
export function writeLight({ fields }: LightMessage, values: object): Buffer {
  const pieces: Uint8Array[] = [];
  for (const [number, field] of Object.entries(fields)) {
    const value = (values as Values)[field.name];
    if (value === undefined) continue;
    for (const one of each(field, value)) {
      const bytes = bytesOf(field, one);
      const tag = Number(number) * 8;
      if (typeof bytes === "bigint") pieces.push(varint(BigInt(tag + VARINT)), varint(bytes));
      else pieces.push(varint(BigInt(tag + LENGTH)), varint(BigInt(bytes.length)), bytes);
    }
  }
  return Buffer.concat(pieces);
}

function each(field: LightField, value: unknown): readonly unknown[] {
  if (field.kind === "map") return Object.entries(value as object).map(([key, of]) => ({ key, value: of }));
  if (field.many === true) return value as unknown[];
  const isEmpty = field.kind !== "message" && (value === EMPTY[field.kind] || (value as Uint8Array).length === 0);
  return isEmpty ? [] : [value];
}

/** A number, or what a length stands before. */
function bytesOf(field: LightField, value: unknown): Uint8Array | bigint {
  switch (field.kind) {
    case "string":
      return Buffer.from(value as string);
    case "bytes":
      return value as Uint8Array;
    case "map":
      // An entry has both, also where they are empty.
      return Buffer.concat(
        ["key", "value"].flatMap((name, index) => text(index + 1, (value as Values)[name] as string)),
      );
    case "message":
      return writeLight(field.of, value as object);
    default:
      return BigInt.asUintN(64, BigInt(value as number | bigint | boolean));
  }
}

function text(number: number, value: string): Uint8Array[] {
  const bytes = Buffer.from(value);
  return [varint(BigInt(number * 8 + LENGTH)), varint(BigInt(bytes.length)), bytes];
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
