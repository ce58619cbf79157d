// Writing tar archives: headers in ustar where everything fits, else with a PAX header in front, as Go's archive/tar
// chooses. The same input gives the same bytes: no clock, no process id, no order of its own.

import { BLOCK, type RawText, type TarEntry } from "./entry.ts";
import { fitsOctal, formatOctal } from "./numbers.ts";
import { formatPax, formatPaxTime, xattrKey } from "./pax.ts";

/** What a header is made of; the rest of a TarEntry follows from where it lands in the archive. */
export type TarHeader = Omit<TarEntry, "offset" | "stored" | "sparse">;

const TYPEFLAGS: Readonly<Record<TarEntry["type"], string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  char: "3",
  block: "4",
  dir: "5",
  fifo: "6",
};

/** Two blocks of zeros: the end of an archive. */
export const END_OF_ARCHIVE: Uint8Array = new Uint8Array(2 * BLOCK);

/** The blocks before an entry's data. A directory's name gets its closing slash here. */
export function formatHeader(header: TarHeader): Buffer {
  const blocks = new HeaderBlocks(header);
  const all = Buffer.allocUnsafe(blocks.size);
  blocks.write(all, 0);
  return all;
}

/** The same, to be written where there is room for it. */
export class HeaderBlocks {
  /** Bytes. */
  readonly size: number;
  readonly #header: TarHeader;
  readonly #fields: NameFields;
  readonly #seconds: number;
  /** Records of a PAX header, if one is needed. */
  readonly #body: RawText;

  constructor(header: TarHeader) {
    const name = header.type === "dir" && !header.name.endsWith("/") ? `${header.name}/` : header.name;
    const path = splitName(name);
    this.#header = header;
    this.#seconds = floorSeconds(header.mtime);
    const records = recordsOf(header, path === undefined ? name : undefined, this.#seconds);
    this.#body = records.length === 0 ? "" : formatPax(records.sort(([a], [b]) => (a < b ? -1 : 1)));
    this.#fields = path ?? { name: asciiTail(name), prefix: "" };
    this.size = this.#body === "" ? BLOCK : 2 * BLOCK + roundUp(this.#body.length);
  }

  write(into: Buffer, at: number): void {
    const { linkname, mode, uid, gid, size, device, type } = this.#header;
    const fields = this.#fields;
    const body = this.#body;
    let place = at;
    if (body !== "") {
      const base = fields.name.replace(/\/$/, "");
      const own = `PaxHeaders.0/${base.slice(base.lastIndexOf("/") + 1)}`.slice(0, 100);
      formatBlock(into, at, "x", { name: own, prefix: "" }, { ...PAX_FIELDS, size: body.length });
      place = at + BLOCK + roundUp(body.length);
      into.fill(0, place - BLOCK, place);
      into.write(body, at + BLOCK, "latin1");
    }
    formatBlock(into, place, TYPEFLAGS[type], fields, {
      linkname: fitsLink(linkname) ? linkname : asciiTail(linkname),
      mode,
      uid: fitsOctal(uid, 8) ? uid : 0,
      gid: fitsOctal(gid, 8) ? gid : 0,
      size: fitsOctal(size, 12) ? size : 0,
      mtime: fitsOctal(this.#seconds, 12) ? this.#seconds : 0,
      device,
    });
  }
}

interface NameFields {
  readonly name: string;
  readonly prefix: string;
}

function roundUp(length: number): number {
  return Math.ceil(length / BLOCK) * BLOCK;
}

/** What the header block has no room for. @param path a name that it can't hold */
function recordsOf(header: TarHeader, path: RawText | undefined, seconds: number): [string, RawText][] {
  const records: [string, RawText][] = [];
  if (path !== undefined) records.push(["path", path]);
  if (!fitsLink(header.linkname)) records.push(["linkpath", header.linkname]);
  if (!fitsOctal(header.size, 12)) records.push(["size", String(header.size)]);
  if (!fitsOctal(header.uid, 8)) records.push(["uid", String(header.uid)]);
  if (!fitsOctal(header.gid, 8)) records.push(["gid", String(header.gid)]);
  if (BigInt(seconds) * 1_000_000_000n !== header.mtime || !fitsOctal(seconds, 12)) {
    records.push(["mtime", formatPaxTime(header.mtime)]);
  }
  for (const [name, value] of header.xattrs) records.push([xattrKey(name), Buffer.from(value).toString("latin1")]);
  return records;
}

function fitsLink(linkname: RawText): boolean {
  return linkname.length <= 100 && isAscii(linkname);
}

/** Zeros that follow `size` bytes of data, up to the next block. */
export function paddingAfter(size: number): Uint8Array {
  return END_OF_ARCHIVE.subarray(0, (BLOCK - (size % BLOCK)) % BLOCK);
}

interface Fields {
  readonly linkname: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly device: { readonly major: number; readonly minor: number };
}

const PAX_FIELDS: Fields = {
  linkname: "",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0,
  device: { major: 0, minor: 0 },
};

function formatBlock(into: Buffer, at: number, typeflag: string, path: NameFields, fields: Fields): void {
  into.fill(0, at, at + BLOCK);
  into.write(path.name, at, "latin1");
  formatOctal(into, at + 100, 8, fields.mode);
  formatOctal(into, at + 108, 8, fields.uid);
  formatOctal(into, at + 116, 8, fields.gid);
  formatOctal(into, at + 124, 12, fields.size);
  formatOctal(into, at + 136, 12, fields.mtime);
  into[at + 156] = typeflag.charCodeAt(0);
  if (fields.linkname !== "") into.write(fields.linkname, at + 157, "latin1");
  into.write("ustar\u000000", at + 257, "latin1");
  formatOctal(into, at + 329, 8, fields.device.major);
  formatOctal(into, at + 337, 8, fields.device.minor);
  if (path.prefix !== "") into.write(path.prefix, at + 345, "latin1");
  // Only what was written: most of a block is zeros.
  const sum =
    8 * 0x20 +
    sumOf(into, at, path.name.length) +
    sumOf(into, at + 100, 57) +
    sumOf(into, at + 157, fields.linkname.length) +
    sumOf(into, at + 257, 8) +
    sumOf(into, at + 329, 16) +
    sumOf(into, at + 345, path.prefix.length);
  formatOctal(into, at + 148, 7, sum);
  into[at + 155] = 0x20;
}

function sumOf(block: Buffer, start: number, length: number): number {
  let sum = 0;
  for (let at = start; at < start + length; at++) sum += block[at] ?? 0;
  return sum;
}

/** A name in ustar's two fields: up to 100 bytes, and up to 155 before a slash; undefined when it can't be put so. */
function splitName(name: RawText): NameFields | undefined {
  if (!isAscii(name)) return undefined;
  if (name.length <= 100) return { name, prefix: "" };
  // The first slash that leaves at most 100 bytes after it; the one that closes a directory's name can't be it.
  const slash = name.indexOf("/", name.length - 101);
  if (slash <= 0 || slash > 155 || slash >= name.length - 1) return undefined;
  return { name: name.slice(slash + 1), prefix: name.slice(0, slash) };
}

/** For readers that know no PAX: what is left of a name that does not fit. */
function asciiTail(name: RawText): string {
  return name.replaceAll(/[^\x20-\x7e]/g, "_").slice(-100);
}

function isAscii(text: RawText): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

function floorSeconds(time: bigint): number {
  const billion = 1_000_000_000n;
  const quotient = time / billion;
  return Number(time < 0n && quotient * billion !== time ? quotient - 1n : quotient);
}
