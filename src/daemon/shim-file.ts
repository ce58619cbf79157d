// The shim as a program on disk. It is embedded in the executable, and a process needs a file: it is written to the exec
// root under a name that holds its hash, so an upgraded daemon brings its own while older shims go on running from theirs.

import { createHash } from "node:crypto";
import {
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

/** Writes the shim if it is not there yet; returns its absolute path. */
export function placeShim(program: Uint8Array, run: string): string {
  const hash = createHash("sha256").update(program).digest("hex");
  const folder = join(run, "bin");
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  const path = join(folder, `hoy-shim-${hash.slice(0, 16)}`);
  if (isWhole(path, hash)) return path;
  const beside = `${path}.${process.pid}`;
  const fd = openSync(beside, "w", 0o700);
  try {
    for (let done = 0; done < program.length; ) done += writeSync(fd, program, done);
    fchmodSync(fd, 0o755);
    fsyncSync(fd);
  } finally {
    closeSync(fd); // before the rename: a program that is open for writing can't be run (ETXTBSY)
  }
  renameSync(beside, path);
  return path;
}

function isWhole(path: string, hash: string): boolean {
  try {
    const mode = statSync(path).mode & 0o777;
    return mode === 0o755 && createHash("sha256").update(readFileSync(path)).digest("hex") === hash;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}
