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
  const name = header.type === "dir" && !header.name.endsWith("/") ? `${header.name}/` : header.name;
  const records = new Map<string, RawText>();
  const path = splitName(name);
  if (path === undefined) records.set("path", name);
  if (header.linkname.length > 100 || !isAscii(header.linkname)) records.set("linkpath", header.linkname);
  if (!fitsOctal(header.size, 12)) records.set("size", String(header.size));
  if (!fitsOctal(header.uid, 8)) records.set("uid", String(header.uid));
  if (!fitsOctal(header.gid, 8)) records.set("gid", String(header.gid));
  const seconds = floorSeconds(header.mtime);
  if (BigInt(seconds) * 1_000_000_000n !== header.mtime || !fitsOctal(seconds, 12)) {
    records.set("mtime", formatPaxTime(header.mtime));
  }
  for (const name of [...header.xattrs.keys()].sort()) {
    records.set(xattrKey(name), Buffer.from(header.xattrs.get(name) ?? []).toString("latin1"));
  }
  const fields = path ?? { name: asciiTail(name), prefix: "" };
  const block = formatBlock(TYPEFLAGS[header.type], fields, {
    linkname: records.has("linkpath") ? asciiTail(header.linkname) : header.linkname,
    mode: header.mode,
    uid: records.has("uid") ? 0 : header.uid,
    gid: records.has("gid") ? 0 : header.gid,
    size: records.has("size") ? 0 : header.size,
    mtime: fitsOctal(seconds, 12) ? seconds : 0,
    device: header.device,
  });
  if (records.size === 0) return block;
  const sorted = [...records].sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.concat([paxBlocks(fields.name, formatPax(sorted)), block]);
}

/** Zeros that follow `size` bytes of data, up to the next block. */
export function paddingAfter(size: number): Uint8Array {
  return END_OF_ARCHIVE.subarray(0, (BLOCK - (size % BLOCK)) % BLOCK);
}

function paxBlocks(name: string, body: Buffer): Buffer {
  const base = name.replace(/\/$/, "").split("/").at(-1) ?? "";
  const fields = { name: `PaxHeaders.0/${base}`.slice(0, 100), prefix: "" };
  const head = formatBlock("x", fields, {
    linkname: "",
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: body.length,
    mtime: 0,
    device: { major: 0, minor: 0 },
  });
  return Buffer.concat([head, body, paddingAfter(body.length)]);
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

function formatBlock(typeflag: string, path: { name: string; prefix: string }, fields: Fields): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(path.name, 0, "latin1");
  formatOctal(block, 100, 8, fields.mode);
  formatOctal(block, 108, 8, fields.uid);
  formatOctal(block, 116, 8, fields.gid);
  formatOctal(block, 124, 12, fields.size);
  formatOctal(block, 136, 12, fields.mtime);
  block.write(typeflag, 156, "latin1");
  block.write(fields.linkname, 157, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  formatOctal(block, 329, 8, fields.device.major);
  formatOctal(block, 337, 8, fields.device.minor);
  block.write(path.prefix, 345, "latin1");
  let sum = 8 * 0x20;
  for (const byte of block) sum += byte;
  formatOctal(block, 148, 7, sum);
  block[155] = 0x20;
  return block;
}

/** A name in ustar's two fields: up to 100 bytes, and up to 155 before a slash; undefined when it can't be put so. */
function splitName(name: RawText): { name: string; prefix: string } | undefined {
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
