// Bytes of the regular files under a directory, each inode once, on its own file system: what `ps -s` and `df` show. A
// container may be at work in it, and may mean ill: no tree of its making ends the look, and no link leads out of it.

import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import { isErrno } from "../../linux/libc.ts";

/** 0 when there is no such directory. What vanishes while it is read is passed over, and what no path can name. */
export async function treeSize(root: string): Promise<number> {
  const top = await status(root);
  if (top === undefined) return 0;
  const seen = new Set<number>();
  let total = 0;
  const pending = [root];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    // Since it was listed a link may have taken its place, or something may be mounted there.
    const own = await status(directory);
    if (own?.dev !== top.dev || !own.isDirectory()) continue;
    for await (const entry of entries(directory)) {
      const path = join(directory, entry.name);
      if (entry.isDirectory()) pending.push(path);
      if (!entry.isFile()) continue;
      const file = await status(path);
      if (file === undefined || (file.nlink > 1 && seen.has(file.ino))) continue;
      if (file.nlink > 1) seen.add(file.ino);
      total += file.size;
    }
  }
  return total;
}

async function status(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (isPassedOver(error)) return undefined;
    throw error;
  }
}

async function* entries(directory: string) {
  try {
    yield* await opendir(directory);
  } catch (error) {
    if (!isPassedOver(error)) throw error;
  }
}

function isPassedOver(error: unknown): boolean {
  return isErrno(error, "ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP");
}
