// Changing a running container's limits under v1, by writing them. Only what is given is written.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import type { OciResources, OciThrottle } from "../oci.ts";
import { readNumber, writeText } from "./files.ts";
import type { Directories } from "./v1-stats.ts";

export async function updateV1(at: Directories, resources: OciResources): Promise<void> {
  const write = async (controller: string, file: string, value: number | string | undefined) => {
    if (value === undefined) return;
    const folder = at(controller);
    if (folder === undefined) throw new HoyError("invalid", `the ${controller} cgroup isn't mounted`);
    await writeText(join(folder, file), String(value));
  };
  await memory(at, resources.memory ?? {}, write);
  await cpu(at, resources.cpu ?? {}, write);
  if (resources.pids) await write("pids", "pids.max", resources.pids.limit <= 0 ? "max" : resources.pids.limit);
  await blkio(at, resources.blockIO ?? {}, write);
}

type Write = (controller: string, file: string, value: number | string | undefined) => Promise<void>;

async function memory(at: Directories, wanted: NonNullable<OciResources["memory"]>, write: Write): Promise<void> {
  const { limit, swap } = wanted;
  const setLimit = () => write("memory", "memory.limit_in_bytes", limit);
  const setSwap = () => write("memory", "memory.memsw.limit_in_bytes", swap);
  // At every moment memory ≤ memory+swap must hold: whichever moves away from the other goes first.
  const now = await readNumber(join(at("memory") ?? "", "memory.memsw.limit_in_bytes"));
  const raised = swap !== undefined && (swap === -1 || (now !== undefined && swap > now));
  if (raised) await setSwap();
  await setLimit();
  if (!raised) await setSwap();
  await write("memory", "memory.soft_limit_in_bytes", wanted.reservation);
  await write("memory", "memory.kmem.tcp.limit_in_bytes", wanted.kernelTCP);
  await write("memory", "memory.swappiness", wanted.swappiness);
  if (wanted.disableOOMKiller !== undefined) {
    await write("memory", "memory.oom_control", wanted.disableOOMKiller ? 1 : 0);
  }
}

async function cpu(at: Directories, wanted: NonNullable<OciResources["cpu"]>, write: Write): Promise<void> {
  await write("cpu", "cpu.shares", wanted.shares);
  // A share of a parent's quota is checked on each write: a smaller share of CPU first, then the other number.
  const { quota, period } = wanted;
  const oldPeriod = await readNumber(join(at("cpu") ?? "", "cpu.cfs_period_us"));
  const periodFirst = period !== undefined && oldPeriod !== undefined && period > oldPeriod;
  if (periodFirst) await write("cpu", "cpu.cfs_period_us", period);
  await write("cpu", "cpu.cfs_quota_us", quota);
  if (!periodFirst) await write("cpu", "cpu.cfs_period_us", period);
  await write("cpu", "cpu.rt_period_us", wanted.realtimePeriod);
  await write("cpu", "cpu.rt_runtime_us", wanted.realtimeRuntime);
  await write("cpuset", "cpuset.cpus", wanted.cpus);
  await write("cpuset", "cpuset.mems", wanted.mems);
}

async function blkio(at: Directories, wanted: NonNullable<OciResources["blockIO"]>, write: Write): Promise<void> {
  const bfq = existsSync(join(at("blkio") ?? "", "blkio.bfq.weight")) ? "blkio.bfq." : "blkio.";
  await write("blkio", `${bfq}weight`, wanted.weight);
  for (const { major, minor, weight } of wanted.weightDevice ?? []) {
    await write("blkio", `${bfq}weight_device`, `${major}:${minor} ${weight}`);
  }
  const throttle = async (file: string, devices: readonly OciThrottle[] | undefined) => {
    for (const { major, minor, rate } of devices ?? []) {
      await write("blkio", `blkio.throttle.${file}`, `${major}:${minor} ${rate}`);
    }
  };
  await throttle("read_bps_device", wanted.throttleReadBpsDevice);
  await throttle("write_bps_device", wanted.throttleWriteBpsDevice);
  await throttle("read_iops_device", wanted.throttleReadIOPSDevice);
  await throttle("write_iops_device", wanted.throttleWriteIOPSDevice);
}
