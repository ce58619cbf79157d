// A directory of cgroups as a tree: containers may make groups of their own below theirs.

import { readdir, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HoyError } from "../../base/error.ts";
import { errorCode, readText } from "./files.ts";

/** A hostile container could nest deeper than anyone needs. */
const MAX_DEPTH = 64;

/** The group and all below it, the deepest first. */
async function groups(folder: string, depth = 0): Promise<string[]> {
  let entries: { name: string; isDirectory(): boolean }[];
  try {
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENODEV") return [];
    throw error;
  }
  const found: string[] = [];
  for (const entry of entries) {
    if (entry.isDirectory() && depth < MAX_DEPTH) found.push(...(await groups(join(folder, entry.name), depth + 1)));
  }
  return [...found, folder];
}

export async function pidsBelow(folder: string): Promise<number[]> {
  const found = new Set<number>();
  for (const group of await groups(folder)) {
    for (const line of ((await readText(join(group, "cgroup.procs"))) ?? "").split("\n")) {
      // "0" is a process of a pid namespace that can't be seen from here.
      if (/^[1-9][0-9]*$/.test(line)) found.add(Number(line));
    }
  }
  return [...found].sort((a, b) => a - b);
}

/** Milliseconds. A killed process leaves its cgroup a moment after it has been reaped. */
const PATIENCE = 2000;
const PAUSE = 5;

/** False when processes or other groups are in it; true when it is gone, now or before. */
export async function removeEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder);
    return true;
  } catch (error) {
    const code = errorCode(error);
    if (code === "EBUSY" || code === "ENOTEMPTY") return false;
    if (code === "ENOENT" || code === "ENODEV") return true;
    throw error;
  }
}

/** Idempotent. @throws HoyError "internal" when it stays busy */
export async function removeTree(folder: string): Promise<void> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const busy = await tryRemove(folder);
    if (busy === undefined) return;
    if (Date.now() > end) {
      throw new HoyError("internal", `can't remove cgroup ${folder}: ${errorCode(busy) ?? busy}`, { cause: busy });
    }
    await sleep(PAUSE);
  }
}

/** @returns why not */
async function tryRemove(folder: string): Promise<unknown> {
  for (const group of await groups(folder)) {
    try {
      await rmdir(group);
    } catch (error) {
      const code = errorCode(error);
      if (code === "EBUSY" || code === "ENOTEMPTY") return error;
      if (code !== "ENOENT" && code !== "ENODEV") throw error;
    }
  }
  return undefined;
}

/** SIGKILL, again and again until nobody is left: forks may race with each round. */
export async function killBelow(list: () => Promise<number[]>): Promise<void> {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const pids = await list();
    if (pids.length === 0) return;
    for (const pid of pids) signalKill(pid);
    if (Date.now() > end) {
      throw new HoyError("internal", `processes ${pids.slice(0, 10).join(", ")} outlive SIGKILL`, {
        hint: "they wait in the kernel, for a disk or a network file system most likely",
      });
    }
    await sleep(PAUSE);
  }
}

export function signalKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (errorCode(error) !== "ESRCH") throw error;
  }
}
