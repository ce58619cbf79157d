// Bytes of the regular files under a directory, each inode once, on its own file system: what `ps -s` and `df` show.

import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import { isErrno } from "../../linux/libc.ts";

/** 0 when there is no such directory. What vanishes while it is read is passed over. */
export async function treeSize(root: string): Promise<number> {
  const seen = new Set<string>();
  let total = 0;
  const pending = [root];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const entry of await entries(directory)) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) pending.push(path);
      else if (entry.isFile()) total += await fileSize(path, seen);
    }
  }
  return total;
}

async function fileSize(path: string, seen: Set<string>): Promise<number> {
  try {
    const status = await lstat(path);
    const key = `${status.dev}:${status.ino}`;
    if (status.nlink > 1 && seen.has(key)) return 0;
    if (status.nlink > 1) seen.add(key);
    return status.size;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return 0;
    throw error;
  }
}

async function entries(directory: string) {
  try {
    const found = [];
    for await (const entry of await opendir(directory)) found.push(entry);
    return found;
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return [];
    throw error;
  }
}
