// Parts of /proc and /sys that a container must not see or write: Docker's lists. MaskedPaths and ReadonlyPaths of
// HostConfig replace them, also when they are empty.

import { existsSync } from "node:fs";

const MASKED = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
];

export const READONLY_PATHS: readonly string[] = [
  "/proc/bus",
  "/proc/fs",
  "/proc/irq",
  "/proc/sys",
  "/proc/sysrq-trigger",
];

/** The CPUs' thermal counters are a side channel; there is one file for each CPU that has them. */
export function maskedPaths(cpus: number): string[] {
  const thermal = Array.from({ length: cpus }, (_, cpu) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`);
  return [...MASKED, ...thermal.filter((path) => existsSync(path))];
}
