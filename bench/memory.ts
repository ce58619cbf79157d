// What processes and the machine use, in bytes, by /proc.

import { readFileSync } from "node:fs";

export function memoryOf(pid: number): { rss: number; pss: number } {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0) * 1024;
  return { rss: field("Rss"), pss: field("Pss") };
}

/** What nothing but its users can give back: without the page cache, which grows and shrinks by everybody's reading. */
export function usedMemory(): number {
  const text = readFileSync("/proc/meminfo", "utf8");
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0) * 1024;
  const cache = field("Buffers") + field("Cached") + field("SReclaimable") - field("Shmem");
  return field("MemTotal") - field("MemFree") - cache;
}
