// Where the shims are. A daemon that a service manager started is in a cgroup of its service, and so would be what it
// starts: `systemctl kill` reaches every process there, which would be the end of each container, and a stop complains of
// what is left. So the shims leave it, for one cgroup of theirs beside the containers'.

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { log } from "../../base/log.ts";
import type { CgroupLayout } from "./detect.ts";
import { DEFAULT_PARENT } from "./path.ts";

/** No container's: theirs are called by their ids. */
const NAME = "shims";

/**
 * cgroup.procs files that a shim writes itself into. Never none: the write makes the first move of a process cheap later
 * (see `join_cgroups` in shim/src/main.c), be it to where it is already.
 */
export function shimGroups(layout: CgroupLayout, self = readFileSync("/proc/self/cgroup", "utf8")): string[] {
  const own = ownPaths(layout, self);
  // What service managers look at: the v2 tree, and the hierarchy that has no controllers where there is v1.
  const managed = [layout.unified, layout.controllers.get("name=systemd")].filter((root) => root !== undefined);
  const inService = managed.filter((root) => (own.get(root) ?? "/") !== "/");
  try {
    const groups = inService.map((root) => {
      const group = join(root, DEFAULT_PARENT, NAME);
      mkdirSync(group, { recursive: true, mode: 0o755 });
      return join(group, "cgroup.procs");
    });
    if (groups.length > 0) return groups;
  } catch (error) {
    log.warn("containers end when the engine's own cgroup is killed: there is no other for their shims", { error });
  }
  return ownGroup(layout, self);
}

/** cgroup.procs of where this process is, in one hierarchy. */
export function ownGroup(layout: CgroupLayout, self = readFileSync("/proc/self/cgroup", "utf8")): string[] {
  const [first] = ownPaths(layout, self);
  return first === undefined ? [] : [join(first[0], first[1], "cgroup.procs")];
}

/** Root of a hierarchy → this process's path in it (cgroups(7), /proc/pid/cgroup). */
function ownPaths(layout: CgroupLayout, self: string): Map<string, string> {
  const paths = new Map<string, string>();
  for (const line of self.split("\n")) {
    const [, controllers = "", path = ""] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    const root = controllers === "" ? layout.unified : layout.controllers.get(controllers);
    if (root !== undefined && path !== "") paths.set(root, path);
  }
  return paths;
}
