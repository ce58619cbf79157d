// The pidfile: says which process is the daemon. A stale one (its process is gone, or is another program that got the
// number since) is written over; a live one refuses. What keeps two daemons apart for certain is the data root's lock.

import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { HoyError } from "../base/error.ts";

/** Writes our pid; returns how to take the file away again. @throws HoyError "conflict" naming the running daemon. */
export function writePidfile(path: string): () => void {
  const other = readPid(path);
  if (other !== undefined && other !== process.pid && isDaemon(other)) {
    throw new HoyError("conflict", `process with PID ${other} is still running`, {
      hint: `stop it, or name another file with --pidfile (this one is ${path})`,
    });
  }
  const beside = `${path}.${process.pid}`;
  writeFileSync(beside, `${process.pid}\n`, { mode: 0o644 });
  renameSync(beside, path);
  return () => {
    if (readPid(path) === process.pid) rmSync(path, { force: true });
  };
}

function readPid(path: string): number | undefined {
  try {
    const text = readFileSync(path, "latin1").trim();
    return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new HoyError("invalid", `unable to read the pidfile ${path}: ${(error as Error).message}`, { cause: error });
  }
}

/**
 * Whether the process runs and goes by a daemon's name (after a boot the number may be anyone's). One that has ended and
 * was not waited for yet still has its number, and is no daemon any more. proc_pid_stat(5): "PID (comm) state …".
 */
function isDaemon(pid: number): boolean {
  try {
    const [, name = "", state = ""] = /^\d+ \((.*)\) (\S)/s.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    const own = readFileSync("/proc/self/comm", "utf8").trimEnd();
    return state !== "Z" && state !== "X" && ["hoy", "hoyd", "dockerd", own].includes(name);
  } catch (error) {
    if (["ENOENT", "ESRCH"].includes((error as NodeJS.ErrnoException).code ?? "")) return false;
    throw error;
  }
}
