// What the shim and its client need to know of cgroups, v1, hybrid or v2: where a container's files lie, and who is
// still in them. Making cgroups and setting limits is the OCI runtime's work.

import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { HoyError } from "../../base/error.ts";

export interface CgroupMounts {
  /** v1: mount points by controller (`memory`, `pids`, …). */
  readonly v1: ReadonlyMap<string, string>;
  /** v2's mount point. */
  readonly unified: string | undefined;
}

export interface CgroupFiles {
  /** Files with an `oom_kill N` line. */
  readonly oomFiles: readonly string[];
  /** Mount points that the OCI runtime must not see (it refuses hybrid hosts). */
  readonly hide: readonly string[];
  /** cgroup.procs files of the shim's own cgroup. */
  readonly shimProcs: readonly string[];
}

/** Reads /proc/self/mountinfo (proc_pid_mountinfo(5)). */
export function findCgroupMounts(mountinfo = readFileSync("/proc/self/mountinfo", "utf8")): CgroupMounts {
  const v1 = new Map<string, string>();
  let unified: string | undefined;
  for (const line of mountinfo.split("\n")) {
    const [left, right] = line.split(" - ");
    const target = left?.split(" ")[4];
    const [type, , options] = right?.split(" ") ?? [];
    if (target === undefined) continue;
    if (type === "cgroup2") unified ??= target;
    if (type === "cgroup") for (const option of options?.split(",") ?? []) v1.set(option, target);
  }
  return { v1, unified };
}

/** A container's cgroup directory below each hierarchy's root, from the OCI spec's cgroupsPath. */
export function cgroupRelative(cgroupsPath: string): string {
  if (!cgroupsPath.includes(":")) return cgroupsPath;
  // systemd's form, `slice:prefix:name`: a-b.slice lies in a.slice (systemd.slice(5)).
  const [slice = "", prefix = "", name = ""] = cgroupsPath.split(":");
  const stem = (slice === "" ? "system.slice" : slice).replace(/\.slice$/, "");
  const parts = stem.split("-").map((_, index, all) => `${all.slice(0, index + 1).join("-")}.slice`);
  const unit = name.endsWith(".slice") ? name : `${prefix === "" ? "" : `${prefix}-`}${name}.scope`;
  return `/${[...parts, unit].join("/")}`;
}

export function cgroupFiles(mounts: CgroupMounts, cgroupsPath: string | undefined): CgroupFiles {
  const hybrid = mounts.v1.size > 0 && mounts.unified !== undefined;
  const hide = hybrid && mounts.unified !== undefined ? [mounts.unified] : [];
  if (cgroupsPath === undefined) return { oomFiles: [], hide, shimProcs: [] };
  const relative = cgroupRelative(cgroupsPath);
  const memory = mounts.v1.get("memory");
  const oomFiles =
    memory !== undefined
      ? [join(memory, relative, "memory.oom_control")]
      : mounts.unified !== undefined
        ? [join(mounts.unified, relative, "memory.events")]
        : [];
  return { oomFiles, hide, shimProcs: [] };
}

/** The container's directories in all hierarchies that have processes to look for. */
function directories(mounts: CgroupMounts, cgroupsPath: string): string[] {
  const roots = new Set(mounts.v1.values());
  if (mounts.v1.size === 0 && mounts.unified !== undefined) roots.add(mounts.unified);
  const relative = cgroupRelative(cgroupsPath);
  return relative === "/" ? [] : [...roots].map((root) => join(root, relative));
}

/**
 * Kills every process in the container's cgroup and waits until it is empty.
 * @throws HoyError "internal" when some are still there after 10 s (a process in uninterruptible sleep).
 */
export async function killCgroup(mounts: CgroupMounts, cgroupsPath: string): Promise<void> {
  const paths = directories(mounts, cgroupsPath);
  for (let round = 0; round < 500; round++) {
    const pids = new Set(paths.flatMap((path) => processes(path)));
    if (pids.size === 0) return;
    for (const path of paths) thaw(path);
    for (const pid of pids) kill(pid);
    await sleep(Math.min(2 + round * 2, 20));
  }
  throw new HoyError("internal", `processes of the cgroup ${cgroupsPath} can't be killed`);
}

/** Pids in a cgroup and below it; none when it is not there. */
function processes(path: string): number[] {
  try {
    const below = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const own = readFileSync(join(path, "cgroup.procs"), "utf8").split("\n").map(Number);
    return [...own.filter((pid) => pid > 0), ...below.flatMap((entry) => processes(join(path, entry.name)))];
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}

/** A frozen process takes no signal: v1 `freezer.state`, v2 `cgroup.freeze`. Not every hierarchy has either file. */
function thaw(path: string): void {
  for (const [file, value] of [
    ["freezer.state", "THAWED"],
    ["cgroup.freeze", "0"],
  ] as const) {
    try {
      writeFileSync(join(path, file), value, { flag: "r+" });
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!isGone(error)) throw error;
  }
}

const GONE = new Set(["ENOENT", "ESRCH", "ENODEV", "ENOTDIR"]);

function isGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && GONE.has(error.code);
}
