// Numbers and booleans as Go's strconv reads them, with its error texts: scripts and tests of docker look at these.

import { UsageError } from "./errors.ts";

const TRUE = new Set(["1", "t", "T", "TRUE", "true", "True"]);
const FALSE = new Set(["0", "f", "F", "FALSE", "false", "False"]);

/** @throws UsageError in strconv.ParseBool's words. */
export function parseBool(text: string): boolean {
  if (TRUE.has(text)) return true;
  if (FALSE.has(text)) return false;
  throw new UsageError(`strconv.ParseBool: parsing ${quote(text)}: invalid syntax`);
}

/**
 * A signed integer of `bits` bits; base 0 takes 0x, 0o, 0b and _ as Go's literals do. Beyond 2^53 the value is
 * rejected: such numbers can't go through JSON unharmed.
 * @throws UsageError in strconv.ParseInt's words.
 */
export function parseInteger(
  text: string,
  options: { base?: 0 | 10; bits?: 16 | 32 | 64; signed?: boolean } = {},
): number {
  const { base = 0, bits = 64, signed = true } = options;
  const name = signed ? "ParseInt" : "ParseUint";
  const fail = (why: string) => new UsageError(`strconv.${name}: parsing ${quote(text)}: ${why}`);
  const literal =
    base === 10 ? /^[+-]?\d+$/ : /^[+-]?(0[xX](_?[\da-fA-F])+|0[bB](_?[01])+|0[oO]?(_?[0-7])*|[1-9](_?\d)*)$/;
  if (!literal.test(text) || (!signed && /^[+-]/.test(text))) throw fail("invalid syntax");
  const digits = text.replace(/^[+-]/, "").replaceAll("_", "");
  const octal = base === 0 && /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
  const magnitude = BigInt(base === 10 ? digits : octal);
  const value = text.startsWith("-") ? -magnitude : magnitude;
  const top = signed ? 2n ** BigInt(bits - 1) - 1n : 2n ** BigInt(bits) - 1n;
  const bottom = signed ? -top - 1n : 0n;
  if (value > top || value < bottom || magnitude > BigInt(Number.MAX_SAFE_INTEGER)) throw fail("value out of range");
  return Number(value);
}

/** Go's %q for the plain cases. */
export function quote(text: string): string {
  return JSON.stringify(text);
}
