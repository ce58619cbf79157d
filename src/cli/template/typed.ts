// API objects in templates. Docker runs a template over Go structs first, where a field that JSON leaves out still has
// its zero value ({{if .State.Health}} is no error), and where names are Go's (.ID, where JSON says Id). This puts both
// back: zero values of the fields that may be left out, and Go's spellings beside JSON's.

import { markMap, markNil, markStruct } from "./go-types.ts";
import { isList, isMap, type Value } from "./value.ts";

const NIL = null;
/** A nil slice. */
const NONE: Value = markNil([]);

const none = (...names: readonly string[]): Readonly<Record<string, Value>> =>
  Object.fromEntries(names.map((name) => [name, NONE]));

const IMAGE_CONFIG: Readonly<Record<string, Value>> = {
  ExposedPorts: {},
  Healthcheck: NIL,
  ArgsEscaped: false,
  StopSignal: "",
  User: "",
  WorkingDir: "",
  Volumes: markNil(markMap({}, undefined)),
  Labels: markNil(markMap({}, "")),
  ...none("Shell", "OnBuild", "Entrypoint", "Cmd"),
};

/** Fields that the API leaves out when empty, by the object they are in (known by a field that is always there). */
const OPTIONAL: readonly (readonly [mark: string, fields: Readonly<Record<string, Value>>])[] = [
  ["Running", { Health: NIL }],
  [
    "AttachStdin",
    {
      ExposedPorts: {},
      Healthcheck: NIL,
      ArgsEscaped: false,
      NetworkDisabled: false,
      MacAddress: "",
      StopSignal: "",
      StopTimeout: NIL,
      Shell: [],
      ...none("OnBuild", "Entrypoint", "Cmd", "Env"),
    },
  ],
  [
    "NetworkMode",
    {
      ...none("CapAdd", "CapDrop", "Binds", "Dns", "DnsOptions", "DnsSearch", "ExtraHosts", "GroupAdd", "Links"),
      ...none("SecurityOpt", "VolumesFrom", "Devices", "DeviceCgroupRules", "DeviceRequests"),
      PidsLimit: NIL,
      OomKillDisable: NIL,
      MemorySwappiness: NIL,
      StorageOpt: {},
      Tmpfs: {},
      Sysctls: {},
      Runtime: "",
      Init: NIL,
      Annotations: {},
      Mounts: [],
      KernelMemory: 0,
      KernelMemoryTCP: 0,
      Ulimits: [],
      MaskedPaths: [],
      ReadonlyPaths: [],
    },
  ],
  ["ResolvConfPath", { Node: NIL, SizeRw: NIL, SizeRootFs: NIL, ImageManifestDescriptor: NIL }],
  [
    "RepoTags",
    {
      Variant: "",
      OsVersion: "",
      Descriptor: NIL,
      Manifests: [],
      Parent: "",
      DockerVersion: "",
      Comment: "",
      Container: "",
    },
  ],
  ["Subnet", { IPRange: "", Gateway: "", AuxAddress: markNil(markMap({}, "")) }],
  ["Destination", { Name: "", Source: "", Driver: "" }],
  // An image's config has one or the other.
  ["OnBuild", IMAGE_CONFIG],
  ["Env", IMAGE_CONFIG],
  ["Components", { Experimental: false }],
  ["ConfigOnly", { Peers: [], Services: {} }],
  ["Mountpoint", { Status: {}, UsageData: NIL, CreatedAt: "", ClusterVolume: NIL }],
];

/** Go's names of fields whose JSON name differs by more than what is obvious. */
const GO_NAMES: Readonly<Record<string, string>> = {
  Id: "ID",
  NanoCpus: "NanoCPUs",
  CpuShares: "CPUShares",
  CpuPeriod: "CPUPeriod",
  CpuQuota: "CPUQuota",
  CpuRealtimePeriod: "CPURealtimePeriod",
  CpuRealtimeRuntime: "CPURealtimeRuntime",
  CpuCount: "CPUCount",
  CpuPercent: "CPUPercent",
  Dns: "DNS",
  DnsOptions: "DNSOptions",
  DnsSearch: "DNSSearch",
  HostIp: "HostIP",
  AuxiliaryAddresses: "AuxAddress",
  ApiVersion: "APIVersion",
  HttpProxy: "HTTPProxy",
  HttpsProxy: "HTTPSProxy",
};

/** Go maps, by the field they are in: the zero value of what they hold; null is a nil pointer. */
const MAPS: Readonly<Record<string, Value>> = {
  Labels: "",
  Options: "",
  Tmpfs: "",
  Sysctls: "",
  StorageOpt: "",
  Annotations: "",
  DriverOpts: "",
  AuxiliaryAddresses: "",
  Data: "",
  Attributes: "",
  Details: "",
  Networks: NIL,
  Ports: undefined,
  PortBindings: undefined,
  Containers: undefined,
  Volumes: undefined,
  ExposedPorts: undefined,
};

/** Go slices that are null in JSON when empty. */
const LISTS = new Set([
  ...["CapAdd", "CapDrop", "Binds", "Dns", "DnsOptions", "DnsSearch", "ExtraHosts", "GroupAdd", "Links", "SecurityOpt"],
  ...["VolumesFrom", "Devices", "DeviceCgroupRules", "DeviceRequests", "Ulimits", "Mounts", "MaskedPaths"],
  ...["ReadonlyPaths", "Entrypoint", "Cmd", "OnBuild", "Shell", "ExecIDs", "Aliases", "DNSNames", "Env", "Args"],
  ...["BlkioWeightDevice", "BlkioDeviceReadBps", "BlkioDeviceWriteBps", "BlkioDeviceReadIOps", "BlkioDeviceWriteIOps"],
]);

/** Structs that people print whole, by the two fields that tell them; in Go's order. */
const STRUCTS: readonly (readonly [mark: string, second: string, fields: readonly string[]])[] = [
  ["Name", "MaximumRetryCount", ["Name", "MaximumRetryCount"]],
  ["Type", "Config", ["Type", "Config"]],
  ["HostIp", "HostPort", ["HostIp", "HostPort"]],
  ["Type", "Layers", ["Type", "Layers"]],
  ["Driver", "Config", ["Driver", "Options", "Config"]],
  ["Subnet", "Subnet", ["Subnet", "IPRange", "Gateway", "AuxAddress"]],
  ["EndpointID", "IPv4Address", ["Name", "EndpointID", "MacAddress", "IPv4Address", "IPv6Address"]],
  ["Destination", "RW", ["Type", "Name", "Source", "Destination", "Driver", "Mode", "RW", "Propagation"]],
];

/** A view of the object for templates: what is enumerable is as it came, so that `json` prints it unchanged. */
export function typed(value: Value, field = ""): Value {
  const known = Object.hasOwn(MAPS, field);
  if (value === null && known) return markNil(markMap({}, MAPS[field]));
  if (value === null && LISTS.has(field)) return markNil([]);
  if (isList(value)) return value.map((item) => typed(item));
  if (!isMap(value)) return value;
  const copy: Record<string, Value> = {};
  const set = field === "Volumes" || field === "ExposedPorts";
  for (const [key, item] of Object.entries(value)) {
    // The names in a map are data, and say nothing of types.
    const own = typed(item, known ? "" : key);
    copy[key] = set && isMap(own) ? markStruct(own, []) : own;
  }
  if (known) return markMap(copy, MAPS[field]);
  for (const [mark, second, fields] of STRUCTS)
    if (Object.hasOwn(copy, mark) && Object.hasOwn(copy, second)) markStruct(copy, fields);
  for (const [json, go] of Object.entries(GO_NAMES))
    if (Object.hasOwn(copy, json) && !Object.hasOwn(copy, go)) hide(copy, go, copy[json]);
  for (const [mark, fields] of OPTIONAL) {
    if (!Object.hasOwn(value, mark)) continue;
    for (const [name, zero] of Object.entries(fields)) if (!Object.hasOwn(copy, name)) hide(copy, name, zero);
  }
  return copy;
}

/** There for templates that name it, not for printing and ranging. */
function hide(target: Record<string, Value>, name: string, value: Value): void {
  Object.defineProperty(target, name, { value, enumerable: false });
}
