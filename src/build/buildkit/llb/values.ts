// Values of LLB that several ops have.

import { HoyError } from "../../../base/error.ts";

/** @throws HoyError "invalid" for what no list can have. */
export function whole(value: bigint, what: string): number {
  if (value < 0n || value > 1_000_000n) throw new HoyError("invalid", `${value} is not the number of ${what}`);
  return Number(value);
}

/** A number that may be -1: none. */
export function place(value: bigint, what: string): number {
  return value < 0n ? -1 : whole(value, what);
}

/** @throws HoyError "invalid" for what a double can't hold. */
export function amount(value: bigint, what: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new HoyError("invalid", `${what} is out of range`);
  return number;
}

export function missing(what: string): HoyError {
  return new HoyError("not-implemented", `${what} is not implemented by this version of hoy`);
}

/** A list in JSON, as attributes carry it; empty when there is none. */
export function list(json: string | undefined): readonly string[] {
  if (json === undefined || json === "") return [];
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (thrown) {
    throw new HoyError("invalid", "a list of patterns can't be read", { cause: thrown });
  }
  if (value === null) return [];
  if (!Array.isArray(value) || !value.every((each) => typeof each === "string") || value.length > 100_000) {
    throw new HoyError("invalid", "a list of patterns can't be read");
  }
  return value;
}
