// Calls that name a file by a directory's fd and one name in it: mkdirat(2), mknodat(2), symlinkat(2), linkat(2),
// unlinkat(2), renameat2(2), readlinkat(2), fchownat(2), fchmodat(2), utimensat(2). None of them follows a link at the
// end of the name unless said. Give them a single name and a directory fd from openat2, and no path can lead astray.

import { check, cstring, I64, libc, type PathLike, U64 } from "./libc.ts";

export const AT = {
  FDCWD: -100,
  SYMLINK_NOFOLLOW: 0x100,
  REMOVEDIR: 0x200,
  SYMLINK_FOLLOW: 0x400,
  EMPTY_PATH: 0x1000,
} as const;

export const RENAME = { NOREPLACE: 1, EXCHANGE: 2, WHITEOUT: 4 } as const;

const calls = libc({
  mkdirat: { args: ["i32", "ptr", "u32"], returns: "i32" },
  mknodat: { args: ["i32", "ptr", "u32", U64], returns: "i32" },
  symlinkat: { args: ["ptr", "i32", "ptr"], returns: "i32" },
  linkat: { args: ["i32", "ptr", "i32", "ptr", "i32"], returns: "i32" },
  unlinkat: { args: ["i32", "ptr", "i32"], returns: "i32" },
  renameat2: { args: ["i32", "ptr", "i32", "ptr", "u32"], returns: "i32" },
  readlinkat: { args: ["i32", "ptr", "ptr", U64], returns: I64 },
  fchownat: { args: ["i32", "ptr", "u32", "u32", "i32"], returns: "i32" },
  fchmodat: { args: ["i32", "ptr", "u32", "i32"], returns: "i32" },
  utimensat: { args: ["i32", "ptr", "ptr", "i32"], returns: "i32" },
});

/** The mode is cut by the umask, as always: fchmodat afterwards where it matters. */
export function mkdirat(directory: number, name: PathLike, mode: number): void {
  check(calls().mkdirat(directory, cstring(name, "mkdirat"), mode), "mkdirat", name);
}

/** `mode` has the type bits (S_IFCHR …); `device` is what makedev() gives. */
export function mknodat(directory: number, name: PathLike, mode: number, device: number): void {
  check(calls().mknodat(directory, cstring(name, "mknodat"), mode, device), "mknodat", name);
}

export function symlinkat(target: PathLike, directory: number, name: PathLike): void {
  check(calls().symlinkat(cstring(target, "symlinkat"), directory, cstring(name, "symlinkat")), "symlinkat", name);
}

/** A hard link; `flags`: AT.EMPTY_PATH with name "" links the file that `fromDirectory` itself stands for. */
export function linkat(fromDirectory: number, from: PathLike, toDirectory: number, to: PathLike, flags = 0): void {
  const [source, target] = [cstring(from, "linkat"), cstring(to, "linkat")];
  check(calls().linkat(fromDirectory, source, toDirectory, target, flags), "linkat", to);
}

/** `flags`: AT.REMOVEDIR for directories. */
export function unlinkat(directory: number, name: PathLike, flags = 0): void {
  check(calls().unlinkat(directory, cstring(name, "unlinkat"), flags), "unlinkat", name);
}

/** `flags`: bits of RENAME. */
export function renameat2(fromDirectory: number, from: PathLike, toDirectory: number, to: PathLike, flags = 0): void {
  const [source, target] = [cstring(from, "renameat2"), cstring(to, "renameat2")];
  check(calls().renameat2(fromDirectory, source, toDirectory, target, flags), "renameat2", to);
}

const targetBuffer = Buffer.alloc(4097);

/** A symlink's target, as bytes. Name "" reads the link that `directory` (O_PATH|O_NOFOLLOW) itself stands for. */
export function readlinkat(directory: number, name: PathLike): Buffer {
  const path = cstring(name, "readlinkat");
  const length = check(calls().readlinkat(directory, path, targetBuffer, targetBuffer.length), "readlinkat", name);
  return Buffer.from(targetBuffer.subarray(0, length));
}

/** Never follows a link. Clears setuid, setgid and security.capability: chown first, then mode and xattrs. */
export function lchownat(directory: number, name: PathLike, uid: number, gid: number): void {
  const flags = AT.SYMLINK_NOFOLLOW | (name.length === 0 ? AT.EMPTY_PATH : 0);
  check(calls().fchownat(directory, cstring(name, "fchownat"), uid, gid, flags), "fchownat", name);
}

/** Follows a link at the end (Linux has no mode of a link): never call it on a name that may be one. */
export function fchmodat(directory: number, name: PathLike, mode: number): void {
  check(calls().fchmodat(directory, cstring(name, "fchmodat"), mode, 0), "fchmodat", name);
}

/** A time in ns since 1970; may be negative. */
export type Nanoseconds = bigint;

/** Sets both times; never follows a link. */
export function utimensat(directory: number, name: PathLike, atime: Nanoseconds, mtime: Nanoseconds): void {
  const times = new BigInt64Array([...timespec(atime), ...timespec(mtime)]);
  const flags = AT.SYMLINK_NOFOLLOW | (name.length === 0 ? AT.EMPTY_PATH : 0);
  check(calls().utimensat(directory, cstring(name, "utimensat"), times, flags), "utimensat", name);
}

function timespec(time: Nanoseconds): [bigint, bigint] {
  const billion = 1_000_000_000n;
  const nanoseconds = ((time % billion) + billion) % billion;
  return [(time - nanoseconds) / billion, nanoseconds];
}

/** dev_t as makedev(3) makes it. */
export function makedev(major: number, minor: number): number {
  const low = (minor & 0xff) + (major & 0xfff) * 0x100 + Math.floor(minor / 0x100) * 0x100000;
  return low + Math.floor(major / 0x1000) * 2 ** 44;
}
