// statfs(2): which file system a path is on, and its room. Magic numbers: include/uapi/linux/magic.h, statfs(2).

import { statfsSync } from "node:fs";

const NAMES: Readonly<Record<number, string>> = {
  61267: "extfs",
  1481003842: "xfs",
  2435016766: "btrfs",
  16914836: "tmpfs",
  2035054128: "overlayfs",
  3774210530: "erofs",
  801189825: "zfs",
  4076150800: "f2fs",
  26985: "nfs",
  1702057286: "fuse",
  1936814952: "squashfs",
  1667723888: "cgroup2",
  2613483: "cgroup",
  40864: "proc",
  1650812274: "sysfs",
};

export interface FilesystemStatus {
  /** As Docker's info names backing file systems: "extfs", "xfs", …; "unknown" else. */
  readonly type: string;
  readonly magic: number;
  /** Bytes; `available` is what unprivileged users may take. */
  readonly total: number;
  readonly free: number;
  readonly available: number;
}

export function filesystemOf(path: string): FilesystemStatus {
  const { type, bsize, blocks, bfree, bavail } = statfsSync(path);
  // f_type is a signed long in some layouts, and the magic numbers are 32 bits.
  const magic = type >>> 0;
  return {
    type: NAMES[magic] ?? "unknown",
    magic,
    total: blocks * bsize,
    free: bfree * bsize,
    available: bavail * bsize,
  };
}
