// The cgroup above a container's, made before the OCI runtime needs it. Under v1 a new cpuset has no CPUs and no memory
// nodes, and takes no process until it has (cpusets.rst). Of two runtimes that start at once, one makes the parent, and
// the other finds it and copies the nothing that is in it yet: ENOSPC. Here both are there before either starts.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { isErrno } from "../../linux/libc.ts";
import type { CgroupLayout } from "./detect.ts";

const FILES = ["cpuset.cpus", "cpuset.mems"];

/**
 * Idempotent, and cheap when it is there: called at every start.
 * @param path of the container's own cgroup, as `cgroupPath` makes it
 */
export function prepareParent(layout: CgroupLayout, path: string): void {
  const root = layout.controllers.get("cpuset");
  if (layout.mode === "v2" || root === undefined) return;
  let above = root;
  for (const part of dirname(path).split("/")) {
    if (part === "") continue;
    const folder = join(above, part);
    makeGroup(folder);
    for (const file of FILES) inherit(join(above, file), join(folder, file));
    above = folder;
  }
}

function makeGroup(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o755 });
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
  }
}

/** What somebody has set stays. */
function inherit(from: string, to: string): void {
  if (readFileSync(to, "utf8").trim() === "") writeFileSync(to, readFileSync(from, "utf8").trim());
}
