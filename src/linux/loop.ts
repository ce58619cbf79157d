// Loop devices: a file as a block device (loop(4), include/uapi/linux/loop.h). Always with autoclear: the device is free
// again when the last that has it open or mounted is gone, so a process that is killed leaves none.

import { existsSync, openSync, readdirSync } from "node:fs";
import { makedev } from "./at.ts";
import { ioctl, ioctlNumber } from "./ioctl.ts";
import { isErrno } from "./libc.ts";
import { O, OwnedFd, openat2 } from "./open.ts";
import { fdstat } from "./stat.ts";

const LOOP_CTL_GET_FREE = 0x4c82;
const LOOP_GET_STATUS64 = 0x4c05;
/** Since Linux 5.8: file, settings and readiness in one step. */
const LOOP_CONFIGURE = 0x4c0a;
const FLAGS = { READ_ONLY: 1, AUTOCLEAR: 4 } as const;
/** Of others who ask for a device at the same moment, each may be faster once. */
const ATTEMPTS = 64;

export interface LoopDevice extends Disposable {
  /** Holds the device until it is mounted. */
  readonly fd: number;
  /** /dev/loopN */
  readonly path: string;
}

/**
 * Makes the file a block device. One that it is already is taken again: of two devices for one file each has a cache of
 * its own, and two file systems in them would ruin each other.
 * @param file open for writing, unless `readOnly`
 * @throws SystemError, ENOENT or EPERM where there are no loop devices (in most containers)
 */
export function attachLoop(file: number, readOnly = false): LoopDevice {
  const before = findLoop(file);
  if (before !== undefined) return before;
  using control = new OwnedFd(openSync("/dev/loop-control", O.RDWR | O.CLOEXEC));
  const config = loopConfig(file, FLAGS.AUTOCLEAR | (readOnly ? FLAGS.READ_ONLY : 0));
  for (let attempt = 1; ; attempt++) {
    const path = `/dev/loop${ioctlNumber(control.fd, LOOP_CTL_GET_FREE, 0, "LOOP_CTL_GET_FREE")}`;
    const device = new OwnedFd(openat2(-100, path, { flags: readOnly ? O.RDONLY : O.RDWR }));
    try {
      ioctl(device.fd, LOOP_CONFIGURE, config, "LOOP_CONFIGURE");
      return Object.assign(device, { path });
    } catch (error) {
      device[Symbol.dispose]();
      if (!isErrno(error, "EBUSY") || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Whether the file is a block device now. What is written there may not be in the file yet. */
export function isLooped(file: number): boolean {
  using device = findLoop(file);
  return device !== undefined;
}

/** The device that has this file; held, so that it can't be cleared any more. */
function findLoop(file: number): LoopDevice | undefined {
  const wanted = fdstat(file);
  for (const name of readdirSync("/sys/block")) {
    if (!/^loop\d+$/.test(name) || !existsSync(`/sys/block/${name}/loop`)) continue;
    const device = openBound(`/dev/${name}`);
    if (device === undefined) continue;
    const found = boundFile(device.fd);
    if (found?.inode === wanted.inode && found.device === makedev(wanted.dev.major, wanted.dev.minor)) return device;
    device[Symbol.dispose]();
  }
  return undefined;
}

/** Undefined while it is being cleared: what was in it has been written to the file by then. */
function openBound(path: string): LoopDevice | undefined {
  try {
    // To read, which holds it as well: of others' devices nothing may be disturbed.
    return Object.assign(new OwnedFd(openat2(-100, path, { flags: O.RDONLY })), { path });
  } catch (error) {
    if (isErrno(error, "ENXIO", "ENOENT", "EBUSY")) return undefined;
    throw error;
  }
}

/** The head of struct loop_info64: the file's device, as the kernel writes it for stat(2), and its inode. */
function boundFile(device: number): { readonly device: number; readonly inode: bigint } | undefined {
  const info = Buffer.alloc(232);
  try {
    ioctl(device, LOOP_GET_STATUS64, info, "LOOP_GET_STATUS64");
  } catch (error) {
    if (isErrno(error, "ENXIO")) return undefined;
    throw error;
  }
  return { device: Number(info.readBigUInt64LE(0)), inode: info.readBigUInt64LE(8) };
}

/** struct loop_config: file, block size (0: the kernel's choice), struct loop_info64 with its flags at 52, reserved. */
function loopConfig(file: number, flags: number): Uint8Array {
  const struct = Buffer.alloc(8 + 232 + 64);
  struct.writeUInt32LE(file, 0);
  struct.writeUInt32LE(flags, 8 + 52);
  return struct;
}
