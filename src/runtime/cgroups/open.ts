// The cgroup of a container, whichever version the host has.

import { HoyError } from "../../base/error.ts";
import type { Cgroup } from "./contract.ts";
import type { CgroupLayout } from "./detect.ts";
import { CgroupV1 } from "./v1.ts";
import { CgroupV2 } from "./v2.ts";

/**
 * @param path as `cgroupPath` makes it
 * @throws HoyError "internal" for a path that could name somebody else's group: what is opened here may be killed whole
 */
export function openCgroup(layout: CgroupLayout, path: string): Cgroup {
  const parts = path.split("/");
  if (parts.length < 2 || parts[0] !== "" || parts.slice(1).some((part) => ["", ".", ".."].includes(part))) {
    throw new HoyError("internal", `not the cgroup of a container: ${JSON.stringify(path)}`);
  }
  return layout.mode === "v2" ? new CgroupV2(layout.unified ?? "/sys/fs/cgroup", path) : new CgroupV1(layout, path);
}
