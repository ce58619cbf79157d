// The figures of a v2 cgroup in the API's names (cgroup-v2.rst). What v2 does not count is left out, as Docker does.

import { join } from "node:path";
import type { ContainerBlkioStatEntry, ContainerMemoryStats } from "../../api/types/stats.ts";
import type { CgroupStats } from "./contract.ts";
import { readKeyed, readNumber, readText } from "./files.ts";

const NS_PER_US = 1000;

/** memory.stat's own names → the API's, where they differ. */
const MEMORY_FIELDS: readonly (readonly [api: string, file: string])[] = [
  ..."anon file kernel_stack slab sock shmem file_mapped file_dirty file_writeback anon_thp inactive_anon active_anon inactive_file active_file unevictable slab_reclaimable slab_unreclaimable pgfault pgmajfault"
    .split(" ")
    .map((name) => [name, name] as const),
  ["workingset_refault", "workingset_refault_file"],
  ["workingset_activate", "workingset_activate_file"],
  ["workingset_nodereclaim", "workingset_nodereclaim"],
  ..."pgrefill pgscan pgsteal pgactivate pgdeactivate pglazyfree pglazyfreed thp_fault_alloc thp_collapse_alloc"
    .split(" ")
    .map((name) => [name, name] as const),
];

export async function statsV2(folder: string, hostMemory: number): Promise<CgroupStats> {
  const [cpu, io, memory_stats, current, most] = await Promise.all([
    readKeyed(join(folder, "cpu.stat")),
    readText(join(folder, "io.stat")),
    memory(folder, hostMemory),
    readNumber(join(folder, "pids.current")),
    readNumber(join(folder, "pids.max")),
  ]);
  const ns = (name: string) => (cpu.get(name) ?? 0) * NS_PER_US;
  return {
    cpu_stats: {
      cpu_usage: {
        total_usage: ns("usage_usec"),
        percpu_usage: null,
        usage_in_kernelmode: ns("system_usec"),
        usage_in_usermode: ns("user_usec"),
      },
      throttling_data: {
        periods: cpu.get("nr_periods") ?? 0,
        throttled_periods: cpu.get("nr_throttled") ?? 0,
        throttled_time: ns("throttled_usec"),
      },
    },
    memory_stats,
    blkio_stats: {
      io_service_bytes_recursive: parseIoStat(io ?? ""),
      io_serviced_recursive: null,
      io_queue_recursive: null,
      io_service_time_recursive: null,
      io_wait_time_recursive: null,
      io_merged_recursive: null,
      io_time_recursive: null,
      sectors_recursive: null,
    },
    pids_stats: { current: current ?? 0, ...(most !== undefined && most !== Infinity && { limit: most }) },
  };
}

async function memory(folder: string, hostMemory: number): Promise<ContainerMemoryStats> {
  const [usage, limit, fields, events] = await Promise.all([
    readNumber(join(folder, "memory.current")),
    readNumber(join(folder, "memory.max")),
    readKeyed(join(folder, "memory.stat")),
    readKeyed(join(folder, "memory.events")),
  ]);
  const value = (file: string) => fields.get(file) ?? fields.get(file.replace(/_file$/, "")) ?? 0;
  return {
    usage: usage ?? 0,
    stats: Object.fromEntries(MEMORY_FIELDS.map(([api, file]) => [api, value(file)])),
    failcnt: events.get("oom") ?? 0,
    limit: Math.min(limit ?? hostMemory, hostMemory),
  };
}

/** `8:0 rbytes=1 wbytes=2 …` lines. */
export function parseIoStat(text: string): ContainerBlkioStatEntry[] {
  return text.split("\n").flatMap((line) => {
    const match = /^([0-9]+):([0-9]+)\b(.*)$/.exec(line);
    if (!match) return [];
    const [, major, minor, rest = ""] = match;
    const bytes = (key: string) => Number(new RegExp(`\\b${key}=([0-9]+)`).exec(rest)?.[1] ?? 0);
    const device = { major: Number(major), minor: Number(minor) };
    return [
      { ...device, op: "read", value: bytes("rbytes") },
      { ...device, op: "write", value: bytes("wbytes") },
    ];
  });
}
