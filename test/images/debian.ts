// A Debian as a tar, made by debootstrap once and kept: some thousand files of every kind that a distribution has.

import { existsSync, statSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Kept between runs; HOY_TEST_CACHE puts it elsewhere. */
const CACHE = process.env.HOY_TEST_CACHE ?? join(tmpdir(), "hoy-test-cache");
const LIMIT_MS = 240_000;
/** A host without a mirror in reach is not asked again at each run. */
const RETRY_MS = 3_600_000;

/** The tar's path, or why there is none. */
export async function debianTar(): Promise<{ readonly path: string } | { readonly missing: string }> {
  const path = join(CACHE, "debian.tar");
  if (existsSync(path)) return { path };
  if (process.getuid?.() !== 0) return { missing: "needs root" };
  if (Bun.which("debootstrap") === null) return { missing: "no debootstrap on PATH" };
  const failed = join(CACHE, "debian.failed");
  if (existsSync(failed) && Date.now() - statSync(failed).mtimeMs < RETRY_MS) return { missing: "debootstrap failed" };
  await mkdir(CACHE, { recursive: true });
  const directory = await mkdtemp(join(CACHE, "debootstrap-"));
  try {
    const root = join(directory, "root");
    const part = join(directory, "debian.tar");
    for (const command of [
      ["debootstrap", "--variant=minbase", "stable", root],
      ["tar", "--numeric-owner", "--xattrs", "-C", root, "-cf", part, "."],
    ]) {
      const child = Bun.spawn(command, { stdout: "ignore", stderr: "ignore", timeout: LIMIT_MS });
      if ((await child.exited) === 0) continue;
      await writeFile(failed, "");
      return { missing: "debootstrap failed" };
    }
    await rename(part, path);
    return { path };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
