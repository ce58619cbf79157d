// Another size for the disk of a volume of type loop that nobody has mounted. The kernel can only make a mounted ext4 larger,
// and only for who has CAP_SYS_RESOURCE; resize2fs(8) can do both, but is not safe to be killed: it works on a copy, which takes
// the disk's place by a rename when it is whole.

import { open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { HoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import { span } from "../../base/trace.ts";
import { isLooped } from "../../linux/loop.ts";
import { findProgram } from "../programs.ts";
import { diskPath, settle } from "./disk.ts";
import { HALF_COPIED } from "./record.ts";

const FREE_MS = 10_000;
const POLL_MS = 20;
/** ext4's own units are no larger. */
const BLOCK = 4096;

/**
 * @param data the volume's `_data`, where nothing is mounted; @param size in bytes
 * @throws HoyError "invalid" when its files do not fit or a program is missing, "conflict" when it is mounted: it is as before
 */
export async function resizeDisk(data: string, size: number): Promise<void> {
  const disk = diskPath(data);
  await untilFree(disk);
  const fresh = join(dirname(data), `${HALF_COPIED}${newId()}`);
  try {
    // Holes stay holes, and where the file system can, nothing is copied at all.
    await span("volume.copy", {}, () => run("cp", [0], "--sparse=always", "--reflink=auto", disk, fresh));
    // What a killed container left in the journal is written first. 1: something was put right.
    await run("e2fsck", [0, 1], "-f", "-p", fresh);
    await using file = await open(fresh, "r+");
    if ((await file.stat()).size < size) await file.truncate(size);
    const blocks = `${Math.floor(size / BLOCK) * (BLOCK / 1024)}K`;
    await span("volume.fit", {}, () => run("resize2fs", [0], fresh, blocks));
    await file.truncate(size);
    settle(file.fd);
    await untilFree(fresh);
    await file.sync();
    await span("volume.exchange", {}, () => rename(fresh, disk));
    await using directory = await open(dirname(disk), "r");
    await directory.sync();
  } catch (error) {
    await rm(fresh, { force: true });
    throw error;
  }
}

/** A container that has just ended may have it mounted for a moment, in a namespace of its own. @throws HoyError "conflict" */
async function untilFree(disk: string): Promise<void> {
  await using file = await open(disk, "r");
  for (const end = Date.now() + FREE_MS; isLooped(file.fd); await setTimeout(POLL_MS)) {
    if (Date.now() > end)
      throw new HoyError("conflict", "volume is in use: something on this host has its disk mounted");
  }
}

/** @param good exit codes that are well */
async function run(program: string, good: readonly number[], ...argv: string[]): Promise<void> {
  const path = findProgram(program);
  if (path === undefined) {
    throw new HoyError("invalid", `another size needs the program ${program}`, { hint: "install e2fsprogs" });
  }
  const env = { LC_ALL: "C" };
  const child = Bun.spawn([path, ...argv], { stdin: "ignore", stdout: "ignore", stderr: "pipe", env });
  const [words, code] = await Promise.all([child.stderr.text(), child.exited]);
  if (good.includes(code)) return;
  const last = words.trim().split("\n").at(-1)?.slice(-300) ?? "";
  throw new HoyError("invalid", `${program}: ${last || `exit code ${code}`}`);
}
