// One container's control group, v1 and v2 alike. It is made by the OCI runtime and named by `cgroupPath`; here it is
// read, frozen, changed and taken away. Every call is safe on a cgroup that is (already) gone: reading gives nothing,
// removing is done. Errors of writing are HoyErrors that name the limit.

import type {
  ContainerBlkioStats,
  ContainerCPUStats,
  ContainerMemoryStats,
  ContainerPidsStats,
} from "../../api/types/stats.ts";
import type { OciResources } from "../oci.ts";

/** The pieces of the API's stats that a cgroup knows. CPU without the system's (see `systemCpu`). */
export interface CgroupStats {
  readonly cpu_stats: ContainerCPUStats;
  readonly memory_stats: ContainerMemoryStats;
  readonly blkio_stats: ContainerBlkioStats;
  readonly pids_stats: ContainerPidsStats;
}

export interface Cgroup {
  /** As in cgroupsPath: "/hoy/<id>". */
  readonly path: string;
  exists(): boolean;
  /** Of the cgroup and of those that the container made below it, as the daemon sees them; ascending. */
  pids(): Promise<number[]>;
  /** @returns undefined when the cgroup is gone. A limit that is none is the host's memory. */
  stats(hostMemory: number): Promise<CgroupStats | undefined>;
  /** Stops every process; resolves when all stand. @throws HoyError "internal" when they don't in time: they run on. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Writes what is given, leaves the rest. -1 is "no limit". @throws HoyError "invalid" when the kernel refuses. */
  update(resources: OciResources): Promise<void>;
  /** SIGKILL to all, frozen or not, until none is left. @throws HoyError "internal" when some outlive it (state D). */
  killAll(): Promise<void>;
  /**
   * Takes it away where no process and no group is in it, as after most ends: whether that was so. Else it is as it was.
   */
  removeEmpty(): Promise<boolean>;
  /** Takes away the cgroup with those below it. Idempotent. @throws HoyError "internal" while processes are in it. */
  remove(): Promise<void>;
  /** Files with a line `oom_kill N` (the shim's `oom-file`). */
  oomFiles(): string[];
}
