// cgroup limits: from Docker's Resources to OCI's linux.resources (config-linux.md#control-groups). The values have
// been checked by `validateHostConfig`; here they only change their form. `update` uses the same.

import { statSync } from "node:fs";
import type { Resources, ThrottleDevice } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import type { OciResources, OciThrottle } from "../oci.ts";

/** Microseconds: what --cpus is counted in. */
const CFS_PERIOD = 100_000;

/** @throws HoyError "invalid" when a device path of blkio does not exist */
export function resourcesOf(config: Resources): OciResources {
  const memory = memoryOf(config);
  const cpu = cpuOf(config);
  const blockIO = blockIoOf(config);
  const pids = config.PidsLimit;
  return {
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(Object.keys(blockIO).length > 0 && { blockIO }),
    ...(pids !== undefined && pids !== null && { pids: { limit: pids <= 0 ? -1 : pids } }),
  };
}

function memoryOf(config: Resources): NonNullable<OciResources["memory"]> {
  const swappiness = config.MemorySwappiness;
  return {
    ...(positive(config.Memory) && { limit: config.Memory }),
    ...(positive(config.MemoryReservation) && { reservation: config.MemoryReservation }),
    ...(positive(config.MemorySwap) && { swap: config.MemorySwap }),
    ...(typeof swappiness === "number" && swappiness >= 0 && { swappiness }),
    ...(config.OomKillDisable === true && { disableOOMKiller: true }),
    ...(positive(config.KernelMemoryTCP) && { kernelTCP: config.KernelMemoryTCP }),
  };
}

function cpuOf(config: Resources): NonNullable<OciResources["cpu"]> {
  const nano = config.NanoCpus ?? 0;
  return {
    ...(config.CpuShares && { shares: config.CpuShares }),
    ...(config.CpusetCpus && { cpus: config.CpusetCpus }),
    ...(config.CpusetMems && { mems: config.CpusetMems }),
    ...(nano > 0 && { period: CFS_PERIOD, quota: Math.floor((nano * CFS_PERIOD) / 1e9) }),
    ...(config.CpuPeriod && { period: config.CpuPeriod }),
    ...(config.CpuQuota && { quota: config.CpuQuota }),
    ...(config.CpuRealtimePeriod && { realtimePeriod: config.CpuRealtimePeriod }),
    ...(config.CpuRealtimeRuntime && { realtimeRuntime: config.CpuRealtimeRuntime }),
  };
}

function blockIoOf(config: Resources): NonNullable<OciResources["blockIO"]> {
  const weights = config.BlkioWeightDevice ?? [];
  const throttles = (devices: readonly ThrottleDevice[] | undefined): OciThrottle[] | undefined =>
    devices?.length ? devices.map(({ Path, Rate }) => ({ ...deviceNumber(Path ?? ""), rate: Rate ?? 0 })) : undefined;
  const found: NonNullable<OciResources["blockIO"]> = {
    ...(config.BlkioWeight && { weight: config.BlkioWeight }),
    ...(weights.length > 0 && {
      weightDevice: weights.map(({ Path, Weight }) => ({ ...deviceNumber(Path ?? ""), weight: Weight ?? 0 })),
    }),
  };
  const readBps = throttles(config.BlkioDeviceReadBps);
  const writeBps = throttles(config.BlkioDeviceWriteBps);
  const readIops = throttles(config.BlkioDeviceReadIOps);
  const writeIops = throttles(config.BlkioDeviceWriteIOps);
  if (readBps) found.throttleReadBpsDevice = readBps;
  if (writeBps) found.throttleWriteBpsDevice = writeBps;
  if (readIops) found.throttleReadIOPSDevice = readIops;
  if (writeIops) found.throttleWriteIOPSDevice = writeIops;
  return found;
}

/** @throws HoyError "invalid" with the words of Go's os.PathError */
function deviceNumber(path: string): { major: number; minor: number } {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new HoyError("invalid", `stat ${path}: no such file or directory`);
  return splitDevice(stat.rdev);
}

/** dev_t as glibc packs it in 64 bits: makedev(3). */
export function splitDevice(rdev: number): { major: number; minor: number } {
  const device = BigInt(rdev);
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}

const positive = (value: number | undefined): value is number => value !== undefined && value > 0;
