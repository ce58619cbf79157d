// GET /info: counts, limits the host can hold, and what the engine was set to.

import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import type { ImageBackend } from "../../api/backend.ts";
import type { SystemInfo } from "../../api/types/system.ts";
import { build } from "../../base/version.ts";
import { isErrno } from "../../linux/libc.ts";
import { filesystemOf } from "../../linux/statfs.ts";
import { bridgeFilter, describeBridgeFilter } from "../../network/bridge-filter.ts";
import type { EngineContext } from "../context.ts";
import { now } from "../time.ts";
import type { HostDescription } from "./host.ts";

export type { HostDescription } from "./host.ts";

export async function engineInfo(
  engine: EngineContext,
  images: ImageBackend,
  host: HostDescription,
): Promise<SystemInfo> {
  const { settings, facts, snapshots, containers } = engine;
  const { support } = facts;
  const all = containers.all();
  const count = (...statuses: string[]) => all.filter(({ state }) => statuses.includes(state.status)).length;
  const listed = await images.list({
    all: false,
    digests: false,
    sharedSize: false,
    manifests: false,
    filters: new Map(),
  });
  const bridged = bridgeFilter();
  return {
    ID: engine.id,
    Containers: all.length,
    ContainersRunning: count("running", "restarting"),
    ContainersPaused: count("paused"),
    ContainersStopped: count("created", "exited", "dead", "removing"),
    Images: listed.length,
    Driver: snapshots.name,
    DriverStatus: [["Backing Filesystem", filesystemOf(settings.paths.data).type]],
    Plugins: {
      Volume: ["local"],
      Network: ["bridge", "host", "ipvlan", "macvlan", "null"],
      Authorization: [],
      Log: ["json-file", "local", "none"],
    },
    MemoryLimit: support.memoryLimit,
    SwapLimit: support.swapLimit,
    KernelMemoryTCP: support.kernelMemoryTcp,
    CpuCfsPeriod: support.cpuCfs,
    CpuCfsQuota: support.cpuCfs,
    CPUShares: support.cpuShares,
    CPUSet: support.cpuset,
    PidsLimit: support.pidsLimit,
    OomKillDisable: support.oomKillDisable,
    BridgeNfIptables: bridged.ipv4,
    BridgeNfIp6tables: bridged.ipv6,
    IPv4Forwarding: (await contents("/proc/sys/net/ipv4/ip_forward")) === "1",
    Debug: settings.debug,
    NFd: 0,
    NGoroutines: 0,
    SystemTime: now(),
    LoggingDriver: settings.log.driver || "json-file",
    CgroupDriver: "cgroupfs",
    CgroupVersion: facts.cgroups.mode === "v2" ? "2" : "1",
    NEventsListener: engine.events.listeners,
    KernelVersion: host.kernel,
    OperatingSystem: host.operatingSystem,
    OSVersion: host.osVersion,
    OSType: "linux",
    Architecture: { amd64: "x86_64", arm64: "aarch64" }[facts.architecture] ?? facts.architecture,
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: {
      InsecureRegistryCIDRs: settings.registry.insecure.filter((entry) => entry.includes("/")),
      IndexConfigs: {
        "docker.io": { Name: "docker.io", Mirrors: [...settings.registry.mirrors], Secure: true, Official: true },
      },
      Mirrors: [...settings.registry.mirrors],
    },
    NCPU: facts.cpus,
    MemTotal: facts.memory,
    GenericResources: [],
    DockerRootDir: settings.paths.data,
    HttpProxy: process.env.HTTP_PROXY ?? "",
    HttpsProxy: process.env.HTTPS_PROXY ?? "",
    NoProxy: process.env.NO_PROXY ?? "",
    Name: hostname(),
    Labels: [...settings.labels],
    FirewallBackend: {
      Driver: "nftables",
      Info: [
        ["PublishPolicy", settings.network.publishPolicy],
        ["BridgeNetfilter", describeBridgeFilter(bridged)],
      ],
    },
    ExperimentalBuild: settings.experimental,
    ServerVersion: build.version,
    Runtimes: Object.fromEntries(
      Object.entries(settings.runtimes).map(([name, { path, args }]) => [
        name,
        { path, runtimeArgs: [...args], status: null },
      ]),
    ),
    DefaultRuntime: settings.defaultRuntime,
    Swarm: {
      NodeID: "",
      NodeAddr: "",
      LocalNodeState: "inactive",
      ControlAvailable: false,
      Error: "",
      RemoteManagers: null,
    },
    LiveRestoreEnabled: true,
    Isolation: "",
    InitBinary: engine.specDefaults.initPath ?? "",
    ContainerdCommit: { ID: "" },
    RuncCommit: { ID: host.runtimes[settings.defaultRuntime] ?? "" },
    InitCommit: { ID: "" },
    SecurityOptions: [
      ...(facts.apparmor ? ["name=apparmor"] : []),
      ...(facts.seccomp ? [`name=seccomp,profile=${settings.seccompProfile}`] : []),
      ...(settings.userNamespaces.enabled ? ["name=userns"] : []),
      ...(settings.cgroupNamespace === "private" ? ["name=cgroupns"] : []),
    ],
    DefaultAddressPools: settings.network.addressPools.map(({ base, size }) => ({ Base: base, Size: size })),
    CDISpecDirs: [],
    Warnings: warnings(engine),
  };
}

function warnings({ facts: { support }, network }: EngineContext): string[] {
  const missing: [boolean, string][] = [
    [support.memoryLimit, "No memory limit support"],
    [support.swapLimit, "No swap limit support"],
    [support.cpuCfs, "No cpu cfs quota support"],
    [support.cpuShares, "No cpu shares support"],
    [support.cpuset, "No cpuset support"],
    [support.pidsLimit, "No pids limit support"],
  ];
  return [...missing.filter(([has]) => !has).map(([, words]) => words), ...network.warnings()].map(
    (words) => `WARNING: ${words}`,
  );
}

/** "" when the kernel has no such file. */
async function contents(path: string): Promise<string> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if (isErrno(error, "ENOENT")) return "";
    throw error;
  }
}
