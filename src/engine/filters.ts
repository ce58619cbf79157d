// What all lists share about `filters`: which keys are known, labels, prefixes and regular expressions as values.

import type { Filters } from "../api/backend.ts";
import { HoyError } from "../base/error.ts";
import { nowNs, parseTimestamp } from "./time.ts";

/** @throws HoyError "invalid" `invalid filter 'x'` for a key that is not in `known`. */
export function checkFilters(filters: Filters, known: readonly string[]): void {
  for (const key of filters.keys()) {
    if (!known.includes(key)) throw new HoyError("invalid", `invalid filter '${key}'`);
  }
}

/** Every `key` or `key=value` wanted is there. */
export function matchLabels(
  wanted: ReadonlySet<string> | undefined,
  labels: Readonly<Record<string, string>>,
): boolean {
  for (const want of wanted ?? []) {
    const equals = want.indexOf("=");
    const key = equals < 0 ? want : want.slice(0, equals);
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    if (value === undefined || (equals >= 0 && value !== want.slice(equals + 1))) return false;
  }
  return true;
}

/** One of the wanted values is `text`, or nothing was wanted. */
export function matchExact(wanted: ReadonlySet<string> | undefined, text: string): boolean {
  return wanted === undefined || wanted.size === 0 || wanted.has(text);
}

/** One of the wanted values is a prefix of `text`. */
export function matchPrefix(wanted: ReadonlySet<string> | undefined, text: string): boolean {
  return wanted === undefined || wanted.size === 0 || [...wanted].some((want) => text.startsWith(want));
}

/** One of the wanted values occurs in `text` as a regular expression (or as plain text where it is not one). */
export function matchPattern(wanted: ReadonlySet<string> | undefined, text: string): boolean {
  if (wanted === undefined || wanted.size === 0) return true;
  return [...wanted].some((want) => {
    if (text === want || text.includes(want)) return true;
    const pattern = toPattern(want);
    return pattern?.test(text) ?? false;
  });
}

/** Names are short and so may patterns be: a long one could take exponential time. */
function toPattern(text: string): RegExp | undefined {
  if (text.length > 128) return undefined;
  try {
    return new RegExp(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A filter that is yes or no: "true", "1" and the like. @throws HoyError "invalid" for other words. */
export function booleanFilter(filters: Filters, key: string): boolean | undefined {
  const values = filters.get(key);
  if (values === undefined || values.size === 0) return undefined;
  const yes = ["1", "true", "t"].some((word) => values.has(word));
  const no = ["0", "false", "f"].some((word) => values.has(word));
  if (yes === no) throw new HoyError("invalid", `invalid filter '${key}=${JSON.stringify([...values])}'`);
  return yes;
}

/**
 * `until` of prune: a time, or how long ago ("24h", "1h30m"), in ns since the epoch.
 * @throws HoyError "invalid".
 */
export function untilFilter(filters: Filters): bigint | undefined {
  const values = filters.get("until");
  if (values === undefined || values.size === 0) return undefined;
  const [text = ""] = values;
  if (values.size > 1) throw new HoyError("invalid", "more than one until filter specified");
  const ago = parseGoDuration(text);
  return ago === undefined ? parseTimestamp(text) : nowNs() - ago;
}

const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** Go's time.ParseDuration without signs, in ns; undefined when it is not one. */
export function parseGoDuration(text: string): bigint | undefined {
  if (!/^(?:\d{1,12}(?:\.\d{1,9})?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0n;
  for (const [, whole = "0", fraction = "", unit = "s"] of text.matchAll(/(\d+)(?:\.(\d+))?(ns|us|µs|ms|s|m|h)/g)) {
    const scale = UNITS[unit] ?? 0n;
    total += BigInt(whole) * scale;
    if (fraction !== "") total += (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  }
  return total;
}

/** `label` and `label!` together. */
export function matchLabelFilters(filters: Filters, labels: Readonly<Record<string, string>>): boolean {
  if (!matchLabels(filters.get("label"), labels)) return false;
  const not = filters.get("label!");
  return not === undefined || not.size === 0 || ![...not].some((want) => matchLabels(new Set([want]), labels));
}
