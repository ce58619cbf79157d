// What the host can do, probed once at the start of the daemon and handed to everything that must not look itself.

import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { arch, availableParallelism, release, totalmem } from "node:os";
import { LOADED_PROFILES, loadDefaultProfile } from "../apparmor/load.ts";
import { type CgroupLayout, detectCgroups } from "../cgroups/detect.ts";
import { probeResourceSupport, type ResourceSupport } from "../cgroups/support.ts";
import { capabilityNames } from "./capabilities.ts";

export interface HostFacts {
  readonly cgroups: CgroupLayout;
  readonly support: ResourceSupport;
  /** CPUs the daemon may use. */
  readonly cpus: number;
  /** Bytes of memory of the host. */
  readonly memory: number;
  /** "amd64", "arm64" …: Go's names, as images use them. */
  readonly architecture: string;
  /** Of the running kernel. */
  readonly kernel: readonly [major: number, minor: number];
  /** Capabilities that the daemon can give in its own user namespace: those of its bounding set. */
  readonly capabilities: readonly string[];
  /** Those the kernel knows: a process that makes a user namespace has them all in there. */
  readonly kernelCapabilities: readonly string[];
  readonly apparmor: boolean;
  /** Name of the containers' default profile, which the kernel has loaded; undefined: none could be loaded. */
  readonly apparmorProfile: string | undefined;
  readonly selinux: boolean;
  /** Does the host have /dev/mqueue, to be bound where a container can't mount its own? */
  readonly mqueue: boolean;
  readonly seccomp: boolean;
  /** RLIMIT name without prefix, lower case ("nofile") → the daemon's hard limit; Infinity: none. */
  readonly hardLimits: ReadonlyMap<string, number>;
  /** Whether sysctls exist ("net.ipv4.ip_unprivileged_port_start"). */
  readonly sysctls: ReadonlySet<string>;
}

/** The sysctls that a container gets by default, where the kernel has them. */
export const DEFAULT_NET_SYSCTLS = ["net.ipv4.ip_unprivileged_port_start", "net.ipv4.ping_group_range"] as const;

const GO_ARCH: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", loong64: "loong64" };

/** Also loads the AppArmor profile where the kernel takes one. @throws HoyError "unavailable" when the host has no cgroups. */
export async function probeHost(): Promise<HostFacts> {
  const cgroups = await detectCgroups();
  const status = await readFile("/proc/self/status", "utf8");
  const apparmor = await readable(LOADED_PROFILES);
  const present = await Promise.all(
    DEFAULT_NET_SYSCTLS.map(async (name) => ((await readable(`/proc/sys/${name.replaceAll(".", "/")}`)) ? [name] : [])),
  );
  return {
    cgroups,
    support: await probeResourceSupport(cgroups),
    cpus: availableParallelism(),
    memory: totalmem(),
    architecture: GO_ARCH[arch()] ?? arch(),
    kernel: parseKernel(release()),
    capabilities: capabilityNames(BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`)),
    kernelCapabilities: capabilityNames((1n << (BigInt(await lastCapability()) + 1n)) - 1n),
    apparmor,
    apparmorProfile: apparmor ? await loadDefaultProfile() : undefined,
    selinux: await readable("/sys/fs/selinux/enforce"),
    mqueue: existsSync("/dev/mqueue"),
    seccomp: /^Seccomp:/m.test(status),
    hardLimits: parseLimits(await readFile("/proc/self/limits", "utf8")),
    sysctls: new Set(present.flat()),
  };
}

async function lastCapability(): Promise<number> {
  return Number((await readFile("/proc/sys/kernel/cap_last_cap", "utf8")).trim());
}

/** What a container may be given. */
export function availableCapabilities(facts: HostFacts, userNamespace: boolean): readonly string[] {
  return userNamespace ? facts.kernelCapabilities : facts.capabilities;
}

async function readable(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}

/** "6.1.0-18-amd64" → [6, 1]. */
export function parseKernel(text: string): readonly [number, number] {
  const match = /^([0-9]+)\.([0-9]+)/.exec(text);
  return [Number(match?.[1] ?? 0), Number(match?.[2] ?? 0)];
}

/** Is the kernel this version or a later one? */
export function atLeast([major, minor]: HostFacts["kernel"], wanted: readonly [number, number]): boolean {
  return major > wanted[0] || (major === wanted[0] && minor >= wanted[1]);
}

const LIMIT_NAMES: Readonly<Record<string, string>> = {
  "Max cpu time": "cpu",
  "Max file size": "fsize",
  "Max data size": "data",
  "Max stack size": "stack",
  "Max core file size": "core",
  "Max resident set": "rss",
  "Max processes": "nproc",
  "Max open files": "nofile",
  "Max locked memory": "memlock",
  "Max address space": "as",
  "Max file locks": "locks",
  "Max pending signals": "sigpending",
  "Max msgqueue size": "msgqueue",
  "Max nice priority": "nice",
  "Max realtime priority": "rtprio",
  "Max realtime timeout": "rttime",
};

/** Hard limits out of /proc/PID/limits (proc_pid_limits(5)). */
export function parseLimits(text: string): Map<string, number> {
  const limits = new Map<string, number>();
  for (const line of text.split("\n")) {
    const match = /^(Max [a-z ]+?)\s{2,}(\S+)\s+(\S+)/.exec(line);
    const name = LIMIT_NAMES[match?.[1] ?? ""];
    if (match && name !== undefined) limits.set(name, match[3] === "unlimited" ? Infinity : Number(match[3]));
  }
  return limits;
}
