// Points in time, as docker's tables and templates print them, and as its flags take them.

import { isDuration, parseDuration } from "../base/duration.ts";
import { UsageError } from "../base/errors.ts";
import { humanDuration } from "./units.ts";

/** Go's Time.String in the local zone: "2026-11-24 06:00:00 +0000 UTC". */
export function goTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  const pad = (value: number) => String(value).padStart(2, "0");
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  const clock = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  return `${day} ${clock} ${zoneOffset(date, "")} ${zoneName(date)}`;
}

function zoneOffset(date: Date, separator: string): string {
  const minutes = -date.getTimezoneOffset();
  const pad = (value: number) => String(Math.trunc(value)).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${pad(Math.abs(minutes) / 60)}${separator}${pad(Math.abs(minutes) % 60)}`;
}

function zoneName(date: Date): string {
  const part = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" })
    .formatToParts(date)
    .find(({ type }) => type === "timeZoneName");
  return part?.value.replace(/^GMT$/, "UTC") ?? "UTC";
}

/** RFC 3339 in the local zone, to the second: "2026-11-24T06:00:00Z". */
export function rfc3339(seconds: number): string {
  const date = new Date(seconds * 1000);
  const pad = (value: number) => String(value).padStart(2, "0");
  const offset = zoneOffset(date, ":");
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}T${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}${offset === "+00:00" ? "Z" : offset}`;
}

/** "3 hours ago". */
export function ago(seconds: number): string {
  return `${humanDuration(Date.now() / 1000 - seconds)} ago`;
}

/** RFC 3339 text to Unix seconds; undefined for Go's zero time and for what is no time. */
export function secondsOf(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined || text.startsWith("0001-01-01")) return undefined;
  const value = Date.parse(text);
  return Number.isNaN(value) ? undefined : value / 1000;
}

/**
 * --since and --until: "42m" ago, "2013-01-02T13:23:37Z", a local time without zone, a day, or Unix seconds; as
 * "SECONDS.NANOSECONDS" for the API.
 * @throws UsageError
 */
export function apiTimestamp(text: string, now: number = Date.now()): string {
  if (isDuration(text)) {
    const then = BigInt(Math.trunc(now)) * 1_000_000n - BigInt(Math.trunc(parseDuration(text)));
    return `${then / 1_000_000_000n}.${String(then % 1_000_000_000n).padStart(9, "0")}`;
  }
  if (/^-?\d+(\.\d+)?$/.test(text)) return text;
  const match = /^(\d{4}-\d{2}-\d{2})(?:T(\d{2})(?::(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?)?(Z|[+-]\d{2}:\d{2})?$/.exec(
    text,
  );
  if (match === null) throw new UsageError(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  const [, day, hour = "00", minute = "00", second = "00", fraction = "", zone = ""] = match;
  const value = Date.parse(`${day}T${hour}:${minute}:${second}${zone}`);
  if (Number.isNaN(value)) throw new UsageError(`failed to parse value as time or duration: ${JSON.stringify(text)}`);
  return `${Math.floor(value / 1000)}.${fraction.padEnd(9, "0")}`;
}

/** Go's Time.String of an RFC 3339 text, in the zone it was given in: "2026-11-24 06:00:00.123 +0000 UTC". */
export function goTimestamp(text: string): string {
  const match = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2})(?:\.(\d+))?(Z|[+-]\d{2}:\d{2})$/.exec(text);
  if (match === null) return text === "" ? "0001-01-01 00:00:00 +0000 UTC" : text;
  const [, day, clock, fraction = "", zone = "Z"] = match;
  const digits = fraction.replace(/0+$/, "");
  const offset = zone === "Z" ? "+0000" : zone.replace(":", "");
  const name = zone === "Z" ? "UTC" : offset;
  return `${day} ${clock}${digits === "" ? "" : `.${digits}`} ${offset} ${name}`;
}

/** RFC 3339 in the local zone with nine digits of a second. */
export function rfc3339Nano(nanoseconds: bigint): string {
  const text = rfc3339(Number(nanoseconds / 1_000_000_000n));
  return `${text.slice(0, 19)}.${String(nanoseconds % 1_000_000_000n).padStart(9, "0")}${text.slice(19)}`;
}
