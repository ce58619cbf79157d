// Is this HostConfig made of the types it should be? It comes from a client's JSON, and everything after this relies on
// it. Errors read as those of Go's decoder, which is what Docker's clients know. A null counts as not given.

import type { HostConfig } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";

type Check = (value: unknown, field: string) => void;

const MANY = 10_000;

function wrong(value: unknown, field: string, type: string): never {
  const kind = Array.isArray(value) ? "array" : value === null ? "null" : typeof value;
  throw new HoyError(
    "invalid",
    `json: cannot unmarshal ${kind} into Go struct field HostConfig.${field} of type ${type}`,
  );
}

const integer: Check = (value, field) => {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) wrong(value, field, "int64");
};
const string: Check = (value, field) => {
  if (typeof value !== "string") wrong(value, field, "string");
  if (value.includes("\0")) throw new HoyError("invalid", `${field} holds a zero byte`);
};
const boolean: Check = (value, field) => {
  if (typeof value !== "boolean") wrong(value, field, "bool");
};

const optional =
  (check: Check): Check =>
  (value, field) => {
    if (value !== undefined && value !== null) check(value, field);
  };

const list =
  (check: Check): Check =>
  (value, field) => {
    if (!Array.isArray(value)) return wrong(value, field, "[]");
    if (value.length > MANY) throw new HoyError("invalid", `${field} has more than ${MANY} items`);
    for (const item of value) check(item, field);
  };

const map =
  (check: Check): Check =>
  (value, field) => {
    for (const [key, item] of entries(value, field)) {
      string(key, field);
      check(item, field);
    }
  };

const struct =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value, field) => {
    const members = new Map(entries(value, field));
    for (const [name, check] of Object.entries(fields)) optional(check)(members.get(name), `${field}.${name}`);
  };

function entries(value: unknown, field: string): [string, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return wrong(value, field, "map");
  const found = Object.entries(value);
  if (found.length > MANY) throw new HoyError("invalid", `${field} has more than ${MANY} items`);
  return found;
}

const strings = list(string);
const throttles = list(struct({ Path: string, Rate: integer }));

const HOST_CONFIG: { readonly [K in keyof HostConfig]-?: Check } = {
  CpuShares: integer,
  Memory: integer,
  CgroupParent: string,
  BlkioWeight: integer,
  BlkioWeightDevice: list(struct({ Path: string, Weight: integer })),
  BlkioDeviceReadBps: throttles,
  BlkioDeviceWriteBps: throttles,
  BlkioDeviceReadIOps: throttles,
  BlkioDeviceWriteIOps: throttles,
  CpuPeriod: integer,
  CpuQuota: integer,
  CpuRealtimePeriod: integer,
  CpuRealtimeRuntime: integer,
  CpusetCpus: string,
  CpusetMems: string,
  Devices: list(struct({ PathOnHost: string, PathInContainer: string, CgroupPermissions: string })),
  DeviceCgroupRules: strings,
  DeviceRequests: list(
    struct({ Driver: string, Count: integer, DeviceIDs: strings, Capabilities: list(strings), Options: map(string) }),
  ),
  KernelMemoryTCP: integer,
  MemoryReservation: integer,
  MemorySwap: integer,
  MemorySwappiness: integer,
  NanoCpus: integer,
  OomKillDisable: boolean,
  Init: boolean,
  PidsLimit: integer,
  Ulimits: list(struct({ Name: string, Soft: integer, Hard: integer })),
  CpuCount: integer,
  CpuPercent: integer,
  IOMaximumIOps: integer,
  IOMaximumBandwidth: integer,
  Binds: strings,
  ContainerIDFile: string,
  LogConfig: struct({ Type: string, Config: map(string) }),
  NetworkMode: string,
  NetworkRate: struct({ Egress: integer, Ingress: integer, Burst: integer }),
  PortBindings: map(optional(list(struct({ HostIp: string, HostPort: string })))),
  RestartPolicy: struct({ Name: string, MaximumRetryCount: integer }),
  AutoRemove: boolean,
  VolumeDriver: string,
  VolumesFrom: strings,
  Mounts: list(
    struct({
      Target: string,
      Source: string,
      Type: string,
      ReadOnly: boolean,
      Consistency: string,
      BindOptions: struct({
        Propagation: string,
        NonRecursive: boolean,
        CreateMountpoint: boolean,
        ReadOnlyNonRecursive: boolean,
        ReadOnlyForceRecursive: boolean,
      }),
      VolumeOptions: struct({
        NoCopy: boolean,
        Labels: map(string),
        DriverConfig: struct({ Name: string, Options: map(string) }),
        Subpath: string,
      }),
      ImageOptions: struct({ Subpath: string }),
      TmpfsOptions: struct({ SizeBytes: integer, Mode: integer, Options: list(strings) }),
    }),
  ),
  ConsoleSize: list(integer),
  Annotations: map(string),
  CapAdd: strings,
  CapDrop: strings,
  CgroupnsMode: string,
  Dns: strings,
  DnsOptions: strings,
  DnsSearch: strings,
  ExtraHosts: strings,
  GroupAdd: strings,
  IpcMode: string,
  Cgroup: string,
  Links: strings,
  OomScoreAdj: integer,
  PidMode: string,
  Privileged: boolean,
  PublishAllPorts: boolean,
  ReadonlyRootfs: boolean,
  SecurityOpt: strings,
  StorageOpt: map(string),
  Tmpfs: map(string),
  UTSMode: string,
  UsernsMode: string,
  ShmSize: integer,
  Sysctls: map(string),
  Runtime: string,
  Isolation: string,
  MaskedPaths: strings,
  ReadonlyPaths: strings,
};

/** By name: an object's own members would have a field called `constructor`. */
const CHECKS: ReadonlyMap<string, Check> = new Map(
  Object.entries(HOST_CONFIG).map(([name, check]) => [name, optional(check)]),
);

/** @throws HoyError "invalid" naming the field */
export function checkHostConfigShape(config: HostConfig): void {
  for (const [name, value] of Object.entries(config)) CHECKS.get(name)?.(value, name);
}

/** The same without its nulls. */
export function withoutNulls<T extends object>(config: T): T {
  const copy = { ...config };
  for (const [name, value] of Object.entries(copy)) if (value === null) Reflect.deleteProperty(copy, name);
  return copy;
}
