// A Debian as a tar, made by debootstrap once and kept: some thousand files of every kind that a distribution has.

import { join } from "node:path";
import { type MadeOnce, madeOnce } from "../harness/made-once.ts";

const LIMIT_MS = 240_000;

/** The tar's path, or why there is none. */
export function debianTar(): Promise<MadeOnce> {
  return madeOnce("debian.tar", lacking, async (directory) => {
    const root = join(directory, "root");
    const part = join(directory, "debian.tar");
    for (const command of [
      ["debootstrap", "--variant=minbase", "stable", root],
      ["tar", "--numeric-owner", "--xattrs", "-C", root, "-cf", part, "."],
    ]) {
      const child = Bun.spawn(command, { stdout: "ignore", stderr: "ignore", timeout: LIMIT_MS });
      if ((await child.exited) !== 0) throw new Error("debootstrap failed");
    }
    return part;
  });
}

function lacking(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  return Bun.which("debootstrap") === null ? "no debootstrap on PATH" : undefined;
}
