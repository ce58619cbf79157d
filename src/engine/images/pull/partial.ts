// Beginnings of blobs, kept so that the next pull goes on from there, also after a restart. Those that none took up for a
// week are swept away.

import { mkdir, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestHex } from "../../../base/digest.ts";

const KEPT_MS = 7 * 24 * 3600 * 1000;

/** Where the beginning of a blob is kept; a directory of its own, which is not emptied at the start. */
export async function partialPath(temporary: string, digest: Digest): Promise<string> {
  const directory = join(temporary, "partial");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  return join(directory, digestHex(digest));
}

export async function sweepPartials(temporary: string, now = Date.now()): Promise<void> {
  const directory = join(temporary, "partial");
  for (const name of await namesIn(directory)) {
    const path = join(directory, name);
    // A pull that goes on writes, so its file is young.
    if (now - (await stat(path)).mtimeMs > KEPT_MS) await rm(path, { force: true });
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
