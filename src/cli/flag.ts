// The kinds of flags, by Go's names for them. `flag.list("Add a label", { short: "l" })` declares one.

import { parseCsvRecord } from "./base/csv.ts";
import { parseDuration } from "./base/duration.ts";
import { UsageError } from "./base/errors.ts";
import { parseBool, parseInteger } from "./base/numbers.ts";
import { cut } from "./base/text.ts";
import type { Flag } from "./flags.ts";
import { parseBytes } from "./format/units.ts";

interface Common<T> {
  readonly short?: string;
  readonly hidden?: boolean;
  readonly initial?: T;
  readonly shown?: string;
}

type Check = (text: string) => string;

function make<T>(kind: string, help: string, initial: T, parse: Flag<T>["parse"], common: Common<T>): Flag<T> {
  return { kind, help, parse, ...common, initial: common.initial ?? initial };
}

const asIs: Check = (text) => text;

/** Filters of list commands: name → values, in the order written. */
export type FilterMap = ReadonlyMap<string, readonly string[]>;

export const flag = {
  bool: (help: string, common: Common<boolean> = {}): Flag<boolean> => ({
    ...make("", help, false, (text) => parseBool(text), common),
    bare: "true",
  }),

  string: (help: string, common: Common<string> = {}): Flag<string> => make("string", help, "", (text) => text, common),

  /** A string that `check` normalises or refuses. */
  checked: (kind: string, help: string, check: Check, common: Common<string> = {}): Flag<string> =>
    make(kind, help, "", (text) => check(text), common),

  int: (help: string, common: Common<number> = {}): Flag<number> =>
    make("int", help, 0, (text) => parseInteger(text), common),

  uint: (help: string, common: Common<number> & { readonly bits?: 16 | 32 | 64 } = {}): Flag<number> =>
    make(
      common.bits === 16 ? "uint16" : "uint",
      help,
      0,
      (text) => parseInteger(text, { signed: false, bits: common.bits ?? 64 }),
      common,
    ),

  /** Nanoseconds. */
  duration: (help: string, common: Common<number> = {}): Flag<number> =>
    make("duration", help, 0, (text) => parseDuration(text), common),

  /** "128m", "2g": bytes. */
  bytes: (help: string, common: Common<number> = {}): Flag<number> =>
    make("bytes", help, 0, (text) => parseBytes(text), common),

  list: (help: string, common: Common<readonly string[]> & { readonly check?: Check } = {}): Flag<readonly string[]> =>
    make<readonly string[]>("list", help, [], (text, before) => [...before, (common.check ?? asIs)(text)], common),

  /** Comma-separated, and repeatable. */
  strings: (help: string, common: Common<readonly string[]> = {}): Flag<readonly string[]> =>
    make<readonly string[]>(
      "strings",
      help,
      [],
      (text, before) => (text === "" ? before : [...before, ...parseCsvRecord(text)]),
      common,
    ),

  map: (
    help: string,
    common: Common<ReadonlyMap<string, string>> & { readonly check?: Check } = {},
  ): Flag<ReadonlyMap<string, string>> =>
    make<ReadonlyMap<string, string>>(
      "map",
      help,
      new Map(),
      (text, before) => {
        const [key, value] = cut((common.check ?? asIs)(text), "=");
        return new Map(before).set(key, value);
      },
      common,
    ),

  filter: (help: string, common: Common<FilterMap> = {}): Flag<FilterMap> =>
    make<FilterMap>(
      "filter",
      help,
      new Map(),
      (text, before) => {
        if (text === "") return before;
        if (!text.includes("=")) throw new UsageError("bad format of filter (expected name=value)");
        const [name, value] = cut(text, "=");
        const key = name.trim().toLowerCase();
        const values = before.get(key) ?? [];
        return values.includes(value.trim()) ? before : new Map(before).set(key, [...values, value.trim()]);
      },
      common,
    ),

  /** Any other kind: `parse` gets the text and what earlier ones gave. */
  custom: <T>(kind: string, help: string, initial: T, parse: Flag<T>["parse"], common: Common<T> = {}): Flag<T> =>
    make(kind, help, initial, parse, common),

  /** Another, hidden spelling of `target`, which must read the same values. */
  alias: <T>(name: string, target: Flag<T>): Flag<T> => ({
    ...target,
    short: undefined,
    hidden: true,
    aliasOf: name,
  }),
} as const;
