// All mounts of a container, in the order they are made: the default ones, then the user's by depth, so that a mount
// below another comes after it. Every bind source is first put at a staging point in the bundle by the shim (with the
// container's ids when it has a user namespace), and the spec names the staging point.

import { statSync } from "node:fs";
import { join, posix } from "node:path";
import { HoyError } from "../../base/error.ts";
import type { StagedBind } from "../contract.ts";
import type { OciDevice, OciMount } from "../oci.ts";
import { defaultMounts } from "./default-mounts.ts";
import { type DeviceBinds, deviceBinds } from "./device-binds.ts";
import { atLeast, type HostFacts } from "./facts.ts";
import type { ResolvedBind, ResolvedMount, SpecInput } from "./input.ts";
import { refuseProc } from "./proc-guard.ts";
import { tmpfsMounts, tmpfsOptions } from "./tmpfs.ts";

export interface ContainerMounts {
  readonly mounts: readonly OciMount[];
  readonly binds: readonly StagedBind[];
  readonly rootfsPropagation: string | undefined;
  readonly warnings: readonly string[];
}

/** @param devices those that are bound in place of being made; @param more binds of the engine's own */
export function mountsOf(
  input: SpecInput,
  devices: readonly OciDevice[],
  more: readonly ResolvedMount[],
): ContainerMounts {
  const user = byDepth(userMounts(input, more));
  const covered = new Set(user.map((mount) => mount.destination));
  const binds: StagedBind[] = [];
  const stagingPoint = (index: number) => join(input.bundle, "binds", String(index));
  const stage = (source: string, recursive: boolean, idmap: boolean): string => {
    const target = stagingPoint(binds.length);
    binds.push({ source, target, recursive, idmap: idmap && input.idMap !== undefined });
    return target;
  };
  const kept = defaultMounts(input)
    .filter(({ destination }) => !covered.has(destination))
    .filter(({ destination }) => !(covered.has("/dev") && destination.startsWith("/dev/")))
    .map((mount) => adapted(mount, input));
  const own = user.map((mount): OciMount => {
    if (mount.type === "tmpfs") {
      const options = tmpfsOptions(mount.options);
      return { destination: mount.destination, type: "tmpfs", source: "tmpfs", options };
    }
    const source = stage(mount.source, mount.recursive ?? true, mount.idmap ?? true);
    return { destination: mount.destination, type: "bind", source, options: bindOptions(mount, input.facts.kernel) };
  });
  const nodes = nodesOf(input, devices, (index) => stagingPoint(binds.length + index));
  const shared = user.some((mount) => mount.type === "bind" && isShared(mount.propagation));
  const slave = user.some((mount) => mount.type === "bind" && isSlave(mount.propagation));
  const warnings =
    shared && input.idMap
      ? ["Mounts made in a user namespace are not seen on the host: shared propagation works one way only"]
      : [];
  return {
    mounts: [...kept, ...nodes.mounts, ...own],
    binds: [...binds, ...nodes.binds],
    rootfsPropagation: shared ? "shared" : slave ? "rslave" : undefined,
    warnings,
  };
}

function nodesOf(input: SpecInput, devices: readonly OciDevice[], stage: (index: number) => string): DeviceBinds {
  const { idMap, deviceDirectory } = input;
  if (idMap === undefined || deviceDirectory === undefined) return { binds: [], mounts: [] };
  return deviceBinds(devices, idMap, deviceDirectory, stage);
}

/** One for each destination: what was resolved goes before what HostConfig says, and both before the engine's files. */
function userMounts(input: SpecInput, more: readonly ResolvedMount[]): ResolvedMount[] {
  const found = new Map<string, ResolvedMount>();
  const all = [...input.mounts, ...tmpfsMounts(input.hostConfig), ...files(input), ...more];
  for (const mount of all) {
    const destination = posix.resolve("/", mount.destination);
    refuseProc(mount.type === "bind" ? mount.source : "tmpfs", destination);
    if (!found.has(destination)) found.set(destination, { ...mount, destination });
  }
  return [...found.values()];
}

function files({ files: { hostname, hosts, resolvConf }, hostConfig }: SpecInput): ResolvedBind[] {
  const writable = hostConfig.ReadonlyRootfs !== true;
  const wanted: [string, string | undefined][] = [
    ["/etc/resolv.conf", resolvConf],
    ["/etc/hostname", hostname],
    ["/etc/hosts", hosts],
  ];
  return wanted.flatMap(([destination, source]) =>
    source === undefined ? [] : [{ type: "bind", source, destination, writable }],
  );
}

function byDepth(mounts: readonly ResolvedMount[]): ResolvedMount[] {
  const depth = (mount: ResolvedMount) => mount.destination.split("/").filter((part) => part !== "").length;
  return mounts.toSorted((a, b) => depth(a) - depth(b) || (a.destination < b.destination ? -1 : 1));
}

/** mount_setattr(2), which makes what is mounted below read-only too. */
const RECURSIVE_READ_ONLY = [5, 12] as const;

/** @throws HoyError "invalid" for read-only options that can't be had, or exclude each other */
function bindOptions(mount: ResolvedBind, kernel: HostFacts["kernel"]): string[] {
  const recursive = mount.recursive ?? true;
  const below = mount.readOnlyBelow ?? "try";
  const able = atLeast(kernel, RECURSIVE_READ_ONLY);
  if (!mount.writable && below === "force") {
    if (!recursive) invalid("mount options conflict: NonRecursive && ReadOnlyForceRecursive");
    if (!able) invalid("rro is not supported: kernel version is older than 5.12");
  }
  // A file has nothing below it, and crun 1.8 fails on it.
  const all = recursive && below !== "no" && able && isDirectory(mount.source);
  const access = mount.writable ? [] : [all ? "rro" : "ro"];
  return [recursive ? "rbind" : "bind", ...access, mount.propagation ?? "rprivate"];
}

/** A source that is not there is `prepareBinds`'s to report. */
function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? true;
}

function invalid(message: string): never {
  throw new HoyError("invalid", message);
}

const isShared = (propagation: string | undefined) => propagation === "shared" || propagation === "rshared";
const isSlave = (propagation: string | undefined) => propagation === "slave" || propagation === "rslave";

/** A read-only root makes what is not the container's own scratch read-only; a privileged container may write /sys. */
function adapted(mount: OciMount, { hostConfig, idMap }: SpecInput): OciMount {
  const scratch = ["/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue"].includes(mount.destination);
  const without = (mount.options ?? []).filter((option) => option !== "ro");
  const writable = hostConfig.Privileged === true && ["/sys", "/sys/fs/cgroup"].includes(mount.destination);
  if (writable && idMap === undefined) return { ...mount, options: without };
  if (hostConfig.ReadonlyRootfs === true && !scratch) return { ...mount, options: [...without, "ro"] };
  return mount;
}
