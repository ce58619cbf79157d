// Sizes and spans of time as people write and read them; the texts are those of docker's go-units.

import { UsageError } from "../base/errors.ts";

const DECIMAL = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"];
const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];

/** Four significant digits, powers of 1000: "1.24MB". */
export function humanSize(bytes: number): string {
  return scaled(bytes, 1000, DECIMAL, 4);
}

/** `precision` significant digits, powers of 1000. */
export function humanSizeWithPrecision(bytes: number, precision: number): string {
  return scaled(bytes, 1000, DECIMAL, precision);
}

/** Four significant digits, powers of 1024: "1.5GiB". */
export function bytesSize(bytes: number): string {
  return scaled(bytes, 1024, BINARY, 4);
}

function scaled(size: number, base: number, units: readonly string[], precision: number): string {
  let rest = size;
  let unit = 0;
  while (rest >= base && unit < units.length - 1) {
    rest /= base;
    unit++;
  }
  return `${goFloat(rest, precision)}${units[unit]}`;
}

/** Go's %.{precision}g: trailing zeros dropped, exponent from 10^precision on or below 1e-4. */
export function goFloat(value: number, precision: number): string {
  if (value === 0) return "0";
  const [mantissa = "", exponentText = "0"] = value.toExponential(precision - 1).split("e");
  const exponent = Number(exponentText);
  const digits = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  if (exponent < -4 || exponent >= precision) {
    const magnitude = String(Math.abs(exponent)).padStart(2, "0");
    return `${digits}e${exponent < 0 ? "-" : "+"}${magnitude}`;
  }
  const fixed = value.toFixed(Math.max(0, precision - 1 - exponent));
  return fixed.includes(".") ? fixed.replace(/\.?0+$/, "") : fixed;
}

const SUFFIXES: Record<string, number> = { k: 1, m: 2, g: 3, t: 4, p: 5 };

/** "128m", "1.5GiB", "32 kb": bytes, powers of 1024 whatever the suffix. @throws UsageError in go-units' words. */
export function parseBytes(text: string): number {
  const invalid = new UsageError(`invalid size: '${text}'`);
  const at = /[0-9. ](?=[^0-9. ]*$)/.exec(text);
  if (at === null) throw invalid;
  const space = text.charAt(at.index) === " ";
  const number = text.slice(0, space ? at.index : at.index + 1);
  const suffix = text.slice(at.index + 1).toLowerCase();
  if (!/^(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(number)) {
    if (/^-\d+(\.\d+)?$/.test(number)) throw invalid;
    throw new UsageError(`strconv.ParseFloat: parsing ${JSON.stringify(number)}: invalid syntax`);
  }
  const value = Number(number);
  if (suffix === "" || suffix === "b") return Math.trunc(value);
  const power = SUFFIXES[suffix.charAt(0)];
  const tail = suffix.slice(1);
  if (power === undefined || (tail !== "" && tail !== "b" && tail !== "ib"))
    throw new UsageError(`invalid suffix: '${suffix}'`);
  return Math.trunc(value * 1024 ** power);
}

/** "About a minute", "3 days": how long `seconds` is, in docker's words. */
export function humanDuration(seconds: number): string {
  const whole = Math.trunc(seconds);
  if (whole < 1) return "Less than a second";
  if (whole === 1) return "1 second";
  if (whole < 60) return `${whole} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(seconds / 3600 + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  if (hours < 24 * 7 * 2) return `${Math.trunc(hours / 24)} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(seconds / 3600 / 24 / 365)} years`;
}
