// What belongs to a file besides its data, read from a mounted tree.

import { type FileStatus, fdstat } from "../../../linux/stat.ts";
import { getXattr, listXattrs } from "../../../linux/xattr.ts";
import { type RawText, rawBytes } from "../../../storage/tar/entry.ts";

export interface Attributes {
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** ns since 1970. */
  readonly mtime: bigint;
  readonly xattrs: ReadonlyMap<RawText, Uint8Array>;
}

/**
 * Of what a build makes and nothing gives a time to: 2000-01-01. Not the clock's, so that the same build gives the same
 * layer; not 1970, which zip archives can't say.
 */
export const MADE_AT = 946_684_800n * 1_000_000_000n;

export const NO_XATTRS: ReadonlyMap<RawText, Uint8Array> = new Map();

/** `fd` may be O_PATH. */
export function attributesOf(fd: number, status: FileStatus = fdstat(fd)): Attributes {
  const { uid, gid, mtime } = status;
  return { mode: status.mode & 0o7777, uid, gid, mtime, xattrs: xattrsOf(fd) };
}

const KEPT: ReadonlySet<string> = new Set([
  "security.capability",
  "system.posix_acl_access",
  "system.posix_acl_default",
]);

/** Those that travel with a file; overlay's marks and the host's own labels stay. */
function xattrsOf(fd: number): ReadonlyMap<RawText, Uint8Array> {
  const file = `/proc/self/fd/${fd}`;
  const names = listXattrs(file, true).filter(
    (name) => name.startsWith("user.") || KEPT.has(name) || /^trusted\.(?!overlay\.)/.test(name),
  );
  if (names.length === 0) return NO_XATTRS;
  const xattrs = new Map<RawText, Uint8Array>();
  for (const name of names.sort()) {
    const value = getXattr(file, rawBytes(name), true);
    if (value !== undefined) xattrs.set(name, value);
  }
  return xattrs;
}
