// PAX extended headers (pax(1), "pax Extended Header"): records `length key=value\n` that add to or override the header
// that follows. Reading and writing.

import { badArchive, type RawText, TAR_LIMITS } from "./entry.ts";

export type PaxRecords = Map<string, RawText>;

/** @throws HoyError "invalid" when a record is not well formed. */
export function parsePax(body: Buffer): PaxRecords {
  const records: PaxRecords = new Map();
  let at = 0;
  while (at < body.length) {
    const space = body.indexOf(0x20, at);
    const digits = space < 0 ? "" : body.toString("latin1", at, space);
    if (!/^[1-9][0-9]{0,7}$/.test(digits)) throw badArchive("PAX record without a length");
    const end = at + Number(digits);
    if (end > body.length || body[end - 1] !== 0x0a) throw badArchive("PAX record longer than its header");
    const record = body.toString("latin1", space + 1, end - 1);
    const equals = record.indexOf("=");
    if (equals < 1) throw badArchive("PAX record without a key");
    addRecord(records, record.slice(0, equals), record.slice(equals + 1));
    at = end;
  }
  return records;
}

/** Later records win, except GNU's sparse 0.0, whose pairs of records are a list: kept as the map of sparse 0.1. */
function addRecord(records: PaxRecords, key: string, value: RawText): void {
  if (key === "GNU.sparse.offset" || key === "GNU.sparse.numbytes") {
    if (!/^[0-9]{1,16}$/.test(value)) throw badArchive("bad GNU sparse map");
    const map = records.get("GNU.sparse.map");
    records.set("GNU.sparse.map", map === undefined ? value : `${map},${value}`);
    return;
  }
  records.set(key, value);
}

export function formatPax(records: Iterable<readonly [string, RawText]>): RawText {
  let body = "";
  for (const [key, value] of records) {
    const rest = ` ${key}=${value}\n`;
    let length = rest.length + 1;
    while (String(length).length + rest.length !== length) length++;
    body += `${length}${rest}`;
  }
  return body;
}

/** Whole number, as uid, gid and size have it. */
export function paxInteger(value: RawText, field: string): number {
  if (!/^[0-9]{1,16}$/.test(value)) throw badArchive(`PAX ${field} is not a number`);
  return Number(value);
}

/** "seconds[.fraction]" to ns; digits after the ninth are cut off, towards the past. */
export function paxTime(value: RawText): bigint {
  const match = /^(-?)([0-9]{1,14})(?:\.([0-9]*))?$/.exec(value);
  if (!match) throw badArchive("PAX time is not a number");
  const [, sign, seconds = "0", fraction = ""] = match;
  const nanoseconds = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, "0"));
  return sign === "-" ? -nanoseconds : nanoseconds;
}

export function formatPaxTime(time: bigint): string {
  const billion = 1_000_000_000n;
  if (time >= 0n && time < 2n ** 53n * billion) {
    const seconds = Number(time / billion);
    const rest = Number(time - BigInt(seconds) * billion);
    if (rest === 0) return String(seconds);
    let end = 9;
    const digits = String(rest).padStart(9, "0");
    while (digits.charCodeAt(end - 1) === 0x30) end -= 1;
    return `${seconds}.${digits.slice(0, end)}`;
  }
  const absolute = time < 0n ? -time : time;
  const fraction = (absolute % billion).toString().padStart(9, "0").replace(/0+$/, "");
  return `${time < 0n ? "-" : ""}${absolute / billion}${fraction === "" ? "" : `.${fraction}`}`;
}

const SCHILY = "SCHILY.xattr.";
const LIBARCHIVE = "LIBARCHIVE.xattr.";

/** The attributes among the records; star's form wins over libarchive's where both are given. */
export function paxXattrs(records: PaxRecords): ReadonlyMap<RawText, Uint8Array> {
  let xattrs: Map<RawText, Uint8Array> | undefined;
  let total = 0;
  for (const [key, value] of records) {
    const attribute = parseXattr(records, key, value);
    if (attribute === undefined) continue;
    xattrs ??= new Map();
    const [name, data] = attribute;
    total = checkXattr(name, data, total);
    xattrs.set(name, data);
  }
  return xattrs ?? NO_XATTRS;
}

/** @param before bytes of the file's other attributes @returns the same with this one @throws HoyError "invalid" */
export function checkXattr(name: RawText, data: Uint8Array, before: number): number {
  const total = before + name.length + data.length;
  if (name.length > TAR_LIMITS.xattrName || name === "" || name.includes("\0")) {
    throw badArchive("bad name of an extended attribute");
  }
  if (data.length > TAR_LIMITS.xattrValue || total > TAR_LIMITS.xattrTotal) {
    throw badArchive("extended attributes are too large");
  }
  return total;
}

const NO_XATTRS: ReadonlyMap<RawText, Uint8Array> = new Map();

function parseXattr(records: PaxRecords, key: string, value: RawText): [RawText, Uint8Array] | undefined {
  if (key.startsWith(SCHILY)) return [key.slice(SCHILY.length), Buffer.from(value, "latin1")];
  if (!key.startsWith(LIBARCHIVE)) return undefined;
  const name = key
    .slice(LIBARCHIVE.length)
    .replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return records.has(SCHILY + name) ? undefined : [name, Buffer.from(value, "base64")];
}

export function xattrKey(name: RawText): string {
  return SCHILY + name;
}
