// Are the limits possible? Bounds and conflicts are errors; what this host's kernel can't hold is left out with a
// warning, as Docker does. Order and words are moby's (daemon/daemon_unix.go), which scripts look at.

import type { Resources } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import { checkCpuList } from "./cpuset.ts";
import type { HostFacts } from "./facts.ts";

/** Bytes: less leaves a runtime no room to start. */
const LEAST_MEMORY = 6 * 1024 * 1024;

/** Ulimits that Docker knows. */
const ULIMITS = new Set(
  "core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(" "),
);

export interface CheckedResources<T extends Resources> {
  readonly resources: T;
  readonly warnings: readonly string[];
}

/**
 * @param update true for limits of a container that is there already: what is 0 stays as it is
 * @throws HoyError "invalid"
 */
export function validateResources<T extends Resources>(
  given: T,
  facts: HostFacts,
  update: boolean,
): CheckedResources<T> {
  const resources = { ...given };
  const warnings: string[] = [];
  const discard = (warning: string, ...fields: (keyof Resources)[]) => {
    warnings.push(warning);
    for (const field of fields) Reflect.deleteProperty(resources, field);
  };
  memory(resources, facts, update, discard);
  pidsAndOom(resources, facts, discard);
  cpu(resources, facts, discard);
  blkio(resources, facts, discard);
  for (const limit of resources.Ulimits ?? []) checkUlimit(limit);
  return { resources, warnings };
}

type Discard = (warning: string, ...fields: (keyof Resources)[]) => void;

function memory(resources: Resources, { support }: HostFacts, update: boolean, discard: Discard): void {
  if (resources.MemorySwappiness === -1) Reflect.deleteProperty(resources, "MemorySwappiness");
  for (const field of ["Memory", "MemoryReservation", "KernelMemoryTCP"] as const) {
    if ((resources[field] ?? 0) < 0) invalid(`invalid ${field}: value must not be negative`);
  }
  if ((resources.MemorySwap ?? 0) < -1)
    invalid("invalid MemorySwap: value must be -1 (unlimited), 0 or a number of bytes");
  const limit = resources.Memory ?? 0;
  if (limit !== 0 && limit < LEAST_MEMORY) invalid("Minimum memory limit allowed is 6MB");
  if (limit > 0 && !support.memoryLimit) {
    discard(unsupported("memory limit capabilities", "Limitation discarded."), "Memory", "MemorySwap");
  }
  if (resources.Memory && resources.MemorySwap !== -1 && !support.swapLimit) {
    resources.MemorySwap = -1;
    discard(unsupported("swap limit capabilities", "Memory limited without swap."));
  }
  const { Memory = 0, MemorySwap = 0 } = resources;
  if (Memory > 0 && MemorySwap > 0 && MemorySwap < Memory) {
    invalid("Minimum memoryswap limit should be larger than memory limit, see usage");
  }
  if (Memory === 0 && MemorySwap > 0 && !update) {
    invalid("You should always set the Memory limit when using Memoryswap limit, see usage");
  }
  const swappiness = resources.MemorySwappiness;
  if (swappiness !== undefined && !support.memorySwappiness) {
    discard(unsupported("memory swappiness capabilities", "Memory swappiness discarded."), "MemorySwappiness");
  } else if (swappiness !== undefined && (swappiness < 0 || swappiness > 100)) {
    invalid(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
  }
  if (resources.MemoryReservation && !support.memoryReservation) {
    discard(unsupported("memory soft limit capabilities", "Limitation discarded."), "MemoryReservation");
  }
  const { MemoryReservation: reservation = 0 } = resources;
  if (reservation > 0 && reservation < LEAST_MEMORY) invalid("Minimum memory reservation allowed is 6MB");
  if (Memory > 0 && reservation > Memory) {
    invalid("Minimum memory limit can not be less than memory reservation limit, see usage");
  }
  if (resources.KernelMemoryTCP && !support.kernelMemoryTcp) {
    discard(unsupported("kernel memory TCP limit capabilities", "Limitation discarded."), "KernelMemoryTCP");
  }
}

function pidsAndOom(resources: Resources, { support }: HostFacts, discard: Discard): void {
  if (resources.OomKillDisable === true && !support.oomKillDisable) {
    discard("Your kernel does not support OomKillDisable. OomKillDisable discarded.", "OomKillDisable");
  }
  if (resources.OomKillDisable === true && !resources.Memory) {
    discard(
      "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
    );
  }
  if ((resources.PidsLimit ?? 0) > 0 && !support.pidsLimit) {
    discard(unsupported("PIDs limit capabilities", "PIDs limit discarded."), "PidsLimit");
  }
}

function cpu(resources: Resources, { support, cpus }: HostFacts, discard: Discard): void {
  const { NanoCpus: nano = 0, CpuPeriod: period = 0, CpuQuota: quota = 0, CpuShares: shares = 0 } = resources;
  if (shares < 0) invalid(`invalid CPU shares (${shares}): value must be a positive integer`);
  if (nano > 0 && period > 0) invalid("Conflicting options: Nano CPUs and CPU Period cannot both be set");
  if (nano > 0 && quota > 0) invalid("Conflicting options: Nano CPUs and CPU Quota cannot both be set");
  if (nano > 0 && !support.cpuCfs) {
    invalid("NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted");
  }
  if (nano !== 0 && (nano < 0 || nano > cpus * 1e9)) {
    invalid(`range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`);
  }
  if (shares > 0 && !support.cpuShares) {
    discard("Your kernel does not support CPU shares or the cgroup is not mounted. Shares discarded.", "CpuShares");
  }
  if ((period !== 0 || quota !== 0) && !support.cpuCfs) {
    discard("Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.", "CpuPeriod", "CpuQuota");
  }
  if (period !== 0 && (period < 1000 || period > 1_000_000)) {
    invalid("CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  }
  if (quota > 0 && quota < 1000) invalid("CPU cfs quota can not be less than 1ms (i.e. 1000)");
  if ((resources.CpuPercent ?? 0) > 0) discard("linux does not support CPU percent. Percent discarded.", "CpuPercent");
  realtime(resources, support.cpuRealtime);
  const { CpusetCpus: wantedCpus = "", CpusetMems: wantedMems = "" } = resources;
  if ((wantedCpus !== "" || wantedMems !== "") && !support.cpuset) {
    discard(
      "Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.",
      "CpusetCpus",
      "CpusetMems",
    );
    return;
  }
  checkCpuList("cpus", wantedCpus, support.cpus);
  checkCpuList("mems", wantedMems, support.mems);
}

function realtime(
  { CpuRealtimePeriod: period = 0, CpuRealtimeRuntime: runtime = 0 }: Resources,
  supported: boolean,
): void {
  if (period < 0 || runtime < 0) invalid("cpu real-time period and runtime must not be negative");
  if ((period !== 0 || runtime !== 0) && !supported) invalid("kernel does not support CPU real-time scheduler");
  if (period !== 0 && runtime > period) invalid("cpu real-time runtime cannot be higher than cpu real-time period");
}

const THROTTLES = [
  ["BlkioDeviceReadBps", "BPS Block I/O read limit", "Block I/O BPS read limit"],
  ["BlkioDeviceWriteBps", "BPS Block I/O write limit", "Block I/O BPS write limit"],
  ["BlkioDeviceReadIOps", "IOPS Block read limit", "Block I/O IOPS read limit"],
  ["BlkioDeviceWriteIOps", "IOPS Block write limit", "Block I/O IOPS write limit"],
] as const;

function blkio(resources: Resources, { support }: HostFacts, discard: Discard): void {
  const { BlkioWeight: weight = 0, BlkioWeightDevice: weights = [] } = resources;
  const possible = (value: number) => value >= 10 && value <= 1000;
  if ((weight !== 0 && !possible(weight)) || !weights.every(({ Weight = 0 }) => possible(Weight))) {
    invalid("Range of blkio weight is from 10 to 1000");
  }
  if (weight > 0 && !support.blkioWeight) {
    discard(unsupported("Block I/O weight", "Weight discarded."), "BlkioWeight");
  }
  if (resources.IOMaximumBandwidth) {
    invalid("invalid option: QoS maximum bandwidth configuration is not supported on linux");
  }
  if (resources.IOMaximumIOps) invalid("invalid option: QoS maximum IOPs configuration is not supported on linux");
  if (weights.length > 0 && !support.blkioWeightDevice) {
    discard(unsupported("Block I/O weight_device", "Weight-device discarded."), "BlkioWeightDevice");
  }
  for (const [field, what, limit] of THROTTLES) {
    const devices = resources[field] ?? [];
    if (devices.some(({ Rate = 0 }) => Rate < 0)) invalid(`invalid ${field}: the rate must not be negative`);
    if (devices.length > 0 && !support.blkioThrottle) discard(unsupported(what, `${limit} discarded.`), field);
  }
}

/** @throws HoyError "invalid" with the words of Docker's client, which checks the same */
function checkUlimit({ Name = "", Soft = 0, Hard = 0 }: NonNullable<Resources["Ulimits"]>[number]): void {
  if (!ULIMITS.has(Name)) invalid(`invalid ulimit type: ${Name}`);
  if (Soft < -1 || Hard < -1) invalid(`invalid ulimit ${Name}: value must be -1 (unlimited) or not negative`);
  if (Hard === -1) return;
  if (Soft === -1) {
    invalid(`ulimit soft limit must be less than or equal to hard limit: soft: -1 (unlimited), hard: ${Hard}`);
  }
  if (Soft > Hard) invalid(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
}

const unsupported = (what: string, then: string) =>
  `Your kernel does not support ${what} or the cgroup is not mounted. ${then}`;

function invalid(message: string): never {
  throw new HoyError("invalid", message);
}
