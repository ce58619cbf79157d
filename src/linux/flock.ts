// flock(2): advisory locks on whole files, let go when the file is closed, also by a crash.

import { constants } from "node:os";
import { lastErrno, libc, SystemError } from "./libc.ts";

const calls = libc({ flock: { args: ["i32", "i32"], returns: "i32" } });
const LOCK = { SH: 1, EX: 2, NB: 4, UN: 8 } as const;

/** Takes the lock if it is free; false when another holds it. Never waits. */
export function tryLock(fd: number, kind: "shared" | "exclusive" = "exclusive"): boolean {
  if (calls().flock(fd, (kind === "shared" ? LOCK.SH : LOCK.EX) | LOCK.NB) === 0) return true;
  const errno = lastErrno();
  if (errno === constants.errno.EWOULDBLOCK) return false;
  throw new SystemError(errno, "flock");
}

export function unlock(fd: number): void {
  if (calls().flock(fd, LOCK.UN) !== 0) throw new SystemError(lastErrno(), "flock");
}
