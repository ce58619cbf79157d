// GET /containers/{id}/stats: what the cgroup and the network interfaces count, each sample with the one before it, so
// that clients can make rates of them.

import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { ContainerCPUStats, ContainerStatsResponse } from "../../api/types/stats.ts";
import { isErrno } from "../../linux/libc.ts";
import { systemCpu } from "../../runtime/cgroups/system-cpu.ts";
import type { EngineContext } from "../context.ts";
import { now, ZERO_TIME } from "../time.ts";
import { cgroupOf } from "./cgroup.ts";
import type { Container } from "./container.ts";
import { isRunning } from "./machine.ts";

const INTERVAL_MS = 1000;

type Counters = NonNullable<ContainerStatsResponse["networks"]>[string];

const NO_CPU: ContainerCPUStats = {
  cpu_usage: { total_usage: 0, usage_in_kernelmode: 0, usage_in_usermode: 0, percpu_usage: null },
  throttling_data: { periods: 0, throttled_periods: 0, throttled_time: 0 },
};

/**
 * `stream`: one a second until the client goes or the container is removed; else one, after a second reading for the
 * rates unless `oneShot`. A container that does not run gives samples without figures, as Docker's do.
 */
export async function* containerStats(
  engine: EngineContext,
  container: Container,
  options: { readonly stream: boolean; readonly oneShot: boolean },
  signal: AbortSignal,
): AsyncGenerator<ContainerStatsResponse, void, void> {
  let before = options.stream || options.oneShot ? undefined : await sample(engine, container);
  if (before !== undefined && !(await pause(signal))) return;
  while (!signal.aborted) {
    const current = await sample(engine, container);
    yield {
      ...current,
      preread: before?.read ?? ZERO_TIME,
      precpu_stats: before?.cpu_stats ?? NO_CPU,
    };
    if (!options.stream) return;
    before = current;
    if (!(await pause(signal))) return;
    if (engine.containers.byId(container.id) === undefined) return;
  }
}

/** False when the client went away meanwhile. */
async function pause(signal: AbortSignal): Promise<boolean> {
  try {
    await sleep(INTERVAL_MS, undefined, { signal });
    return true;
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") return false;
    throw error;
  }
}

async function sample(engine: EngineContext, container: Container): Promise<ContainerStatsResponse> {
  const figures = isRunning(container.state) ? await cgroupOf(engine, container).stats(engine.facts.memory) : undefined;
  const base = {
    name: `/${container.name}`,
    id: container.id,
    read: figures === undefined ? ZERO_TIME : now(),
    num_procs: 0,
    storage_stats: {},
  };
  if (figures === undefined) {
    return { ...base, pids_stats: {}, blkio_stats: {}, cpu_stats: NO_CPU, memory_stats: {} };
  }
  const networks = await interfaceCounters(container);
  return {
    ...base,
    ...figures,
    cpu_stats: { ...figures.cpu_stats, ...(await systemCpu()) },
    ...(networks === undefined ? {} : { networks }),
  };
}

/**
 * From /proc/PID/net/dev (proc_pid_net(5)): the interfaces of the container's namespace, loopback left out. Undefined
 * for the host's network, whose figures are not the container's, and when the process is gone.
 */
async function interfaceCounters(container: Container): Promise<Record<string, Counters> | undefined> {
  if (container.spec.hostConfig.NetworkMode === "host") return undefined;
  let text: string;
  try {
    text = await readFile(`/proc/${container.state.pid}/net/dev`, "utf8");
  } catch (error) {
    if (isErrno(error, "ENOENT", "ESRCH", "EINVAL")) return undefined;
    throw error;
  }
  const found = parseNetDev(text);
  return Object.keys(found).length === 0 ? undefined : found;
}

export function parseNetDev(text: string): Record<string, Counters> {
  const found: Record<string, Counters> = {};
  for (const line of text.split("\n").slice(2)) {
    const match = /^\s*([^:\s]+):\s*(.*)$/.exec(line);
    if (match?.[1] === undefined || match[1] === "lo") continue;
    const column = (match[2] ?? "").split(/\s+/).map(Number);
    found[match[1]] = {
      rx_bytes: column[0] ?? 0,
      rx_packets: column[1] ?? 0,
      rx_errors: column[2] ?? 0,
      rx_dropped: column[3] ?? 0,
      tx_bytes: column[8] ?? 0,
      tx_packets: column[9] ?? 0,
      tx_errors: column[10] ?? 0,
      tx_dropped: column[11] ?? 0,
    };
  }
  return found;
}
