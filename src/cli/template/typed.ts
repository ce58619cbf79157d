// API objects in templates. Docker runs a template over Go structs first, where a field that JSON leaves out still has
// its zero value ({{if .State.Health}} is no error), and where names are Go's (.ID, where JSON says Id). This puts both
// back: zero values of the fields that may be left out, and Go's spellings beside JSON's.

import { isList, isMap, type Value } from "./value.ts";

const NIL = null;

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
    },
  ],
  [
    "NetworkMode",
    {
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
    { Variant: "", OsVersion: "", Descriptor: NIL, Manifests: [], Parent: "", DockerVersion: "", Comment: "" },
  ],
  // An image's config.
  [
    "OnBuild",
    { ExposedPorts: {}, Healthcheck: NIL, ArgsEscaped: false, StopSignal: "", Shell: [], Volumes: {}, Labels: {} },
  ],
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
  ApiVersion: "APIVersion",
  HttpProxy: "HTTPProxy",
  HttpsProxy: "HTTPSProxy",
};

/** A view of the object for templates: what is enumerable is as it came, so that `json` prints it unchanged. */
export function typed(value: Value): Value {
  if (isList(value)) return value.map(typed);
  if (!isMap(value)) return value;
  const copy: Record<string, Value> = {};
  for (const [key, item] of Object.entries(value)) copy[key] = typed(item);
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
