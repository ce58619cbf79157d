// `docker update`: new limits over a container's old ones, and what of them is written to a running one's cgroup.

import type { HostConfig, Resources } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import type { OciResources } from "../oci.ts";
import type { HostFacts } from "./facts.ts";
import { resourcesOf } from "./resources.ts";
import { checkHostConfigShape, withoutNulls } from "./shape.ts";
import { validateResources } from "./validate-resources.ts";

export interface LimitUpdate {
  /** What the container's row keeps. */
  readonly hostConfig: HostConfig;
  /** For `Cgroup.update` when it runs. */
  readonly resources: OciResources;
  readonly warnings: readonly string[];
}

/** Members of HostConfig that may be changed on a container that is there. */
const UPDATABLE = [
  "BlkioWeight",
  "BlkioWeightDevice",
  "BlkioDeviceReadBps",
  "BlkioDeviceWriteBps",
  "BlkioDeviceReadIOps",
  "BlkioDeviceWriteIOps",
  "CpuShares",
  "NanoCpus",
  "CpuPeriod",
  "CpuQuota",
  "CpuRealtimePeriod",
  "CpuRealtimeRuntime",
  "CpusetCpus",
  "CpusetMems",
  "Memory",
  "MemorySwap",
  "MemoryReservation",
  "PidsLimit",
] as const satisfies readonly (keyof Resources)[];

/**
 * What is left out, 0 or "" stays as it was. RestartPolicy is the engine's own.
 * @throws HoyError "invalid" for impossible limits, "conflict" for ones that don't go with those that are set
 */
export function updateLimits(current: HostConfig, wanted: Resources, facts: HostFacts): LimitUpdate {
  checkHostConfigShape(wanted);
  const { resources: update, warnings } = validateResources(withoutNulls(wanted), facts, true);
  // The first limit of a container that had none: swap as at create.
  if (update.Memory && !update.MemorySwap && !current.MemorySwap && facts.support.swapLimit) {
    update.MemorySwap = update.Memory * 2;
  }
  checkAgainst(current, update);
  const changed = UPDATABLE.filter((field) => {
    const value = update[field];
    return field === "PidsLimit" ? value !== undefined : value !== undefined && value !== 0 && value !== "";
  });
  const picked: Resources = Object.fromEntries(changed.map((field) => [field, update[field]]));
  const hostConfig = { ...current, ...picked };
  const resources = resourcesOf(picked);
  // For a container that starts, "unlimited" is not saying anything; for one that runs, it has to be said.
  if (picked.MemorySwap === -1) resources.memory = { ...resources.memory, swap: -1 };
  return { hostConfig, resources, warnings };
}

function checkAgainst(current: HostConfig, update: Resources): void {
  const conflict = (message: string) => {
    throw new HoyError("conflict", message);
  };
  const { NanoCpus: nano = 0, CpuPeriod: period = 0, CpuQuota: quota = 0, Memory = 0, MemorySwap = 0 } = update;
  if (nano > 0 && (current.CpuPeriod ?? 0) > 0) {
    conflict("Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set");
  }
  if (nano > 0 && (current.CpuQuota ?? 0) > 0) {
    conflict("Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set");
  }
  if (period > 0 && (current.NanoCpus ?? 0) > 0) {
    conflict("Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set");
  }
  if (quota > 0 && (current.NanoCpus ?? 0) > 0) {
    conflict("Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set");
  }
  if (MemorySwap > 0 && MemorySwap < (Memory || (current.Memory ?? 0))) {
    throw new HoyError("invalid", "Minimum memoryswap limit should be larger than memory limit, see usage");
  }
  const swap = current.MemorySwap ?? 0;
  if (Memory > 0 && MemorySwap === 0 && swap !== -1 && Memory > swap) {
    conflict(
      "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
    );
  }
}
