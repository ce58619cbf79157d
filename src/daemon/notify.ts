// What systemd is told and tells (sd_notify(3), sd_listen_fds(3)): ready, stopping, and sockets it opened before us.
// Without systemd nothing happens. The variables are taken out of the environment, so that no child believes them.

import { HoyError } from "../base/error.ts";
import { log } from "../base/log.ts";
import { sendDatagram } from "../linux/datagram.ts";

const FIRST_FD = 3;
const MOST_FDS = 64;

export interface PassedSocket {
  readonly fd: number;
  /** FileDescriptorName= of the socket unit, "" when none. */
  readonly name: string;
}

type Environment = Record<string, string | undefined>;

/** A function that tells the service manager, e.g. "READY=1"; a failure is logged, never thrown. */
export function notifier(env: Environment = process.env): (state: string) => void {
  const path = env.NOTIFY_SOCKET;
  delete env.NOTIFY_SOCKET;
  if (path === undefined || !/^[/@]/.test(path)) return () => undefined;
  return (state) => {
    try {
      sendDatagram(path, state);
    } catch (error) {
      log.warn("the service manager could not be told", { state, error });
    }
  };
}

/** Sockets passed to this very process. @throws HoyError "invalid" when the variables make no sense. */
export function passedSockets(env: Environment = process.env, pid = process.pid): readonly PassedSocket[] {
  const { LISTEN_PID: forPid, LISTEN_FDS: count, LISTEN_FDNAMES: names } = env;
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete env[name];
  if (forPid === undefined || count === undefined || Number(forPid) !== pid) return [];
  if (!/^\d{1,3}$/.test(count) || Number(count) > MOST_FDS) {
    throw new HoyError("invalid", `LISTEN_FDS=${count} is not a number of sockets`);
  }
  const named = names?.split(":") ?? [];
  return Array.from({ length: Number(count) }, (_, index) => ({ fd: FIRST_FD + index, name: named[index] ?? "" }));
}
