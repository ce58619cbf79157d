// Where the control groups are on this host, read from /proc/self/mountinfo (proc_pid_mountinfo(5)), not guessed.
//   v2      one hierarchy at /sys/fs/cgroup
//   v1      one mount for each controller (or several together)
//   hybrid  v1 controllers, and a v2 tree beside them that has none

import { readFile } from "node:fs/promises";
import { HoyError } from "../../base/error.ts";

export type CgroupMode = "v1" | "hybrid" | "v2";

export interface CgroupLayout {
  readonly mode: CgroupMode;
  /** The v2 tree: the whole of it in v2, the one without controllers in hybrid. */
  readonly unified: string | undefined;
  /** v1 controller ("memory", "name=systemd") → the directory of its hierarchy's root. */
  readonly controllers: ReadonlyMap<string, string>;
}

const KNOWN_V1 = new Set([
  "cpu",
  "cpuacct",
  "cpuset",
  "memory",
  "blkio",
  "devices",
  "freezer",
  "pids",
  "hugetlb",
  "net_cls",
  "net_prio",
  "perf_event",
  "rdma",
  "misc",
]);

/** @throws HoyError "unavailable" when no cgroups are mounted. */
export async function detectCgroups(mountinfo = "/proc/self/mountinfo"): Promise<CgroupLayout> {
  return cgroupLayout(await readFile(mountinfo, "utf8"));
}

export function cgroupLayout(mountinfo: string): CgroupLayout {
  const controllers = new Map<string, string>();
  let unified: string | undefined;
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const [, , , root = "", point = ""] = before.split(" ");
    const [type = "", , options = ""] = after.split(" ");
    // A bind of a part of a hierarchy (in a container's own /sys) is not its root.
    if (root !== "/" && !root.startsWith("/..")) continue;
    if (type === "cgroup2") unified ??= unescapeOctal(point);
    if (type !== "cgroup") continue;
    for (const option of options.split(",")) {
      if (KNOWN_V1.has(option) || option.startsWith("name=")) {
        if (!controllers.has(option)) controllers.set(option, unescapeOctal(point));
      }
    }
  }
  const v1 = [...controllers.keys()].some((name) => KNOWN_V1.has(name));
  if (!v1 && unified === undefined) {
    throw new HoyError("unavailable", "Devices cgroup isn't mounted", { hint: "mount cgroup2 at /sys/fs/cgroup" });
  }
  const mode = !v1 ? "v2" : unified === undefined ? "v1" : "hybrid";
  return { mode, unified, controllers };
}

/** Space, tab, newline and backslash stand as \040 and so on. */
function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
