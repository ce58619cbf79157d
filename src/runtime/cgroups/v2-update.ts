// Changing a running container's limits under v2, by writing them. Only what is given is written. Docker's limits are
// v1's; how each is said in v2 is what the OCI runtimes do when the container starts.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { OciResources, OciThrottle } from "../oci.ts";
import { readNumber, readText, writeText } from "./files.ts";

export async function updateV2(folder: string, resources: OciResources): Promise<void> {
  const write = async (file: string, value: number | string | undefined) => {
    if (value !== undefined) await writeText(join(folder, file), String(value));
  };
  await memory(folder, resources.memory ?? {}, write);
  await cpu(folder, resources.cpu ?? {}, write);
  if (resources.pids) await write("pids.max", unlimited(resources.pids.limit));
  await io(folder, resources.blockIO ?? {}, write);
}

type Write = (file: string, value: number | string | undefined) => Promise<void>;

const unlimited = (value: number) => (value <= 0 ? "max" : value);

async function memory(folder: string, wanted: NonNullable<OciResources["memory"]>, write: Write): Promise<void> {
  const { limit, swap, reservation } = wanted;
  if (limit !== undefined) await write("memory.max", unlimited(limit));
  if (reservation !== undefined) await write("memory.low", reservation);
  if (swap === undefined) return;
  // v1 counts memory and swap together, v2 swap alone.
  const max = (limit !== undefined && limit > 0 ? limit : await readNumber(join(folder, "memory.max"))) ?? Infinity;
  await write("memory.swap.max", swap < 0 || max === Infinity ? "max" : Math.max(0, swap - max));
}

async function cpu(folder: string, wanted: NonNullable<OciResources["cpu"]>, write: Write): Promise<void> {
  if (wanted.shares !== undefined) await write("cpu.weight", weightOfShares(wanted.shares));
  if (wanted.quota !== undefined || wanted.period !== undefined) {
    const [oldQuota = "max", oldPeriod = "100000"] = ((await readText(join(folder, "cpu.max"))) ?? "").split(" ");
    const quota = wanted.quota === undefined ? oldQuota || "max" : unlimited(wanted.quota);
    await write("cpu.max", `${quota} ${wanted.period ?? oldPeriod}`);
  }
  await write("cpuset.cpus", wanted.cpus);
  await write("cpuset.mems", wanted.mems);
}

/** 2…262144 to 1…10000, in a straight line, as crun and runc 1.1 do. */
export function weightOfShares(shares: number): number {
  const bounded = Math.min(262_144, Math.max(2, shares));
  return 1 + Math.floor(((bounded - 2) * 9999) / 262_142);
}

async function io(folder: string, wanted: NonNullable<OciResources["blockIO"]>, write: Write): Promise<void> {
  const bfq = existsSync(join(folder, "io.bfq.weight"));
  const file = bfq ? "io.bfq.weight" : "io.weight";
  const scaled = (weight: number) => (bfq ? weight : 1 + Math.floor(((weight - 10) * 9999) / 990));
  if (wanted.weight !== undefined) await write(file, bfq ? wanted.weight : `default ${scaled(wanted.weight)}`);
  for (const { major, minor, weight } of wanted.weightDevice ?? []) {
    await write(file, `${major}:${minor} ${scaled(weight)}`);
  }
  const throttle = async (key: string, devices: readonly OciThrottle[] | undefined) => {
    for (const { major, minor, rate } of devices ?? []) {
      await write("io.max", `${major}:${minor} ${key}=${unlimited(rate)}`);
    }
  };
  await throttle("rbps", wanted.throttleReadBpsDevice);
  await throttle("wbps", wanted.throttleWriteBpsDevice);
  await throttle("riops", wanted.throttleReadIOPSDevice);
  await throttle("wiops", wanted.throttleWriteIOPSDevice);
}
