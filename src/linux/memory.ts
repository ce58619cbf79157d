// madvise(2) for this program's own code: pages that were needed once, to start or for a burst of work, are given back.

import { readFileSync, readlinkSync } from "node:fs";
import { check, libc, U64 } from "./libc.ts";

const MADV_DONTNEED = 4;

const calls = libc({ madvise: { args: [U64, U64, "i32"], returns: "i32" } });

/**
 * Unmaps the pages of this process's program text. They stay in the page cache, where the kernel may now reclaim them,
 * and come back at the first use (a minor fault for 16 of them). Only text: it is never written, so nothing is lost.
 * @throws SystemError
 */
export function releaseProgramText(): void {
  const program = readlinkSync("/proc/self/exe");
  for (const line of readFileSync("/proc/self/maps", "utf8").split("\n")) {
    // start-end perms offset dev inode path, proc_pid_maps(5)
    const found = /^([0-9a-f]+)-([0-9a-f]+) r-xp [0-9a-f]+ \S+ [1-9][0-9]* +(.*)$/.exec(line);
    const [, start, end, path] = found ?? [];
    if (start === undefined || path !== program) continue;
    const from = BigInt(`0x${start}`);
    check(calls().madvise(from, BigInt(`0x${end}`) - from, MADV_DONTNEED), "madvise", program);
  }
}
