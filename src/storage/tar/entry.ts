// What a tar archive says of one file, and the bounds within which we believe it. The formats behind it (ustar, PAX,
// GNU) are in header.ts, pax.ts and sparse.ts; nothing else needs to know which of them an archive used.

import { HoyError } from "../../base/error.ts";

/**
 * Text as an archive or a disk has it: one character a byte (Latin-1), since names need not be UTF-8. Comparing two of
 * them compares bytes. For plain ASCII it is the text itself; `rawToText` and `textToRaw` are the way to others.
 */
export type RawText = string;

export type TarType = "file" | "dir" | "symlink" | "hardlink" | "char" | "block" | "fifo";

/** A piece of a sparse file that has data; the rest is holes. Bytes. */
export interface SparseSegment {
  readonly offset: number;
  readonly length: number;
}

export interface TarEntry {
  readonly type: TarType;
  /** As it is written in the archive: may be absolute, hold "..", end in "/". See `cleanName` in ../layer/name.ts. */
  readonly name: RawText;
  /** Target of a symlink, or the name in this archive that a hard link is another name of; else "". */
  readonly linkname: RawText;
  /** Permissions with setuid, setgid and sticky; no type bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of the file as one reads it (holes included); 0 for all but files. */
  readonly size: number;
  /** ns since 1970. */
  readonly mtime: bigint;
  readonly device: { readonly major: number; readonly minor: number };
  /** By full name ("user.x", "security.capability"). */
  readonly xattrs: ReadonlyMap<RawText, Uint8Array>;
  /** Where the data starts in the archive; always a multiple of 512. */
  readonly offset: number;
  /** Bytes of data in the archive; differs from `size` for sparse files. */
  readonly stored: number;
  /** Ordered, apart from each other, lengths above 0, together `stored` bytes; undefined when the file is not sparse. */
  readonly sparse: readonly SparseSegment[] | undefined;
}

/** A tar's block: headers are one, data is padded to a multiple of it. */
export const BLOCK = 512;

export const TAR_LIMITS = {
  /** Body of one PAX header or long name, as Go's archive/tar. */
  extendedHeader: 1024 * 1024,
  /** Linux's PATH_MAX. */
  name: 4096,
  /** One file's data and logical size: 8 TiB. */
  size: 2 ** 43,
  sparseSegments: 262_144,
  /** Linux's XATTR_SIZE_MAX, less one for a length of 16 bits. */
  xattrValue: 65_535,
  xattrName: 255,
  /** All attributes of one file. */
  xattrTotal: 131_072,
} as const;

export function badArchive(message: string): HoyError {
  return new HoyError("invalid", `invalid tar archive: ${message}`);
}

export function rawToText(raw: RawText): string {
  return rawBytes(raw).toString("utf8");
}

export function textToRaw(text: string): RawText {
  return Buffer.from(text, "utf8").toString("latin1");
}

export function rawBytes(raw: RawText): Buffer {
  return Buffer.from(raw, "latin1");
}
