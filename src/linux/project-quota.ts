// Project quotas: how much the files of a project, a number that directories hand down to what is made in them, may take
// on one file system (ext4 and xfs mounted with prjquota). quotactl_fd(2), of Linux 5.14, needs no block device's name.
// Layouts: include/uapi/linux/{fs,quota,dqblk_xfs}.h.

import { ioctl } from "./ioctl.ts";
import { check, I64, isErrno, libc } from "./libc.ts";
import { SYS } from "./syscalls.ts";

const FS_IOC_FSGETXATTR = 0x801c581f;
const FS_IOC_FSSETXATTR = 0x401c5820;
const FSXATTR_SIZE = 28;
const FS_XFLAG_PROJINHERIT = 0x200;

const PRJQUOTA = 2;
const Q_XGETQUOTA = 0x5803;
const Q_XSETQLIM = 0x5804;
const DISK_QUOTA_SIZE = 112;
const FS_DQUOT_VERSION = 1;
const FS_PROJ_QUOTA = 2;
const FS_DQ_BSOFT = 4;
const FS_DQ_BHARD = 8;
/** Limits are in units of 512 bytes. */
const BASIC_BLOCK = 512;

const calls = libc({ syscall: { args: [I64, "u32", "u32", "u32", "ptr"], returns: I64 } });

/** The project that a directory hands down; 0: none. @param fd of the directory, not opened with O_PATH */
export function projectOf(fd: number): number {
  return fsxattr(fd).readUInt32LE(12);
}

/** What is made in the directory from now on belongs to the project. */
export function setProject(fd: number, project: number): void {
  const attributes = fsxattr(fd);
  attributes.writeUInt32LE((attributes.readUInt32LE(0) | FS_XFLAG_PROJINHERIT) >>> 0, 0);
  attributes.writeUInt32LE(project, 12);
  ioctl(fd, FS_IOC_FSSETXATTR, attributes, "FS_IOC_FSSETXATTR");
}

/**
 * The most that the project's files may take on the file system of `fd`; 0: as much as there is. More is EDQUOT or ENOSPC.
 * @param bytes rounded up to 512
 */
export function setProjectLimit(fd: number, project: number, bytes: number): void {
  const struct = diskQuota(project);
  const blocks = BigInt(Math.ceil(bytes / BASIC_BLOCK));
  struct.writeUInt16LE(FS_DQ_BHARD | FS_DQ_BSOFT, 2);
  struct.writeBigUInt64LE(blocks, 8);
  struct.writeBigUInt64LE(blocks, 16);
  quotactl(fd, Q_XSETQLIM, project, struct);
}

/**
 * Lets the project's files take so much more than their limit, which stays on record as the soft one.
 * @param bytes 0: no more than the limit, again; rounded up to 512
 */
export function setProjectRoom(fd: number, project: number, bytes: number): void {
  const known = diskQuota(project);
  quotactl(fd, Q_XGETQUOTA, project, known);
  const struct = diskQuota(project);
  struct.writeUInt16LE(FS_DQ_BHARD, 2);
  struct.writeBigUInt64LE(known.readBigUInt64LE(16) + BigInt(Math.ceil(bytes / BASIC_BLOCK)), 8);
  quotactl(fd, Q_XSETQLIM, project, struct);
}

export interface ProjectUse {
  /** Bytes; 0: none. */
  readonly limit: number;
  /** Bytes that its files take. */
  readonly used: number;
}

/** Zeros for a project that the file system does not know. */
export function projectUse(fd: number, project: number): ProjectUse {
  const struct = diskQuota(project);
  try {
    quotactl(fd, Q_XGETQUOTA, project, struct);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return { limit: 0, used: 0 };
    throw error;
  }
  const bytes = (offset: number) => Number(struct.readBigUInt64LE(offset)) * BASIC_BLOCK;
  return { limit: bytes(8), used: bytes(40) };
}

/** True when errno says that the file system has no project quotas, or has them switched off. */
export function lacksProjectQuota(error: unknown): boolean {
  return isErrno(error, "ENOSYS", "ENOTTY", "EOPNOTSUPP", "EINVAL", "ESRCH", "ENODEV", "ENOTBLK");
}

function fsxattr(fd: number): Buffer {
  const struct = Buffer.alloc(FSXATTR_SIZE);
  ioctl(fd, FS_IOC_FSGETXATTR, struct, "FS_IOC_FSGETXATTR");
  return struct;
}

/** struct fs_disk_quota. */
function diskQuota(project: number): Buffer {
  const struct = Buffer.alloc(DISK_QUOTA_SIZE);
  struct.writeInt8(FS_DQUOT_VERSION, 0);
  struct.writeInt8(FS_PROJ_QUOTA, 1);
  struct.writeUInt32LE(project, 4);
  return struct;
}

function quotactl(fd: number, command: number, project: number, struct: Uint8Array): void {
  check(calls().syscall(SYS.quotactl_fd, fd, ((command << 8) | PRJQUOTA) >>> 0, project, struct), "quotactl_fd");
}
