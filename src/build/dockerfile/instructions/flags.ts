// Flags of instructions: `--name=value`, `--name`. Which there are is the instruction's to say; errors in BuildKit's
// words (frontend/dockerfile/instructions/bflag.go).

import { Fault, withSuggestion } from "../fault.ts";

/** A switch, one value, or a value each time it is given. */
export type FlagKind = "boolean" | "string" | "strings";

export class Flags {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  /** "" when not given. */
  text(name: string): string {
    return this.#values.get(name)?.[0] ?? "";
  }

  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** undefined when not given. */
  switch(name: string): boolean | undefined {
    const value = this.#values.get(name)?.[0];
    return value === undefined ? undefined : value === "true";
  }

  isOn(name: string): boolean {
    return this.switch(name) ?? false;
  }
}

/** @throws Fault */
export function readFlags(given: readonly string[], known: Readonly<Record<string, FlagKind>>): Flags {
  const values = new Map<string, string[]>();
  for (const flag of given) {
    const sign = flag.indexOf("=");
    const dashed = sign < 0 ? flag : flag.slice(0, sign);
    const value = sign < 0 ? undefined : flag.slice(sign + 1);
    const name = dashed.slice(2);
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) throw new Fault(withSuggestion(`unknown flag: ${dashed}`, name, Object.keys(known)));
    const before = values.get(name);
    if (before !== undefined && kind !== "strings") throw new Fault(`duplicate flag specified: ${dashed}`);
    values.set(name, [...(before ?? []), kind === "boolean" ? readSwitch(dashed, value) : needValue(dashed, value)]);
  }
  return new Flags(values);
}

function readSwitch(dashed: string, value: string | undefined): string {
  if (value === "") throw new Fault(`missing a value on flag: ${dashed}`);
  const lower = (value ?? "true").toLowerCase();
  if (lower === "true" || lower === "false") return lower;
  throw new Fault(`expecting boolean value for flag ${dashed}, not: ${value}`);
}

function needValue(dashed: string, value: string | undefined): string {
  if (value === undefined) throw new Fault(`missing a value on flag: ${dashed}`);
  return value;
}
