// Takes a file's name away at once and lets its blocks be freed behind: for a layer of some hundred megabytes that takes
// the kernel tens of milliseconds, which nobody need wait for. A crash in between loses nothing: a file without a name is
// freed with the last process that has it open.

import { open, unlink } from "node:fs/promises";
import { log } from "../base/log.ts";
import { isErrno } from "../linux/libc.ts";

const SOON_MS = 20;

/** @throws what unlink(2) does; a file that is not there is none of it. */
export async function unlinkQuickly(path: string): Promise<void> {
  const file = await open(path, "r").catch((error: unknown) => {
    // Removing what can't be opened is as good, only slower.
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  });
  await unlinkIfThere(path);
  // Not at once: what follows a removal (rows, further names) would wait for the file system's journal behind it.
  setTimeout(() => {
    file?.close().catch((error: unknown) => log.warn("a removed file could not be closed", { path, error }));
  }, SOON_MS);
}

/** One call, where `rm` looks first what it has before it: each is a way to the pool and back. */
export async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}
