// The file systems every container has: proc, dev, devpts, sysfs, cgroup, mqueue, shm, as Docker mounts them. Where the
// container's user namespace does not own the namespace a file system shows, the kernel refuses the mount
// (user_namespaces(7)), and the host's own is bound in its place.

import type { OciMount } from "../oci.ts";
import type { SpecInput } from "./input.ts";
import { isHost, owns } from "./namespaces.ts";

export const DEFAULT_SHM_SIZE = 64 * 1024 * 1024;

/** What /dev/shm is: bound from `source` on the host, of the container's own, or not there. */
export function defaultMounts(input: SpecInput): OciMount[] {
  const list: (OciMount | undefined)[] = [
    owns(input, "pid") ? mount("/proc", "proc", "proc") : hostTree("/proc", []),
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", ...ttyGroup(input)],
    },
    owns(input, "network") ? mount("/sys", "sysfs", "sysfs", ["ro"]) : hostTree("/sys", ["ro"]),
    { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid", "noexec", "nodev"] },
    queues(input),
    sharedMemory(input),
  ];
  return list.filter((one) => one !== undefined);
}

/** Not every host has its own mounted; then the container that shares its ipc namespace goes without. */
function queues(input: SpecInput): OciMount | undefined {
  if (owns(input, "ipc")) return mount("/dev/mqueue", "mqueue", "mqueue");
  return input.facts.mqueue && isHost(input.hostConfig.IpcMode) ? hostTree("/dev/mqueue", []) : undefined;
}

function mount(destination: string, type: string, source: string, more: readonly string[] = []): OciMount {
  return { destination, type, source, options: ["nosuid", "noexec", "nodev", ...more] };
}

/** Recursive, as mounts below one that came from another user namespace can't be left out: mount_namespaces(7). */
function hostTree(path: string, more: readonly string[]): OciMount {
  return { destination: path, type: "bind", source: path, options: ["rbind", "nosuid", "noexec", "nodev", ...more] };
}

/** Group `tty` is 5 everywhere; a mapping that has no 5 can't name it. */
function ttyGroup({ idMap }: SpecInput): string[] {
  const known = idMap === undefined || idMap.gids.some(({ container, size }) => container <= 5 && 5 < container + size);
  return known ? ["gid=5"] : [];
}

function sharedMemory(input: SpecInput): OciMount | undefined {
  const mode = input.hostConfig.IpcMode;
  if (mode === "none") return undefined;
  const source = isHost(mode) ? "/dev/shm" : input.shmPath;
  if (source !== undefined) {
    return {
      destination: "/dev/shm",
      type: "bind",
      source,
      options: ["rbind", "nosuid", "noexec", "nodev", "rprivate"],
    };
  }
  const size = input.hostConfig.ShmSize || DEFAULT_SHM_SIZE;
  return mount("/dev/shm", "tmpfs", "shm", ["mode=1777", `size=${size}`]);
}
