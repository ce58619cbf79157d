// A HostConfig before the container is made: Docker's defaults filled in, everything that can't be refused here and not
// at the start. Mounts, ports, names and restart policies are the engine's own to check.

import type { ContainerConfig, HostConfig } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import type { EngineSettings } from "../../base/settings.ts";
import { seccompFor } from "../seccomp/seccomp.ts";
import { usesHostUsers } from "../userns/mode.ts";
import { normalizeCapabilities } from "./capabilities.ts";
import { DEFAULT_SHM_SIZE } from "./default-mounts.ts";
import { parseDeviceRule, refuseDeviceRequests } from "./devices.ts";
import { availableCapabilities, type HostFacts } from "./facts.ts";
import { containerOf } from "./namespaces.ts";
import { parseSecurityOptions } from "./security.ts";
import { checkHostConfigShape, withoutNulls } from "./shape.ts";
import { checkSysctls } from "./sysctls.ts";
import { maskedPaths, READONLY_PATHS } from "./system-paths.ts";
import { tmpfsMounts, tmpfsOptions } from "./tmpfs.ts";
import { validateResources } from "./validate-resources.ts";

export interface ValidationContext {
  readonly facts: HostFacts;
  readonly settings: Pick<EngineSettings, "shmSize" | "ipcMode" | "cgroupNamespace" | "userNamespaces">;
}

/**
 * What the container is made with, and inspect shows. @throws HoyError "invalid" when a member has the wrong type,
 * or a security option makes no sense
 */
export function withHostDefaults(given: HostConfig, { facts, settings }: ValidationContext): HostConfig {
  checkHostConfigShape(given);
  const config = withoutNulls(given);
  const { Memory = 0, MemorySwap = 0, Privileged = false, PidMode, IpcMode } = config;
  const open = Privileged || parseSecurityOptions(config.SecurityOpt ?? []).systemPathsUnconfined;
  const unlabelled = Privileged || PidMode === "host" || IpcMode === "host";
  // A privileged container on v1 sees the host's hierarchy, as Docker's do; on v2 it has a namespace nevertheless.
  const cgroupns = Privileged && facts.cgroups.mode !== "v2" ? "host" : settings.cgroupNamespace;
  return {
    ...config,
    ...(Memory > 0 && MemorySwap === 0 && { MemorySwap: Memory * 2 }),
    ShmSize: config.ShmSize || settings.shmSize || DEFAULT_SHM_SIZE,
    IpcMode: IpcMode || settings.ipcMode,
    CgroupnsMode: config.CgroupnsMode || cgroupns,
    OomKillDisable: config.OomKillDisable ?? false,
    MaskedPaths: config.MaskedPaths ?? (open ? [] : maskedPaths(facts.cpus)),
    ReadonlyPaths: config.ReadonlyPaths ?? (open ? [] : [...READONLY_PATHS]),
    ...(unlabelled && { SecurityOpt: [...new Set([...(config.SecurityOpt ?? []), "label=disable"])] }),
  };
}

export interface CheckedHostConfig {
  /** Without what this host can't hold. */
  readonly hostConfig: HostConfig;
  readonly warnings: readonly string[];
}

/** @throws HoyError "invalid" with Docker's words */
export function validateHostConfig(
  config: HostConfig,
  container: ContainerConfig,
  { facts, settings }: ValidationContext,
): CheckedHostConfig {
  checkHostConfigShape(config);
  const userNamespace = settings.userNamespaces.enabled && !usesHostUsers(config);
  checkModes(config, container);
  checkCapabilities(config, availableCapabilities(facts, userNamespace));
  const { resources, warnings } = validateResources(config, facts, false);
  refuseMissing(resources);
  checkRest(resources);
  const ports = resources.NetworkMode === "host" && Object.keys(resources.PortBindings ?? {}).length > 0;
  const discarded = ports ? ["Published ports are discarded when using host network mode"] : [];
  return { hostConfig: resources, warnings: [...warnings, ...discarded, ...checkSecurity(resources, facts)] };
}

function checkModes(config: HostConfig, container: ContainerConfig): void {
  const { IpcMode = "", PidMode = "", UTSMode = "", UsernsMode = "", NetworkMode = "" } = config;
  const cgroupns: string = config.CgroupnsMode ?? "";
  const isolation: string = config.Isolation ?? "";
  const joins = (mode: string) => (containerOf(mode) ?? "") !== "";
  if (!["", "none", "private", "shareable", "host"].includes(IpcMode) && !joins(IpcMode)) {
    invalid(`invalid IPC mode: ${IpcMode}`);
  }
  if (!["", "private", "host"].includes(PidMode) && !joins(PidMode)) invalid(`invalid PID mode: ${PidMode}`);
  if (!["", "host"].includes(UTSMode)) invalid(`invalid UTS mode: ${UTSMode}`);
  if (!["", "private", "host"].includes(UsernsMode)) invalid(`invalid userns mode: ${UsernsMode}`);
  if (!["", "private", "host"].includes(cgroupns)) invalid(`invalid cgroup namespace mode: ${cgroupns}`);
  if (isolation !== "" && isolation.toLowerCase() !== "default") {
    invalid(`invalid isolation (${isolation}): linux only supports 'default'`);
  }
  if (UTSMode === "host" && container.Hostname) invalid("conflicting options: hostname and the UTS mode");
  if (NetworkMode === "container" || containerOf(NetworkMode) === "") {
    invalid("invalid network mode: invalid container format container:<name|id>");
  }
  if (joins(NetworkMode)) checkSharedNetwork(config, container);
  if (NetworkMode === "host" && (config.Links ?? []).length > 0) {
    invalid(
      "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
    );
  }
}

function checkSharedNetwork(config: HostConfig, container: ContainerConfig): void {
  const has = (items: readonly unknown[] | undefined) => (items ?? []).length > 0;
  if (container.Hostname) invalid("conflicting options: hostname and the network mode");
  if (has(config.Links)) {
    invalid(
      "conflicting options: container type network can't be used with links. This would result in undefined behavior",
    );
  }
  if (has(config.Dns)) invalid("conflicting options: dns and the network mode");
  if (has(config.ExtraHosts)) invalid("conflicting options: custom host-to-IP mapping and the network mode");
  if (has(Object.keys(config.PortBindings ?? {})) || config.PublishAllPorts === true) {
    invalid("conflicting options: port publishing and the container type network mode");
  }
}

function checkCapabilities(config: HostConfig, available: readonly string[]): void {
  for (const field of ["CapAdd", "CapDrop"] as const) {
    try {
      normalizeCapabilities(config[field] ?? [], available);
    } catch (cause) {
      invalid(`invalid ${field}: ${cause instanceof Error ? cause.message : cause}`);
    }
  }
}

/** Known, and not there yet: said, in place of a container without it. */
function refuseMissing(config: HostConfig): void {
  if (config.Cgroup) {
    throw new HoyError("not-implemented", "sharing the cgroup of another container is not there yet");
  }
}

function checkRest(config: HostConfig): void {
  if ((config.ShmSize ?? 0) < 0) invalid("SHM size can not be less than 0");
  const score = config.OomScoreAdj ?? 0;
  if (score < -1000 || score > 1000) invalid(`Invalid value ${score}, range for oom score adj is [-1000, 1000]`);
  if ("" in (config.Annotations ?? {})) {
    invalid("invalid Annotations: the empty string is not permitted as an annotation key");
  }
  checkSysctls(config);
  for (const rule of config.DeviceCgroupRules ?? []) parseDeviceRule(rule);
  for (const { PathOnHost = "", PathInContainer = PathOnHost, CgroupPermissions = "rwm" } of config.Devices ?? []) {
    if (!PathInContainer.startsWith("/")) invalid(`${PathInContainer} is not an absolute path`);
    if (!/^[rwm]{0,3}$/.test(CgroupPermissions)) invalid(`bad mode specified: ${CgroupPermissions}`);
  }
  refuseDeviceRequests(config);
  for (const { destination, options } of tmpfsMounts(config)) {
    if (!destination.startsWith("/")) invalid(`invalid mount path: '${destination}' mount path must be absolute`);
    if (/^[/.]*$/.test(destination)) invalid("invalid specification: destination can't be '/'");
    tmpfsOptions(options);
  }
}

/** What the host's kernel has no module for does nothing, as with Docker; here it is said. */
function checkSecurity(config: HostConfig, facts: HostFacts): string[] {
  const { seccomp, apparmor, labels } = parseSecurityOptions(config.SecurityOpt ?? []);
  if (seccomp !== undefined) {
    const { architecture, kernel } = facts;
    seccompFor({ profile: seccomp, capabilities: [], architecture, kernel, supported: facts.seccomp });
  }
  const labelled = labels.some((label) => label !== "disable");
  if (labelled && facts.selinux) {
    throw new HoyError("not-implemented", "SELinux labels (--security-opt label=…) are not there yet", {
      hint: "use label=disable or leave the option out",
    });
  }
  const warnings: string[] = [];
  if (labelled) warnings.push("SELinux is not enabled on this host. Labels discarded.");
  if (apparmor && apparmor !== "unconfined" && !facts.apparmor) {
    warnings.push(`AppArmor is not enabled on this host. Profile ${apparmor} discarded.`);
  }
  return warnings;
}

function invalid(message: string): never {
  throw new HoyError("invalid", message);
}
