// The disk of a volume of type loop: an ext4 file system in a sparse file beside the volume's directory. It is made whole
// under another name and renamed, so a disk that is there can be mounted. Made at create: a start runs no program for it.

import { openSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import { AT, fchmodat, lchownat, unlinkat } from "../../linux/at.ts";
import { isErrno } from "../../linux/libc.ts";
import { attachLoop, type LoopDevice } from "../../linux/loop.ts";
import { FsContext } from "../../linux/mount.ts";
import { O, OwnedFd } from "../../linux/open.ts";
import { fdstat } from "../../linux/stat.ts";
import { findProgram } from "../programs.ts";
import type { VolumeOwner } from "./local-options.ts";
import { HALF_COPIED } from "./record.ts";

export const DISK_TYPE = "ext4";

/** Of the volume whose files are at `data`. */
export function diskPath(data: string): string {
  return join(dirname(data), "disk.img");
}

/**
 * @param size in bytes; the file grows up to it as it is written
 * @throws HoyError "invalid" where there is no mkfs.ext4 or no loop device, "internal" with the program's words
 */
export async function makeDisk(data: string, size: number, owner: VolumeOwner): Promise<void> {
  const fresh = join(dirname(data), `${HALF_COPIED}${newId()}`);
  try {
    await using file = await open(fresh, "wx+", 0o600);
    await file.truncate(size);
    await format(fresh);
    settle(file.fd, owner);
    await file.sync();
    await rename(fresh, diskPath(data));
    await using directory = await open(dirname(data), O.RDONLY | O.DIRECTORY);
    await directory.sync();
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

/** The volume's disk as a block device, until it is let go of and not mounted. */
export function attachDisk(data: string, readOnly: boolean): LoopDevice {
  using file = new OwnedFd(openSync(diskPath(data), readOnly ? O.RDONLY : O.RDWR));
  try {
    return attachLoop(file.fd, readOnly);
  } catch (cause) {
    if (!isErrno(cause, "ENOENT", "ENXIO", "EPERM", "EACCES", "ENODEV")) throw cause;
    throw new HoyError("invalid", `a volume of type loop needs loop devices, which are not here: ${String(cause)}`, {
      cause,
    });
  }
}

/** Bytes that it takes on the disk below. */
export function diskUse(data: string): number {
  using file = new OwnedFd(openSync(diskPath(data), O.RDONLY));
  return fdstat(file.fd).allocated;
}

async function format(path: string): Promise<void> {
  const program = findProgram("mkfs.ext4");
  if (program === undefined) {
    throw new HoyError("invalid", "a volume of type loop needs the program mkfs.ext4", { hint: "install e2fsprogs" });
  }
  // -m 0: nothing is kept back for root. Lazy: what need not be written now is written when it is mounted.
  const options = ["-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1,nodiscard"];
  const child = Bun.spawn([program, ...options, path], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const [words, code] = await Promise.all([child.stderr.text(), child.exited]);
  if (code !== 0) throw new HoyError("internal", `mkfs.ext4: ${words.trim().slice(-500) || `exit code ${code}`}`);
}

/**
 * What mkfs.ext4 and e2fsck leave in a file system: a directory lost+found, for which some programs refuse to work in it. With
 * something in it, it stays. @param file the disk, mounted nowhere; @param owner of the top directory; undefined: as it is
 */
export function settle(file: number, owner?: VolumeOwner): void {
  using device = attachLoop(file);
  using context = new FsContext(DISK_TYPE);
  context.set("source", device.path);
  using root = new OwnedFd(context.mount());
  try {
    unlinkat(root.fd, "lost+found", AT.REMOVEDIR);
  } catch (error) {
    if (!isErrno(error, "ENOENT", "ENOTDIR", "ENOTEMPTY")) throw error;
  }
  if (owner === undefined) return;
  const { uid, gid, mode } = owner;
  lchownat(root.fd, "", uid ?? 0, gid ?? 0);
  fchmodat(root.fd, ".", mode ?? 0o755);
}
