// The name of a container's cgroup, the same in every hierarchy.

import { posix } from "node:path";

/** Parent of all containers that do not name another. */
export const DEFAULT_PARENT = "/hoy";

/**
 * `/hoy/<id>`, or below CgroupParent. Always absolute and clean: a parent of "../../x" is "/x", as nothing may lead out
 * of the hierarchy, and a relative one would depend on where the daemon happens to run.
 */
export function cgroupPath(id: string, cgroupParent: string | undefined): string {
  const parent = cgroupParent === undefined || cgroupParent === "" ? DEFAULT_PARENT : cgroupParent;
  return posix.join("/", parent, id);
}
