// Times as the API writes and reads them: RFC 3339 in UTC with nanoseconds, and Unix seconds with a fraction as text.
// JavaScript's Date ends at milliseconds; the rest comes from the monotonic clock, re-anchored when the wall clock moves.

import { HoyError } from "../base/error.ts";

/** What Go prints for a time that never was. */
export const ZERO_TIME = "0001-01-01T00:00:00Z";

const DRIFT = 20_000_000n;
let anchor = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();

/** Nanoseconds since the epoch, now. */
export function nowNs(): bigint {
  const wall = BigInt(Date.now()) * 1_000_000n;
  const fine = anchor + process.hrtime.bigint();
  const off = fine - wall;
  if (off < DRIFT && off > -DRIFT) return fine;
  anchor = wall - process.hrtime.bigint();
  return wall;
}

/** RFC 3339 with ns of a count of ns since the epoch. */
export function formatNs(ns: bigint): string {
  const seconds = new Date(Number(ns / 1_000_000_000n) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${(ns % 1_000_000_000n).toString().padStart(9, "0")}Z`;
}

/** RFC 3339 with ns, now. */
export function now(): string {
  return formatNs(nowNs());
}

/** Nanoseconds since the epoch of an RFC 3339 text; undefined when it is not one. */
export function parseRfc3339(text: string): bigint | undefined {
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (match === null) return undefined;
  const seconds = Date.parse(`${match[1]}${match[3]}`);
  if (Number.isNaN(seconds)) return undefined;
  return BigInt(seconds) * 1_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
}

/**
 * Reads `since` and `until` of the API: Unix seconds with an optional fraction, or RFC 3339.
 * @throws HoyError "invalid".
 */
export function parseTimestamp(text: string): bigint {
  const match = /^(-?\d{1,18})(?:\.(\d{1,9})\d*)?$/.exec(text);
  if (match !== null) return BigInt(match[1] ?? 0) * 1_000_000_000n + BigInt((match[2] ?? "").padEnd(9, "0"));
  const ns = parseRfc3339(text);
  if (ns !== undefined) return ns;
  throw new HoyError("invalid", `failed to parse value as time or duration: ${JSON.stringify(text.slice(0, 64))}`);
}

/** A span in words, as Docker's tables say it: "About a minute", "3 hours", "2 weeks". */
export function humanDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.floor(seconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.floor(seconds / 3600 + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.floor(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.floor(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.floor(hours / 24 / 30)} months`;
  return `${Math.floor(hours / 24 / 365)} years`;
}
