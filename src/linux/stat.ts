// statx(2): what a file is, with times to the ns and the same layout on every architecture (stat(2)'s is not).

import { AT } from "./at.ts";
import { check, cstring, libc, type PathLike } from "./libc.ts";

export const S = {
  IFMT: 0o170000,
  IFSOCK: 0o140000,
  IFLNK: 0o120000,
  IFREG: 0o100000,
  IFBLK: 0o060000,
  IFDIR: 0o040000,
  IFCHR: 0o020000,
  IFIFO: 0o010000,
} as const;

export interface FileStatus {
  /** Type bits and permissions. */
  readonly mode: number;
  readonly nlink: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Bytes on disk. */
  readonly allocated: number;
  readonly inode: bigint;
  /** ns since 1970. */
  readonly atime: bigint;
  readonly mtime: bigint;
  readonly ctime: bigint;
  /** Of a device file. */
  readonly rdev: { readonly major: number; readonly minor: number };
  /** Of the file system that it is on. */
  readonly dev: { readonly major: number; readonly minor: number };
  readonly mountId: bigint;
  /** The path is where something is mounted (false on kernels before 5.8, which don't say). */
  readonly mountRoot: boolean;
}

const calls = libc({ statx: { args: ["i32", "ptr", "i32", "u32", "ptr"], returns: "i32" } });
const STATX_BASIC_STATS = 0x7ff;
const STATX_MNT_ID = 0x1000;
const STATX_MNT_ID_UNIQUE = 0x4000;
const STATX_ATTR_MOUNT_ROOT = 0x2000n;

/** Never follows a link at the end. Name "" is the file that `directory` itself stands for. */
export function lstatat(directory: number, name: PathLike): FileStatus {
  return status(directory, name, AT.SYMLINK_NOFOLLOW | (name.length === 0 ? AT.EMPTY_PATH : 0));
}

/** Of an open file, also one opened with O_PATH. */
export function fdstat(fd: number): FileStatus {
  return lstatat(fd, "");
}

/**
 * The number of the mount that a path is on, which no other mount of this boot has or will have (FileStatus.mountId is
 * given to the next mount once it is free). Names as for lstatat; undefined on kernels before 6.8.
 */
export function uniqueMountId(directory: number, name: PathLike): bigint | undefined {
  const flags = AT.SYMLINK_NOFOLLOW | (name.length === 0 ? AT.EMPTY_PATH : 0);
  statx(directory, name, flags, STATX_MNT_ID_UNIQUE);
  return (buffer.readUInt32LE(0) & STATX_MNT_ID_UNIQUE) === 0 ? undefined : buffer.readBigUInt64LE(144);
}

/** One for all calls: each is read before the next, and a walk makes many. */
const buffer = Buffer.alloc(256);

function statx(directory: number, name: PathLike, flags: number, mask: number): void {
  check(calls().statx(directory, cstring(name, "statx"), flags, mask, buffer), "statx", name);
}

function status(directory: number, name: PathLike, flags: number): FileStatus {
  statx(directory, name, flags, STATX_BASIC_STATS | STATX_MNT_ID);
  const time = (offset: number) =>
    buffer.readBigInt64LE(offset) * 1_000_000_000n + BigInt(buffer.readUInt32LE(offset + 8));
  const device = (offset: number) => ({
    major: buffer.readUInt32LE(offset),
    minor: buffer.readUInt32LE(offset + 4),
  });
  return {
    nlink: buffer.readUInt32LE(16),
    uid: buffer.readUInt32LE(20),
    gid: buffer.readUInt32LE(24),
    mode: buffer.readUInt16LE(28),
    inode: buffer.readBigUInt64LE(32),
    size: Number(buffer.readBigUInt64LE(40)),
    allocated: Number(buffer.readBigUInt64LE(48)) * 512,
    atime: time(64),
    ctime: time(96),
    mtime: time(112),
    rdev: device(128),
    dev: device(136),
    mountId: buffer.readBigUInt64LE(144),
    mountRoot: (buffer.readBigUInt64LE(8) & STATX_ATTR_MOUNT_ROOT) !== 0n,
  };
}
