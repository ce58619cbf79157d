// Members that Docker's answers have even when nothing was asked for: its structs are written whole, with Go's zero
// values (moby api/types/container, without those marked omitempty). Clients index them without a look (docker-py's
// attrs["HostConfig"]["CapAdd"]), so that one which is not there is an error of theirs.

import type { ContainerConfig, HostConfig, MountPoint } from "../types/container.ts";
import type { EndpointSettings } from "../types/network.ts";

const HOST_CONFIG = {
  Binds: null,
  ContainerIDFile: "",
  NetworkMode: "",
  PortBindings: {},
  AutoRemove: false,
  VolumeDriver: "",
  VolumesFrom: null,
  ConsoleSize: [0, 0],
  CapAdd: null,
  CapDrop: null,
  Dns: [],
  DnsOptions: [],
  DnsSearch: [],
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: "",
  Cgroup: "",
  Links: null,
  OomScoreAdj: 0,
  PidMode: "",
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: "",
  UsernsMode: "",
  ShmSize: 0,
  Isolation: "",
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: "",
  BlkioWeight: 0,
  BlkioWeightDevice: [],
  BlkioDeviceReadBps: [],
  BlkioDeviceWriteBps: [],
  BlkioDeviceReadIOps: [],
  BlkioDeviceWriteIOps: [],
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: "",
  CpusetMems: "",
  Devices: [],
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: null,
  PidsLimit: null,
  Ulimits: [],
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
  MaskedPaths: [],
  ReadonlyPaths: [],
} as const;

const CONFIG = {
  Hostname: "",
  Domainname: "",
  User: "",
  AttachStdin: false,
  AttachStdout: false,
  AttachStderr: false,
  Tty: false,
  OpenStdin: false,
  StdinOnce: false,
  Env: [],
  Cmd: null,
  Image: "",
  Volumes: null,
  WorkingDir: "",
  Entrypoint: null,
  OnBuild: null,
  Labels: {},
} as const;

export function wholeHostConfig(config: HostConfig): object {
  const { RestartPolicy, LogConfig } = config;
  return {
    ...HOST_CONFIG,
    ...given(config),
    LogConfig: { Type: "", Config: {}, ...LogConfig },
    RestartPolicy: { Name: "", MaximumRetryCount: 0, ...RestartPolicy },
  };
}

export function wholeConfig(config: ContainerConfig): object {
  return { ...CONFIG, ...given(config) };
}

/** What is empty is null there. */
export function wholeEndpoint(endpoint: EndpointSettings): object {
  const { IPAMConfig, Links, Aliases, DriverOpts } = endpoint;
  return {
    ...endpoint,
    IPAMConfig: orNull(IPAMConfig),
    Links: orNull(Links),
    Aliases: orNull(Aliases),
    DriverOpts: orNull(DriverOpts),
  };
}

/** Name and driver are a volume's. */
export function wholeMount({ Name, Driver, ...mount }: MountPoint): object {
  return { ...mount, ...(Name === "" ? {} : { Name }), ...(Driver === "" ? {} : { Driver }) };
}

function orNull<T extends object>(value: T | null | undefined): T | null {
  return value === undefined || value === null || Object.keys(value).length === 0 ? null : value;
}

/** Without what is undefined, which would hide the zero value. */
function given(config: object): object {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}
