// One container's figures as a row of `stats`.

import type { ContainerNetworkStats, ContainerStatsResponse } from "../../../api/types/stats.ts";
import { truncateId } from "../../base/text.ts";
import { bytesSize, humanSizeWithPrecision } from "../../format/units.ts";
import { View } from "../../template/value.ts";

export const STATS_TABLE =
  "table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}";

export const STATS_HEADERS = {
  Container: "CONTAINER",
  Name: "NAME",
  ID: "CONTAINER ID",
  CPUPerc: "CPU %",
  MemUsage: "MEM USAGE / LIMIT",
  MemPerc: "MEM %",
  NetIO: "NET I/O",
  BlockIO: "BLOCK I/O",
  PIDs: "PIDS",
};

/** `figures` undefined: nothing is known (yet, or any more). */
export function statsView(asked: string, figures: ContainerStatsResponse | undefined, truncate: boolean): View {
  const id = figures?.id ?? "";
  const or = (empty: string, show: (known: ContainerStatsResponse) => string) => () =>
    figures === undefined ? empty : show(figures);
  return new View("*container.statsContext", {
    BlockIO: or("--", (known) => pair(blockBytes(known, "r"), blockBytes(known, "w"))),
    CPUPerc: or("--", (known) => percent(cpuPercent(known))),
    Container: () => asked,
    ID: () => (truncate ? truncateId(id) : id),
    MemPerc: or("--", (known) => percent(memoryPercent(known))),
    MemUsage: or(
      "-- / --",
      (known) => `${bytesSize(memoryUsed(known))} / ${bytesSize(known.memory_stats?.limit ?? 0)}`,
    ),
    Name: () => (figures?.name ?? "").replace(/^\//, "") || "--",
    NetIO: or("--", (known) => pair(networkBytes(known, "rx_bytes"), networkBytes(known, "tx_bytes"))),
    PIDs: or("--", (known) => String(known.pids_stats?.current ?? 0)),
  });
}

const percent = (value: number) => `${value.toFixed(2)}%`;
const pair = (left: number, right: number) =>
  `${humanSizeWithPrecision(left, 3)} / ${humanSizeWithPrecision(right, 3)}`;

function cpuPercent({ cpu_stats: now, precpu_stats: before }: ContainerStatsResponse): number {
  const used = (now?.cpu_usage?.total_usage ?? 0) - (before?.cpu_usage?.total_usage ?? 0);
  const passed = (now?.system_cpu_usage ?? 0) - (before?.system_cpu_usage ?? 0);
  const cpus = now?.online_cpus || now?.cpu_usage?.percpu_usage?.length || 0;
  return used > 0 && passed > 0 ? (used / passed) * cpus * 100 : 0;
}

/** Without the cache that the kernel would give up first, by either version of cgroups. */
function memoryUsed({ memory_stats: memory }: ContainerStatsResponse): number {
  const usage = memory?.usage ?? 0;
  const cache = memory?.stats?.total_inactive_file ?? memory?.stats?.inactive_file ?? 0;
  return cache < usage ? usage - cache : usage;
}

function memoryPercent(figures: ContainerStatsResponse): number {
  const limit = figures.memory_stats?.limit ?? 0;
  return limit === 0 ? 0 : (memoryUsed(figures) / limit) * 100;
}

function networkBytes({ networks }: ContainerStatsResponse, field: "rx_bytes" | "tx_bytes"): number {
  const each = Object.values((networks ?? {}) as Record<string, ContainerNetworkStats>);
  return each.reduce((sum, network) => sum + network[field], 0);
}

function blockBytes({ blkio_stats: blkio }: ContainerStatsResponse, operation: "r" | "w"): number {
  return (blkio?.io_service_bytes_recursive ?? [])
    .filter(({ op }) => op.toLowerCase().startsWith(operation))
    .reduce((sum, { value }) => sum + value, 0);
}
