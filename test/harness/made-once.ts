// What tests need and what takes minutes to make (packages of Debian, a debootstrap): made once for this machine, and kept.
// A failure is kept as well, for a while, so that a host without a mirror in reach is not asked again at each run.

import { existsSync, statSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Kept between runs; HOY_TEST_CACHE puts it elsewhere. */
const CACHE = process.env.HOY_TEST_CACHE ?? join(tmpdir(), "hoy-test-cache");
const RETRY_MS = 3_600_000;

export type MadeOnce = { readonly path: string } | { readonly missing: string };

/**
 * The path of a file or directory of this name, or why there is none.
 * @param lacking What this machine has not got to make it, which is asked each time; undefined: nothing.
 * @param make Makes it somewhere in the directory it is given, and says where; what it throws is why there is none.
 */
export async function madeOnce(
  name: string,
  lacking: () => string | undefined | Promise<string | undefined>,
  make: (directory: string) => Promise<string>,
): Promise<MadeOnce> {
  const path = join(CACHE, name);
  if (existsSync(path)) return { path };
  const lacks = await lacking();
  if (lacks !== undefined) return { missing: lacks };
  const failed = `${path}.failed`;
  if (existsSync(failed) && Date.now() - statSync(failed).mtimeMs < RETRY_MS)
    return { missing: await readFile(failed, "utf8") };
  await mkdir(CACHE, { recursive: true });
  const directory = await mkdtemp(`${path}-`);
  try {
    await rename(await make(directory), path);
    return { path };
  } catch (error) {
    const missing = String(error instanceof Error ? error.message : error).split("\n")[0] ?? "";
    await writeFile(failed, missing);
    return { missing };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
