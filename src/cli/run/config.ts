// From the flags of `run` and `create` to the three objects of POST /containers/create. Every field that docker's own
// client sends is sent, with its values (a test compares the two, byte for byte of meaning).

import type { ContainerConfig, HealthConfig, HostConfig, RestartPolicy } from "../../api/types/container.ts";
import type { NetworkingConfig } from "../../api/types/network.ts";
import { UsageError } from "../base/errors.ts";
import { cut } from "../base/text.ts";
import type { Values } from "../flags.ts";
import { normalCapabilities } from "./capabilities.ts";
import { isCdiDevice, parseDevice } from "./devices.ts";
import { type Environment, readKeyValueFiles } from "./environment.ts";
import type { ContainerFlags } from "./flags.ts";
import { checkMac, endpointsOf } from "./network.ts";
import { parsePorts } from "./ports.ts";
import { parseSecurityOptions } from "./security.ts";
import { parseVolumes } from "./volume.ts";

export interface ContainerSpec {
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly networkingConfig: NetworkingConfig;
}

export interface SpecInput {
  readonly image: string;
  readonly command: readonly string[];
  readonly flags: Values<ContainerFlags>;
  readonly changed: ReadonlySet<string>;
  readonly cwd: string;
  readonly environment: Environment;
  /** Proxy variables of the client's configuration; the user's own win. */
  readonly proxies: ReadonlyMap<string, string>;
  /** Rows and columns of the terminal; [0, 0] without one. */
  readonly consoleSize: readonly [number, number];
}

/** @throws UsageError in docker's words. */
export function buildContainerSpec(input: SpecInput): ContainerSpec {
  const { flags, cwd } = input;
  checkRanges(flags);
  const published = parsePorts(flags.publish, flags.expose);
  const volumes = parseVolumes(flags.volume, cwd);
  const config = containerConfig(input, published.exposed, volumes.anonymous);
  const hostConfig: HostConfig = {
    ...hostSettings(input),
    ...resources(flags),
    Binds: volumes.binds,
    PortBindings: published.bindings,
  };
  if (flags.rm && !["", "no"].includes(hostConfig.RestartPolicy?.Name ?? ""))
    throw new UsageError("conflicting options: cannot specify both --restart and --rm");
  if (input.changed.has("init")) hostConfig.Init = flags.init;
  if (Object.keys(flags["net-rate"]).length > 0) hostConfig.NetworkRate = flags["net-rate"];
  return { config, hostConfig, networkingConfig: { EndpointsConfig: endpoints(flags) } };
}

function checkRanges(flags: Values<ContainerFlags>): void {
  const swappiness = flags["memory-swappiness"];
  if (swappiness !== -1 && (swappiness < 0 || swappiness > 100))
    throw new UsageError(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  if (flags["mac-address"] !== "") checkMac(flags["mac-address"]);
  const container = (mode: string) => /^container:.+/.test(mode);
  if (!["", "host"].includes(flags.pid) && !container(flags.pid)) throw new UsageError("--pid: invalid PID mode");
  if (!["", "host"].includes(flags.uts)) throw new UsageError("--uts: invalid UTS mode");
  if (!["", "private", "host"].includes(flags.userns)) throw new UsageError("--userns: invalid USER mode");
  if (!["", "host", "private"].includes(flags.cgroupns)) throw new UsageError("--cgroupns: invalid CGROUP mode");
}

function containerConfig(
  input: SpecInput,
  exposed: Record<string, Record<string, never>>,
  volumes: Record<string, Record<string, never>>,
): ContainerConfig {
  const { flags, changed, cwd } = input;
  const all = flags.attach.length === 0;
  const config: ContainerConfig = {
    Hostname: flags.hostname,
    Domainname: flags.domainname,
    User: flags.user,
    AttachStdin: flags.attach.includes("stdin") || flags.interactive,
    AttachStdout: all || flags.attach.includes("stdout"),
    AttachStderr: all || flags.attach.includes("stderr"),
    Tty: flags.tty,
    OpenStdin: flags.interactive,
    // Attached, the container's standard input ends with the client's.
    StdinOnce: flags.interactive,
    Env: environment(input),
    Image: input.image,
    Volumes: volumes,
    WorkingDir: flags.workdir,
    Labels: pairs([...readKeyValueFiles(flags["label-file"], cwd, {}), ...flags.label]),
  };
  if (Object.keys(exposed).length > 0) config.ExposedPorts = exposed;
  if (input.command.length > 0) config.Cmd = [...input.command];
  if (flags.entrypoint !== "") config.Entrypoint = [flags.entrypoint];
  else if (changed.has("entrypoint")) config.Entrypoint = [""];
  if (flags["stop-signal"] !== "") config.StopSignal = flags["stop-signal"];
  if (changed.has("stop-timeout")) config.StopTimeout = flags["stop-timeout"];
  const health = healthConfig(flags);
  if (health !== undefined) config.Healthcheck = health;
  return config;
}

function environment(input: SpecInput): string[] {
  const { flags } = input;
  const written = new Map(input.proxies);
  const bare = new Set<string>();
  for (const entry of flags.env) {
    const [name, value] = cut(entry, "=");
    written.set(name, value);
    if (entry.includes("=")) bare.delete(name);
    else bare.add(name);
  }
  const own = [...written].map(([name, value]) => (bare.has(name) ? name : `${name}=${value}`));
  const files = readKeyValueFiles(flags["env-file"], input.cwd, input.environment);
  return [...files, ...own];
}

function pairs(entries: readonly string[]): Record<string, string> {
  return Object.fromEntries(entries.map((entry) => cut(entry, "=")));
}

function hostSettings(input: SpecInput): HostConfig {
  const { flags, cwd } = input;
  const security = parseSecurityOptions(flags["security-opt"], cwd);
  if (flags["log-driver"] === "none" && flags["log-opt"].length > 0)
    throw new UsageError("invalid logging opts for driver none");
  const settings: HostConfig = {
    ContainerIDFile: flags.cidfile,
    LogConfig: { Type: flags["log-driver"] as never, Config: pairs(flags["log-opt"]) },
    NetworkMode: flags.network[0]?.target ?? "default",
    RestartPolicy: parseRestartPolicy(flags.restart),
    AutoRemove: flags.rm,
    VolumeDriver: flags["volume-driver"],
    VolumesFrom: [...flags["volumes-from"]],
    ConsoleSize: [...input.consoleSize],
    CapAdd: normalCapabilities(flags["cap-add"]),
    CapDrop: normalCapabilities(flags["cap-drop"]),
    CgroupnsMode: flags.cgroupns as never,
    Dns: [...flags.dns],
    DnsOptions: [...flags["dns-option"]],
    DnsSearch: [...flags["dns-search"]],
    ExtraHosts: [...flags["add-host"]],
    GroupAdd: [...flags["group-add"]],
    IpcMode: flags.ipc,
    Cgroup: "",
    Links: [...flags.link],
    OomScoreAdj: flags["oom-score-adj"],
    PidMode: flags.pid,
    Privileged: flags.privileged,
    PublishAllPorts: flags["publish-all"],
    ReadonlyRootfs: flags["read-only"],
    SecurityOpt: security.options,
    UTSMode: flags.uts,
    UsernsMode: flags.userns,
    ShmSize: flags["shm-size"],
    Isolation: flags.isolation as never,
  };
  if (flags.annotation.size > 0) settings.Annotations = Object.fromEntries(flags.annotation);
  if (flags["storage-opt"].length > 0) settings.StorageOpt = storageOptions(flags["storage-opt"]);
  if (flags.tmpfs.length > 0) settings.Tmpfs = Object.fromEntries(flags.tmpfs.map((entry) => cut(entry, ":")));
  if (flags.sysctl.size > 0) settings.Sysctls = Object.fromEntries(flags.sysctl);
  if (flags.runtime !== "") settings.Runtime = flags.runtime;
  if (flags.mount.length > 0) settings.Mounts = [...flags.mount];
  if (security.maskedPaths !== undefined) settings.MaskedPaths = security.maskedPaths;
  if (security.readonlyPaths !== undefined) settings.ReadonlyPaths = security.readonlyPaths;
  return settings;
}

function storageOptions(entries: readonly string[]): Record<string, string> {
  if (entries.some((entry) => !entry.includes("="))) throw new UsageError("invalid storage option");
  return pairs(entries);
}

function resources(flags: Values<ContainerFlags>): HostConfig {
  const cdi = flags.device.filter(isCdiDevice);
  const requests = cdi.length > 0 ? [...flags.gpus, { Driver: "cdi", Count: 0, DeviceIDs: cdi }] : [...flags.gpus];
  return {
    CpuShares: flags["cpu-shares"],
    Memory: flags.memory,
    NanoCpus: flags.cpus,
    CgroupParent: flags["cgroup-parent"],
    BlkioWeight: flags["blkio-weight"],
    BlkioWeightDevice: [...flags["blkio-weight-device"]],
    BlkioDeviceReadBps: [...flags["device-read-bps"]],
    BlkioDeviceWriteBps: [...flags["device-write-bps"]],
    BlkioDeviceReadIOps: [...flags["device-read-iops"]],
    BlkioDeviceWriteIOps: [...flags["device-write-iops"]],
    CpuPeriod: flags["cpu-period"],
    CpuQuota: flags["cpu-quota"],
    CpuRealtimePeriod: flags["cpu-rt-period"],
    CpuRealtimeRuntime: flags["cpu-rt-runtime"],
    CpusetCpus: flags["cpuset-cpus"],
    CpusetMems: flags["cpuset-mems"],
    Devices: flags.device.filter((device) => !isCdiDevice(device)).map(parseDevice),
    DeviceCgroupRules: [...flags["device-cgroup-rule"]],
    DeviceRequests: requests,
    MemoryReservation: flags["memory-reservation"],
    MemorySwap: flags["memory-swap"],
    MemorySwappiness: flags["memory-swappiness"],
    OomKillDisable: flags["oom-kill-disable"],
    PidsLimit: flags["pids-limit"],
    Ulimits: [...flags.ulimit.values()].sort((left, right) => (left.Name < right.Name ? -1 : 1)),
    CpuCount: flags["cpu-count"],
    CpuPercent: flags["cpu-percent"],
    IOMaximumIOps: flags["io-maxiops"],
    IOMaximumBandwidth: flags["io-maxbandwidth"],
  };
}

function endpoints(flags: Values<ContainerFlags>) {
  return endpointsOf(flags.network, {
    aliases: flags["network-alias"],
    links: flags.link,
    linkLocal: flags["link-local-ip"],
    ipv4: flags.ip,
    ipv6: flags.ip6,
    mac: flags["mac-address"],
  });
}

/** "no", "always", "on-failure:3" … @throws UsageError */
export function parseRestartPolicy(text: string): RestartPolicy {
  if (text === "") return { Name: "", MaximumRetryCount: 0 };
  const [name, count] = cut(text, ":");
  if (name === "") throw new UsageError("invalid restart policy format: no policy provided before colon");
  if (count !== "" && !/^[+-]?\d{1,15}$/.test(count))
    throw new UsageError("invalid restart policy format: maximum retry count must be an integer");
  return { Name: name as NonNullable<RestartPolicy["Name"]>, MaximumRetryCount: Number(count) };
}

function healthConfig(flags: Values<ContainerFlags>): HealthConfig | undefined {
  const times = {
    Interval: flags["health-interval"],
    Timeout: flags["health-timeout"],
    StartPeriod: flags["health-start-period"],
    StartInterval: flags["health-start-interval"],
    Retries: flags["health-retries"],
  };
  const command = flags["health-cmd"];
  const given = command !== "" || Object.values(times).some((value) => value !== 0);
  if (flags["no-healthcheck"]) {
    if (given) throw new UsageError("--no-healthcheck conflicts with --health-* options");
    return { Test: ["NONE"] };
  }
  if (!given) return undefined;
  for (const name of [
    "health-interval",
    "health-timeout",
    "health-retries",
    "health-start-period",
    "health-start-interval",
  ] as const)
    if (flags[name] < 0) throw new UsageError(`--${name} cannot be negative`);
  const set = Object.entries(times).filter(([, value]) => value !== 0);
  return { ...(command === "" ? {} : { Test: ["CMD-SHELL", command] }), ...Object.fromEntries(set) };
}
