// The whole machine's CPU time, which clients compare a container's with (/proc/stat, proc_stat(5)).

import { readFile } from "node:fs/promises";
import { HoyError } from "../../base/error.ts";

/** sysconf(_SC_CLK_TCK) is 100 on every Linux that matters; the kernel shows USER_HZ, whatever its own HZ. */
const NS_PER_TICK = 1e9 / 100;

export interface SystemCpu {
  /** ns of all CPUs together, idle time included, since the boot. */
  readonly system_cpu_usage: number;
  readonly online_cpus: number;
}

export async function systemCpu(file = "/proc/stat"): Promise<SystemCpu> {
  return parseProcStat(await readFile(file, "utf8"));
}

/** @throws HoyError "internal" when the first line is not what it has always been */
export function parseProcStat(text: string): SystemCpu {
  const lines = text.split("\n").filter((line) => line.startsWith("cpu"));
  const [total = "", ...each] = lines;
  // user nice system idle iowait irq softirq; guest time is in user already.
  const ticks = total.split(/\s+/).slice(1, 8).map(Number);
  if (ticks.length < 7 || ticks.some((tick) => !Number.isFinite(tick))) {
    throw new HoyError("internal", "invalid number of cpu fields");
  }
  return {
    system_cpu_usage: ticks.reduce((sum, tick) => sum + tick, 0) * NS_PER_TICK,
    online_cpus: each.length,
  };
}
