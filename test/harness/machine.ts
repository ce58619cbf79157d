// What is left on the machine: mounts, processes, cgroups and interfaces that belong to one test's daemon. A daemon's
// things are known by its directory (in mounts and command lines) and its cgroup parent.

import { type Dirent, readdirSync, readFileSync, readlinkSync, rmdirSync } from "node:fs";
import { join } from "node:path";

export interface Traces {
  readonly mounts: readonly string[];
  readonly processes: readonly string[];
  readonly cgroups: readonly string[];
}

/** `mark` is in the daemon's directory name and its cgroup parent. */
export function traces(mark: string): Traces {
  return { mounts: mountsWith(mark), processes: processesWith(mark), cgroups: cgroupsWith(mark) };
}

export function interfaces(): readonly string[] {
  return readdirSync("/sys/class/net").filter((name) => /^(veth|hoy|br-)/.test(name));
}

function mountsWith(mark: string): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines.filter((line) => line.includes(mark)).map((line) => line.split(" ")[4] ?? line);
}

function processesWith(mark: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      const words = textOf(`/proc/${pid}/cmdline`).replaceAll("\0", " ").trim();
      const cgroup = textOf(`/proc/${pid}/cgroup`);
      if (stateOf(pid) === "Z") return [];
      return words.includes(mark) || cgroup.includes(mark) ? [`${pid} ${words} ${rootOf(pid)}`] : [];
    });
}

/** A process's command line, words apart by spaces; "" for a name in /proc that is no process, or has ended. */
export function commandOf(pid: string): string {
  return /^[0-9]+$/.test(pid) ? textOf(`/proc/${pid}/cmdline`).replaceAll("\0", " ") : "";
}

function stateOf(pid: string): string {
  return textOf(`/proc/${pid}/stat`).replace(/^.*\) /s, "")[0] ?? "";
}

function rootOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/root`);
  } catch {
    return "";
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it has ended meanwhile
  }
}

/** The parent that the daemon was given is the caller's to remove; what is still in it keeps it, and shows. */
export function removeEmptyCgroups(parent: string): void {
  for (const path of cgroupsWith(parent.replace(/^\//, ""))) {
    try {
      rmdirSync(path);
    } catch (error) {
      if (!["EBUSY", "ENOTEMPTY"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
    }
  }
}

function cgroupsWith(mark: string): string[] {
  const found: string[] = [];
  const visit = (folder: string, depth: number): void => {
    for (const entry of directories(folder)) {
      const path = join(folder, entry.name);
      if (entry.name.includes(mark)) found.push(path);
      else if (depth > 0) visit(path, depth - 1);
    }
  };
  visit("/sys/fs/cgroup", 4);
  return found;
}

function directories(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  } catch {
    return []; // removed meanwhile
  }
}
