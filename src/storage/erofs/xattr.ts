// Inline extended attributes of an EROFS inode: a header of 12 bytes, then for each attribute a number for its
// namespace, the rest of the name and the value, padded to 4 bytes (erofs.rst, "Extended attributes").

import { HoyError } from "../../base/error.ts";
import type { RawText } from "../tar/entry.ts";

const HEADER = 12;
const UNIT = 4;
const PREFIXES: readonly (readonly [RawText, number])[] = [
  ["user.", 1],
  ["system.posix_acl_access", 2],
  ["system.posix_acl_default", 3],
  ["trusted.", 4],
  ["security.", 6],
];

/** Attributes as they stand behind an inode; empty when there are none. */
export function encodeXattrs(xattrs: ReadonlyMap<RawText, Uint8Array>): Buffer {
  if (xattrs.size === 0) return NONE;
  const parts: Buffer[] = [Buffer.alloc(HEADER)];
  for (const name of [...xattrs.keys()].sort()) parts.push(encodeOne(name, xattrs.get(name) ?? NONE));
  return Buffer.concat(parts);
}

/** i_xattr_icount of attributes that take this many bytes. */
export function xattrCount(length: number): number {
  return length === 0 ? 0 : 1 + (length - HEADER) / UNIT;
}

const NONE = Buffer.alloc(0);

function encodeOne(name: RawText, value: Uint8Array): Buffer {
  const prefix = PREFIXES.find(([text]) => name.startsWith(text));
  // The layer's tree keeps only attributes of these namespaces.
  if (prefix === undefined) throw new HoyError("internal", `no way to keep the extended attribute ${name}`);
  const rest = name.slice(prefix[0].length);
  const length = 4 + rest.length + value.length;
  const entry = Buffer.alloc(Math.ceil(length / UNIT) * UNIT);
  entry.writeUInt8(rest.length, 0);
  entry.writeUInt8(prefix[1], 1);
  entry.writeUInt16LE(value.length, 2);
  entry.write(rest, 4, "latin1");
  entry.set(value, 4 + rest.length);
  return entry;
}
