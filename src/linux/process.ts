// Processes: pidfd_open(2) and pidfd_send_signal(2), which can't hit another process that got the same pid, and kill(2)
// for when there is no fd. 0 as signal only asks whether the process is there.

import { check, I64, libc } from "./libc.ts";
import { SYS } from "./syscalls.ts";

const calls = libc({ kill: { args: ["i32", "i32"], returns: "i32" } });
const openCall = libc({ syscall: { args: [I64, "i32", "u32"], returns: I64 } });
const sendCall = libc({ syscall: { args: [I64, "i32", "i32", "ptr", "u32"], returns: I64 } });

/** An fd that stands for the process (closed on exec). @throws SystemError ESRCH when there is none. */
export function pidfdOpen(pid: number): number {
  return check(openCall().syscall(SYS.pidfd_open, pid, 0), "pidfd_open", `pid ${pid}`);
}

/** @throws SystemError ESRCH when the process has ended. */
export function pidfdSendSignal(pidfd: number, signal: number): void {
  check(sendCall().syscall(SYS.pidfd_send_signal, pidfd, signal, null, 0), "pidfd_send_signal");
}

/** kill(2); a negative pid is a process group. */
export function kill(pid: number, signal: number): void {
  check(calls().kill(pid, signal), "kill", `pid ${pid}`);
}
