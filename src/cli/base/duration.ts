// Go's durations ("1h30m", "500ms", "1.5s") to nanoseconds and back.

import { UsageError } from "./errors.ts";
import { quote } from "./numbers.ts";

const UNITS: Record<string, number> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Nanoseconds of a Go duration. @throws UsageError in time.ParseDuration's words. */
export function parseDuration(text: string): number {
  const invalid = (why: string) => new UsageError(`time: ${why} ${quote(text)}`);
  const sign = text.startsWith("-") ? -1 : 1;
  const body = text.replace(/^[+-]/, "");
  if (body === "0") return 0;
  if (body === "") throw invalid("invalid duration");
  let total = 0;
  let rest = body;
  while (rest !== "") {
    const match = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(rest);
    if (match === null) throw invalid("invalid duration");
    const unit = match[2] ?? "";
    if (unit === "") throw invalid("missing unit in duration");
    const scale = UNITS[unit];
    if (scale === undefined) throw new UsageError(`time: unknown unit ${quote(unit)} in duration ${quote(text)}`);
    total += Number(match[1]) * scale;
    rest = rest.slice(match[0].length);
  }
  if (total > 2 ** 63) throw invalid("invalid duration");
  return sign * Math.round(total);
}

/** True for text that `parseDuration` takes. */
export function isDuration(text: string): boolean {
  try {
    parseDuration(text);
    return true;
  } catch (thrown) {
    if (thrown instanceof UsageError) return false;
    throw thrown;
  }
}

/** As Go's Duration.String: "1h30m0s", "1.5s", "20ms", "0s". */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  const sign = nanoseconds < 0 ? "-" : "";
  const whole = Math.abs(nanoseconds);
  if (whole < 1e3) return `${sign}${whole}ns`;
  if (whole < 1e6) return `${sign}${trim(whole / 1e3)}µs`;
  if (whole < 1e9) return `${sign}${trim(whole / 1e6)}ms`;
  const hours = Math.floor(whole / 3600e9);
  const minutes = Math.floor((whole % 3600e9) / 60e9);
  const seconds = trim((whole % 60e9) / 1e9);
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}

const trim = (value: number) => String(Number(value.toFixed(9)));
