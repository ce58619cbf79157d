// Shapes of the bodies of POST /containers/create, /containers/{id}/update, /containers/{id}/exec and /exec/{id}/start.

import type { PortChangeRequest, UpdateRequest } from "../../backend.ts";
import type {
  ContainerConfig,
  DeviceMapping,
  DeviceRequest,
  HealthConfig,
  HostConfig,
  Mount,
  NetworkRate,
  PortBinding,
  Resources,
  RestartPolicy,
  ThrottleDevice,
} from "../../types/container.ts";
import type { ExecCreateRequest, ExecStartRequest } from "../../types/exec.ts";
import type { NetworkingConfig } from "../../types/network.ts";
import { anything, bool, type Fields, int, list, map, nullable, object, type Shape, text, word } from "../shape.ts";
import { endpointSettings } from "./network.ts";

const healthConfig = object<HealthConfig>("HealthcheckConfig", {
  Test: list(text),
  Interval: int,
  Timeout: int,
  Retries: int,
  StartPeriod: int,
  StartInterval: int,
});

/** A set written as a map to empty objects. */
const set: Shape<Record<string, Record<string, unknown>>> = map(map(anything));

const configFields: Fields<ContainerConfig> = {
  Hostname: text,
  Domainname: text,
  User: text,
  AttachStdin: bool,
  AttachStdout: bool,
  AttachStderr: bool,
  ExposedPorts: set,
  Tty: bool,
  OpenStdin: bool,
  StdinOnce: bool,
  Env: list(text),
  Cmd: words(),
  Healthcheck: healthConfig,
  ArgsEscaped: bool,
  Image: text,
  Volumes: set,
  WorkingDir: text,
  Entrypoint: words(),
  NetworkDisabled: bool,
  MacAddress: text,
  OnBuild: list(text),
  Labels: map(text),
  StopSignal: text,
  StopTimeout: int,
  Shell: words(),
};

/** A list of strings, or one string in its place (moby api/types/strslice). */
function words(): Shape<string[]> {
  const many = list(text);
  return {
    go: many.go,
    read: (value, path, depth) => (typeof value === "string" ? [value] : many.read(value, path, depth)),
  };
}

export const containerConfig = object<ContainerConfig>("Config", configFields);

const throttle = list(object<ThrottleDevice>("ThrottleDevice", { Path: text, Rate: int }));

const restartPolicy = object<RestartPolicy>("RestartPolicy", { Name: word(), MaximumRetryCount: int });

const resourceFields: Fields<Resources> = {
  CpuShares: int,
  Memory: int,
  CgroupParent: text,
  BlkioWeight: int,
  BlkioWeightDevice: list(object<{ Path?: string; Weight?: number }>("WeightDevice", { Path: text, Weight: int })),
  BlkioDeviceReadBps: throttle,
  BlkioDeviceWriteBps: throttle,
  BlkioDeviceReadIOps: throttle,
  BlkioDeviceWriteIOps: throttle,
  CpuPeriod: int,
  CpuQuota: int,
  CpuRealtimePeriod: int,
  CpuRealtimeRuntime: int,
  CpusetCpus: text,
  CpusetMems: text,
  Devices: list(
    object<DeviceMapping>("DeviceMapping", { PathOnHost: text, PathInContainer: text, CgroupPermissions: text }),
  ),
  DeviceCgroupRules: list(text),
  DeviceRequests: list(
    object<DeviceRequest>("DeviceRequest", {
      Driver: text,
      Count: int,
      DeviceIDs: list(text),
      Capabilities: list(list(text)),
      Options: map(text),
    }),
  ),
  KernelMemoryTCP: int,
  MemoryReservation: int,
  MemorySwap: int,
  MemorySwappiness: int,
  NanoCpus: int,
  OomKillDisable: bool,
  Init: bool,
  PidsLimit: int,
  Ulimits: list(
    object<{ Name?: string; Soft?: number; Hard?: number }>("Ulimit", { Name: text, Soft: int, Hard: int }),
  ),
  CpuCount: int,
  CpuPercent: int,
  IOMaximumIOps: int,
  IOMaximumBandwidth: int,
};

const mount = object<Mount>("Mount", {
  Target: text,
  Source: text,
  Type: word(),
  ReadOnly: bool,
  Consistency: text,
  BindOptions: object<NonNullable<Mount["BindOptions"]>>("BindOptions", {
    Propagation: word(),
    NonRecursive: bool,
    CreateMountpoint: bool,
    ReadOnlyNonRecursive: bool,
    ReadOnlyForceRecursive: bool,
  }),
  VolumeOptions: object<NonNullable<Mount["VolumeOptions"]>>("VolumeOptions", {
    NoCopy: bool,
    Labels: map(text),
    DriverConfig: object<{ Name?: string; Options?: Record<string, string> }>("Driver", {
      Name: text,
      Options: map(text),
    }),
    Subpath: text,
  }),
  ImageOptions: object<{ Subpath?: string }>("ImageOptions", { Subpath: text }),
  TmpfsOptions: object<NonNullable<Mount["TmpfsOptions"]>>("TmpfsOptions", {
    SizeBytes: int,
    Mode: int,
    Options: list(list(text)),
  }),
});

const portMap = map(nullable(list(object<PortBinding>("PortBinding", { HostIp: text, HostPort: text }))));

export const networkRate = object<NetworkRate>("NetworkRate", { Egress: int, Ingress: int, Burst: int });

export const hostConfig = object<HostConfig>("HostConfig", {
  ...resourceFields,
  Binds: list(text),
  ContainerIDFile: text,
  LogConfig: object<NonNullable<HostConfig["LogConfig"]>>("LogConfig", { Type: word(), Config: map(text) }),
  NetworkMode: text,
  NetworkRate: networkRate,
  PortBindings: portMap,
  RestartPolicy: restartPolicy,
  AutoRemove: bool,
  VolumeDriver: text,
  VolumesFrom: list(text),
  Mounts: list(mount),
  ConsoleSize: list(int),
  Annotations: map(text),
  CapAdd: words(),
  CapDrop: words(),
  CgroupnsMode: word(),
  Dns: list(text),
  DnsOptions: list(text),
  DnsSearch: list(text),
  ExtraHosts: list(text),
  GroupAdd: list(text),
  IpcMode: text,
  Cgroup: text,
  Links: list(text),
  OomScoreAdj: int,
  PidMode: text,
  Privileged: bool,
  PublishAllPorts: bool,
  ReadonlyRootfs: bool,
  SecurityOpt: list(text),
  StorageOpt: map(text),
  Tmpfs: map(text),
  UTSMode: text,
  UsernsMode: text,
  ShmSize: int,
  Sysctls: map(text),
  Runtime: text,
  Isolation: word(),
  MaskedPaths: list(text),
  ReadonlyPaths: list(text),
});

const networkingConfig = object<NetworkingConfig>("NetworkingConfig", { EndpointsConfig: map(endpointSettings) });

/** POST /containers/create: the config's own fields, and two objects beside them. */
export interface CreateBody extends ContainerConfig {
  HostConfig?: HostConfig;
  NetworkingConfig?: NetworkingConfig;
  /** In its place by mistake, by docker-py: HostConfig's. */
  Runtime?: string;
}

export const createBody = object<CreateBody>("ContainerConfigWrapper", {
  ...configFields,
  HostConfig: hostConfig,
  NetworkingConfig: networkingConfig,
  Runtime: text,
});

export const portChangeBody = object<PortChangeRequest>("PortChange", { Add: portMap, Remove: portMap });

export const updateBody = object<UpdateRequest>("UpdateConfig", { ...resourceFields, RestartPolicy: restartPolicy });

/** [height, width]. */
const consoleSize: Shape<[number, number]> = {
  go: "[2]uint",
  read(value, path, depth) {
    const [height = 0, width = 0] = list(int).read(value, path, depth);
    return [height, width];
  },
};

export const execCreateBody = object<ExecCreateRequest>("ExecOptions", {
  AttachStdin: bool,
  AttachStdout: bool,
  AttachStderr: bool,
  ConsoleSize: consoleSize,
  DetachKeys: text,
  Tty: bool,
  Env: list(text),
  Cmd: words(),
  Privileged: bool,
  User: text,
  WorkingDir: text,
});

export const execStartBody = object<ExecStartRequest>("ExecStartOptions", {
  Detach: bool,
  Tty: bool,
  ConsoleSize: consoleSize,
});
