// The figures of a v1 cgroup in the API's names (cgroup-v1/memory.rst, cpuacct.rst, blkio-controller.rst). Those of
// memory.stat go through as they are: clients know both the plain and the total_ ones.

import { join } from "node:path";
import type { ContainerBlkioStatEntry, ContainerBlkioStats, ContainerMemoryStats } from "../../api/types/stats.ts";
import type { CgroupStats } from "./contract.ts";
import { readKeyed, readNumber, readText } from "./files.ts";

/** Directory of the container in a controller's hierarchy. */
export type Directories = (controller: string) => string | undefined;

const NS_PER_TICK = 1e9 / 100;

/** Fields of memory.stat that Docker sends; the kernel has more. */
const OWN = [
  "cache",
  "rss",
  "rss_huge",
  "mapped_file",
  "dirty",
  "writeback",
  "pgpgin",
  "pgpgout",
  "pgfault",
  "pgmajfault",
  "inactive_anon",
  "active_anon",
  "inactive_file",
  "active_file",
  "unevictable",
];
const MEMORY_FIELDS = [
  ...OWN,
  "hierarchical_memory_limit",
  "hierarchical_memsw_limit",
  ...OWN.map((name) => `total_${name}`),
];

export async function statsV1(at: Directories, hostMemory: number): Promise<CgroupStats> {
  const [cpu_stats, memory_stats, blkio_stats, pids_stats] = await Promise.all([
    cpu(at),
    memory(at("memory"), hostMemory),
    blkio(at("blkio")),
    pids(at("pids")),
  ]);
  return { cpu_stats, memory_stats, blkio_stats, pids_stats };
}

async function cpu(at: Directories): Promise<CgroupStats["cpu_stats"]> {
  const account = at("cpuacct") ?? "";
  const [total, each, split, throttling] = await Promise.all([
    readNumber(join(account, "cpuacct.usage")),
    readText(join(account, "cpuacct.usage_percpu")),
    readKeyed(join(account, "cpuacct.stat")),
    readKeyed(join(at("cpu") ?? "", "cpu.stat")),
  ]);
  return {
    cpu_usage: {
      total_usage: total ?? 0,
      percpu_usage: (each ?? "").split(" ").filter(Boolean).map(Number),
      usage_in_kernelmode: (split.get("system") ?? 0) * NS_PER_TICK,
      usage_in_usermode: (split.get("user") ?? 0) * NS_PER_TICK,
    },
    throttling_data: {
      periods: throttling.get("nr_periods") ?? 0,
      throttled_periods: throttling.get("nr_throttled") ?? 0,
      throttled_time: throttling.get("throttled_time") ?? 0,
    },
  };
}

async function memory(folder: string | undefined, hostMemory: number): Promise<ContainerMemoryStats> {
  if (folder === undefined) return {};
  const [usage, most, failures, limit, fields] = await Promise.all([
    readNumber(join(folder, "memory.usage_in_bytes")),
    readNumber(join(folder, "memory.max_usage_in_bytes")),
    readNumber(join(folder, "memory.failcnt")),
    readNumber(join(folder, "memory.limit_in_bytes")),
    readKeyed(join(folder, "memory.stat")),
  ]);
  return {
    usage: usage ?? 0,
    max_usage: most ?? 0,
    stats: Object.fromEntries(MEMORY_FIELDS.map((name) => [name, fields.get(name) ?? 0])),
    failcnt: failures ?? 0,
    // "No limit" is a number near 2^63.
    limit: Math.min(limit ?? hostMemory, hostMemory),
  };
}

async function pids(folder: string | undefined): Promise<CgroupStats["pids_stats"]> {
  if (folder === undefined) return {};
  const [current, limit] = await Promise.all([
    readNumber(join(folder, "pids.current")),
    readNumber(join(folder, "pids.max")),
  ]);
  return { current: current ?? 0, ...(limit !== undefined && limit !== Infinity && { limit }) };
}

/** BFQ's figures where that scheduler runs, the older names on older kernels, else the throttler's. */
async function blkio(folder: string | undefined): Promise<ContainerBlkioStats> {
  const first = async (...names: string[]): Promise<ContainerBlkioStatEntry[]> => {
    for (const name of folder === undefined ? [] : names) {
      const entries = parseBlkio((await readText(join(folder ?? "", `blkio.${name}`))) ?? "");
      if (entries.length > 0) return entries;
    }
    return [];
  };
  return {
    io_service_bytes_recursive: await first(
      "bfq.io_service_bytes_recursive",
      "io_service_bytes_recursive",
      "throttle.io_service_bytes_recursive",
      "throttle.io_service_bytes",
    ),
    io_serviced_recursive: await first(
      "bfq.io_serviced_recursive",
      "io_serviced_recursive",
      "throttle.io_serviced_recursive",
      "throttle.io_serviced",
    ),
    io_queue_recursive: await first("bfq.io_queued_recursive", "io_queued_recursive"),
    io_service_time_recursive: await first("bfq.io_service_time_recursive", "io_service_time_recursive"),
    io_wait_time_recursive: await first("bfq.io_wait_time_recursive", "io_wait_time_recursive"),
    io_merged_recursive: await first("bfq.io_merged_recursive", "io_merged_recursive"),
    io_time_recursive: await first("bfq.time_recursive", "time_recursive"),
    sectors_recursive: await first("bfq.sectors_recursive", "sectors_recursive"),
  };
}

/** `8:0 Read 4096` lines, or `8:0 17` in the files without an operation; the sum at the end ("Total 17") is left. */
export function parseBlkio(text: string): ContainerBlkioStatEntry[] {
  return text.split("\n").flatMap((line) => {
    const match = /^([0-9]+):([0-9]+) (?:([A-Za-z]+) )?([0-9]+)$/.exec(line);
    if (!match) return [];
    const [, major, minor, op = "", value] = match;
    return [{ major: Number(major), minor: Number(minor), op: op.toLowerCase(), value: Number(value) }];
  });
}
