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

/** File systems that keep no files: what is read from them is the kernel's answer, and what is written a command. */
const KERNEL_VIEWS: ReadonlySet<number> = new Set([
  0x9fa0, // proc
  0x62656572, // sysfs
  0x27e0eb, // cgroup
  0x63677270, // cgroup2
  0x64626720, // debugfs
  0x74726163, // tracefs
  0x73636673, // securityfs
  0x62656570, // configfs
  0xcafe4a11, // bpf
  0x6165676c, // pstore
  0xde5e81e4, // efivarfs
  0xf97cff8c, // selinuxfs
  0x42494e4d, // binfmt_misc
  0x07655821, // resctrl
]);

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

/** Whether an open file, also an O_PATH one, is in proc, sysfs or another window into the kernel. */
export function isKernelView(fd: number): boolean {
  return KERNEL_VIEWS.has(statfsSync(`/proc/self/fd/${fd}`).type >>> 0);
}
