// What one entry's headers say together: the header block, PAX records, long names and a sparse map become a TarEntry,
// checked against the bounds. The same of a header that is about to be written.

import { badArchive, type RawText, type SparseSegment, TAR_LIMITS, type TarEntry, type TarType } from "./entry.ts";
import type { RawHeader } from "./header.ts";
import { checkXattr, type PaxRecords, paxInteger, paxTime, paxXattrs } from "./pax.ts";
import { checkSparse } from "./sparse.ts";
import type { TarHeader } from "./writer.ts";

/** A sparse file as it is being read. */
export interface SparseParts {
  readonly header: RawHeader;
  /** Offset, length, offset, length … */
  pairs: number[];
  readonly realSize: number;
  /** Bytes of the file's data that its map took. */
  mapBytes: number;
}

export interface EntryParts {
  readonly header: RawHeader;
  readonly sparse: SparseParts | undefined;
  readonly longName: RawText | undefined;
  readonly longLink: RawText | undefined;
  readonly records: PaxRecords;
  /** Where the data starts. */
  readonly offset: number;
}

const TYPES: Readonly<Record<string, TarType>> = {
  "0": "file",
  "\0": "file",
  "7": "file",
  S: "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "char",
  "4": "block",
  "5": "dir",
  "6": "fifo",
};

const BILLION = 1_000_000_000n;
/** ns; far beyond any real time, and small enough for 128 bits and for every file system to clamp. */
const MAX_TIME = 2n ** 43n * BILLION;
/** The largest id but -1, which means "don't change" to chown(2). */
const MAX_ID = 2 ** 32 - 2;

export function isFile(typeflag: string): boolean {
  return TYPES[typeflag] === "file";
}

/** @throws HoyError "invalid". */
export function describeEntry(parts: EntryParts): TarEntry {
  const { header, records, offset } = parts;
  const name = checkName(records.get("GNU.sparse.name") ?? records.get("path") ?? parts.longName ?? header.name);
  const linkname = checkName(records.get("linkpath") ?? parts.longLink ?? header.linkname);
  if (name === "") throw badArchive("entry without a name");
  const type = typeOf(header.typeflag, name);
  const link = type === "symlink" || type === "hardlink";
  const node = type === "char" || type === "block";
  const { size, stored, sparse } = dataOf(type, parts);
  return {
    type,
    name,
    linkname: link ? linkname : "",
    mode: header.mode & 0o7777,
    uid: idOf("uid", records, header.uid),
    gid: idOf("gid", records, header.gid),
    mtime: timeOf(records, header.mtime),
    device: node
      ? { major: deviceNumber(header.devmajor, 0xfff), minor: deviceNumber(header.devminor, 0xfffff) }
      : NO_DEVICE,
    xattrs: paxXattrs(records),
    offset,
    size,
    stored,
    sparse,
  };
}

/**
 * What a reader makes of an entry that is written with this header and its data at `offset`: the same, or the same error.
 * @throws HoyError "invalid".
 */
export function describeHeader(header: TarHeader, offset: number): TarEntry {
  const { type, name, linkname, mode, uid, gid, mtime, device, xattrs } = header;
  if (name === "") throw badArchive("entry without a name");
  if (type === "file" && name.endsWith("/")) throw badArchive("file with a directory's name");
  const target = checkName(linkname);
  const link = type === "symlink" || type === "hardlink";
  const node = type === "char" || type === "block";
  const size = type === "file" ? header.size : 0;
  if (size < 0 || size > TAR_LIMITS.size) throw badArchive("file is too large");
  let total = 0;
  for (const [key, value] of xattrs) {
    // A PAX record's key ends at the first one.
    if (key.includes("=")) throw badArchive('name of an extended attribute with "="');
    total = checkXattr(key, value, total);
  }
  return {
    type,
    name: checkName(name),
    linkname: link ? target : "",
    mode: mode & 0o7777,
    uid: checkId("uid", uid),
    gid: checkId("gid", gid),
    mtime: checkTime(mtime),
    device: node ? { major: deviceNumber(device.major, 0xfff), minor: deviceNumber(device.minor, 0xfffff) } : NO_DEVICE,
    xattrs,
    offset,
    size,
    stored: size,
    sparse: undefined,
  };
}

const NO_DEVICE = { major: 0, minor: 0 };

function typeOf(typeflag: string, name: RawText): TarType {
  const type = TYPES[typeflag];
  if (type === undefined) throw badArchive(`entry of unknown type ${JSON.stringify(typeflag)}`);
  // Archives older than POSIX have no type for directories: the name ends in a slash.
  return type === "file" && typeflag !== "S" && name.endsWith("/") ? "dir" : type;
}

/** Other than files have no data, whatever their size field says (as Go's reader has it). */
function dataOf(
  type: TarType,
  { header, sparse, records }: EntryParts,
): { size: number; stored: number; sparse: SparseSegment[] | undefined } {
  const record = records.get("size");
  const size = record === undefined ? header.size : paxInteger(record, "size");
  const realSize = sparse?.realSize ?? 0;
  if (size < 0 || size > TAR_LIMITS.size || realSize > TAR_LIMITS.size) throw badArchive("file is too large");
  if (type !== "file") return { size: 0, stored: 0, sparse: undefined };
  if (sparse === undefined) return { size, stored: size, sparse: undefined };
  const stored = size - sparse.mapBytes;
  if (stored < 0) throw badArchive("GNU sparse map is longer than the data");
  return { size: realSize, stored, sparse: checkSparse(sparse.pairs, realSize, stored) };
}

function checkName(text: RawText): RawText {
  if (text.length > TAR_LIMITS.name) throw badArchive("name is too long");
  if (text.includes("\0")) throw badArchive("name with a zero byte");
  return text;
}

function idOf(key: "uid" | "gid", records: PaxRecords, value: number): number {
  const record = records.get(key);
  return checkId(key, record === undefined ? value : paxInteger(record, key));
}

function checkId(key: "uid" | "gid", id: number): number {
  if (id < 0 || id > MAX_ID) throw badArchive(`${key} is out of range`);
  return id;
}

function timeOf(records: PaxRecords, seconds: number): bigint {
  const record = records.get("mtime");
  return checkTime(record === undefined ? BigInt(seconds) * BILLION : paxTime(record));
}

function checkTime(time: bigint): bigint {
  if (time > MAX_TIME || time < -MAX_TIME) throw badArchive("mtime is out of range");
  return time;
}

function deviceNumber(value: number, limit: number): number {
  if (value < 0 || value > limit) throw badArchive("device number is out of range");
  return value;
}
