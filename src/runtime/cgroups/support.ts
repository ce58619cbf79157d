// Which limits this host's cgroups can hold: asked once, by looking for the files that would be written.
// In v2 a controller's files are missing in the root group, so the list of controllers answers there.

import { access, readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { CgroupLayout } from "./detect.ts";

export interface ResourceSupport {
  readonly memoryLimit: boolean;
  readonly swapLimit: boolean;
  readonly memoryReservation: boolean;
  readonly memorySwappiness: boolean;
  readonly oomKillDisable: boolean;
  readonly kernelMemoryTcp: boolean;
  readonly cpuShares: boolean;
  readonly cpuCfs: boolean;
  readonly cpuRealtime: boolean;
  readonly cpuset: boolean;
  /** Lists as the kernel writes them: "0-3,8". */
  readonly cpus: string;
  readonly mems: string;
  readonly pidsLimit: boolean;
  readonly blkioWeight: boolean;
  readonly blkioWeightDevice: boolean;
  readonly blkioThrottle: boolean;
}

export async function probeResourceSupport(layout: CgroupLayout): Promise<ResourceSupport> {
  return layout.mode === "v2" ? await probeV2(layout.unified ?? "/sys/fs/cgroup") : await probeV1(layout);
}

async function probeV1({ controllers }: CgroupLayout): Promise<ResourceSupport> {
  const has = async (controller: string, file: string) => {
    const root = controllers.get(controller);
    return root !== undefined && (await exists(join(root, file)));
  };
  const text = async (file: string) => {
    const root = controllers.get("cpuset");
    return root === undefined ? "" : await contents(join(root, file));
  };
  return {
    memoryLimit: await has("memory", "memory.limit_in_bytes"),
    swapLimit: await has("memory", "memory.memsw.limit_in_bytes"),
    memoryReservation: await has("memory", "memory.soft_limit_in_bytes"),
    memorySwappiness: await has("memory", "memory.swappiness"),
    oomKillDisable: await has("memory", "memory.oom_control"),
    kernelMemoryTcp: await has("memory", "memory.kmem.tcp.limit_in_bytes"),
    cpuShares: await has("cpu", "cpu.shares"),
    cpuCfs: await has("cpu", "cpu.cfs_quota_us"),
    cpuRealtime: await has("cpu", "cpu.rt_period_us"),
    cpuset: controllers.has("cpuset"),
    cpus: await text("cpuset.cpus"),
    mems: await text("cpuset.mems"),
    pidsLimit: controllers.has("pids"),
    // BFQ's own files (blkio.bfq.weight) do not count: crun 1.8 does not write them, nor does Docker look for them.
    blkioWeight: await has("blkio", "blkio.weight"),
    blkioWeightDevice: await has("blkio", "blkio.weight_device"),
    blkioThrottle: await has("blkio", "blkio.throttle.read_bps_device"),
  };
}

async function probeV2(root: string): Promise<ResourceSupport> {
  const controllers = new Set((await contents(join(root, "cgroup.controllers"))).split(" "));
  const memory = controllers.has("memory");
  return {
    memoryLimit: memory,
    // The root has no memory.swap.max; swap accounting can be off only by the kernel's command line (swapaccount=0).
    swapLimit: memory && !/\bswapaccount=0\b/.test(await contents("/proc/cmdline")),
    memoryReservation: memory,
    memorySwappiness: false,
    oomKillDisable: false,
    kernelMemoryTcp: false,
    cpuShares: controllers.has("cpu"),
    cpuCfs: controllers.has("cpu"),
    cpuRealtime: false,
    cpuset: controllers.has("cpuset"),
    cpus: (await contents(join(root, "cpuset.cpus.effective"))) || `0-${availableParallelism() - 1}`,
    mems: (await contents(join(root, "cpuset.mems.effective"))) || "0",
    pidsLimit: controllers.has("pids"),
    blkioWeight: controllers.has("io"),
    blkioWeightDevice: controllers.has("io"),
    blkioThrottle: controllers.has("io"),
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** "" when it can't be read: the thing asked about is then not there. */
async function contents(path: string): Promise<string> {
  return readFile(path, "utf8").then(
    (text) => text.trim(),
    () => "",
  );
}
