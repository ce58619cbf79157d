// Nothing may be mounted over /proc: the OCI runtime writes security labels there while the container starts, and a
// false /proc would swallow them. Single files of figures may be covered, as lxcfs does.

import { posix } from "node:path";
import { HoyError } from "../../base/error.ts";

const FIGURES = new Set([
  "/proc/cpuinfo",
  "/proc/diskstats",
  "/proc/loadavg",
  "/proc/meminfo",
  "/proc/slabinfo",
  "/proc/stat",
  "/proc/swaps",
  "/proc/sys/crypto/fips_enabled",
  "/proc/sys/kernel/ns_last_pid",
  "/proc/uptime",
]);

/**
 * @param source a bind of the host's own /proc is one, and allowed
 * @throws HoyError "invalid" with runc's words
 */
export function refuseProc(source: string, destination: string): void {
  const inside = destination === "/proc" || destination.startsWith("/proc/");
  if (!inside || FIGURES.has(destination)) return;
  if (destination === "/proc" && posix.resolve(source) === "/proc") return;
  throw new HoyError("invalid", `${JSON.stringify(destination)} cannot be mounted because it is inside /proc`);
}
