// What is mounted where, as the kernel has it: /proc/self/mountinfo (proc_pid_mountinfo(5)). For those who must know
// before they remove a directory, and to take up mounts that an earlier process made.

import { readFileSync } from "node:fs";

/** Mount points at `path` and below it, in the order in which they were made; one with two mounts is named twice. */
export function mountPointsUnder(path: string): string[] {
  return parseMountPoints(readFileSync("/proc/self/mountinfo", "utf8")).filter(
    (point) => point === path || point.startsWith(`${path}/`),
  );
}

export function isMountPoint(path: string): boolean {
  return mountPointsUnder(path).includes(path);
}

/** The file system of what is mounted at `path`, of several the last; undefined: nothing is. */
export function mountTypeAt(path: string): string | undefined {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  const last = lines.findLast((line) => parseMountPoints(line)[0] === path);
  // Behind a hyphen by itself: there may be any number of fields before it.
  return last === undefined ? undefined : / - (\S+) /.exec(last)?.[1];
}

/** Where the mount with this number (FileStatus.mountId) is in this namespace; undefined when it is gone. */
export function mountPointOf(mountId: bigint): string | undefined {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return parseMountPoints(lines.filter((line) => line.startsWith(`${mountId} `)).join("\n"))[0];
}

/** The fifth field of each line; blanks, line ends and backslashes in it are written as octal numbers. */
export function parseMountPoints(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const point = line.split(" ")[4];
    if (point === undefined) return [];
    if (!point.includes("\\")) return [point];
    return [point.replaceAll(/\\([0-7]{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8)))];
  });
}
