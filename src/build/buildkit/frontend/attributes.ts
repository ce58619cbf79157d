// Attributes of a build as the Dockerfile frontend takes them (BuildKit, frontend/dockerui/config.go) → options. What
// would change the result and is not known here is refused.

import { HoyError } from "../../../base/error.ts";
import { hostPlatform, normalizePlatform, type Platform, parsePlatform } from "../../../image/platform.ts";
import type { DockerfileOptions } from "../../frontend/options.ts";
import type { StepLimits } from "../../solver-contract.ts";
import { missing } from "../llb/values.ts";

export type Attributes = Readonly<Record<string, string>>;

export type CommonOptions = Omit<
  DockerfileOptions,
  "text" | "name" | "mainContext" | "contexts" | "platform" | "buildPlatform" | "showPlatform"
>;

export interface ReadAttributes {
  readonly options: CommonOptions;
  /** undefined: the machine's own. */
  readonly platforms: readonly Platform[] | undefined;
  readonly multiPlatform: boolean;
  readonly limits: StepLimits | undefined;
}

/** Known, and read elsewhere or without meaning here. */
const OTHERS =
  /^(?:filename|context|contextkey|dockerfilekey|contextsubdir|source|cmdline|requestid|multi-platform|frontend\.caps|no-cache|cache-from|cache-imports|entitlements|(?:context|input-metadata|local-sessionid|vcs|build-arg|label|attest|input):?.*)$/;
const KNOWN: ReadonlySet<string> = new Set([
  "target",
  "platform",
  "image-resolve-mode",
  "add-hosts",
  "force-network-mode",
  "shm-size",
  "ulimit",
  "cgroup-parent",
  "hostname",
  "source-date-epoch",
  // Of this engine alone.
  "unset",
  "explain",
  "memory",
  "memswap",
  "cpushares",
  "cpuperiod",
  "cpuquota",
  "cpusetcpus",
  "cpusetmems",
]);

/** @throws HoyError "invalid" for values that can't be read, "not-implemented" for attributes that are not served. */
export function readAttributes(attrs: Attributes): ReadAttributes {
  for (const name of Object.keys(attrs)) {
    if (!KNOWN.has(name) && !OTHERS.test(name)) throw missing(`the attribute ${JSON.stringify(name.slice(0, 100))}`);
  }
  const buildArgs = prefixed(attrs, "build-arg:");
  const platforms = listed(attrs.platform).map((each) => normalizePlatform(parsePlatform(each)));
  const multi = bool(buildArgs.get("BUILDKIT_MULTI_PLATFORM") ?? attrs["multi-platform"]);
  return {
    options: {
      buildArgs,
      labels: prefixed(attrs, "label:"),
      target: attrs.target ?? "",
      noCache: noCacheOf(attrs["no-cache"]),
      pullMode: pullModeOf(attrs["image-resolve-mode"]),
      network: networkOf(attrs["force-network-mode"]),
      hostname: buildArgs.get("BUILDKIT_SANDBOX_HOSTNAME") ?? attrs.hostname ?? "",
      extraHosts: listed(attrs["add-hosts"]).map(extraHost),
      ulimits: listed(attrs.ulimit).map(ulimit),
      shmSize: number(attrs["shm-size"], "shm size") ?? 0,
      cgroupParent: attrs["cgroup-parent"] ?? "",
      sourceDateEpoch: number(attrs["source-date-epoch"], "source date"),
      unset: listed(attrs.unset).flatMap((each) => each.trim().split(/\s+/)),
    },
    platforms: platforms.length === 0 ? undefined : platforms,
    multiPlatform: multi || platforms.length > 1,
    limits: limitsOf(attrs),
  };
}

export const buildPlatform: Platform = hostPlatform;

function prefixed(attrs: Attributes, prefix: string): Map<string, string> {
  return new Map(
    Object.entries(attrs).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value] as const] : [],
    ),
  );
}

/** One line of CSV. */
function listed(text: string | undefined): string[] {
  if (text === undefined || text === "") return [];
  return [...text.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain ?? "") : quoted.replaceAll('""', '"'),
  );
}

function noCacheOf(value: string | undefined): DockerfileOptions["noCache"] {
  return value === undefined ? false : value === "" ? true : value.split(",");
}

function pullModeOf(mode: string | undefined): DockerfileOptions["pullMode"] {
  if (mode === undefined || mode === "" || mode === "default") return "default";
  if (mode === "pull" || mode === "local") return mode;
  throw new HoyError("invalid", `invalid image-resolve-mode: ${mode}`);
}

/** Networks besides those that a Dockerfile can name are the session's (see StepLimits), and this engine's alone. */
function networkOf(mode: string | undefined): DockerfileOptions["network"] {
  return mode === "none" || mode === "host" ? mode : "sandbox";
}

const OWN_NETWORKS: ReadonlySet<string> = new Set(["", "default", "bridge", "sandbox", "none", "host"]);

function extraHost(text: string): { host: string; ip: string } {
  const [, host, ip] = /^([^=]+)=(.+)$/.exec(text.toLowerCase()) ?? [];
  if (host === undefined || ip === undefined) throw new HoyError("invalid", `invalid key-value pair ${text}`);
  return { host, ip };
}

/** name=soft[:hard] */
function ulimit(text: string): DockerfileOptions["ulimits"][number] {
  const [, name, soft, hard = soft] = /^([a-z]+)=(-?[0-9]{1,15})(?::(-?[0-9]{1,15}))?$/.exec(text) ?? [];
  if (name === undefined) throw new HoyError("invalid", `invalid ulimit argument: ${text}`);
  return { name, soft: Number(soft), hard: Number(hard) };
}

function number(text: string | undefined, what: string): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^-?[0-9]{1,15}$/.test(text)) throw new HoyError("invalid", `failed to parse ${what}: ${text}`);
  return Number(text);
}

function bool(text: string | undefined): boolean {
  if (text === undefined || text === "") return false;
  if (["1", "t", "T", "true", "TRUE", "True"].includes(text)) return true;
  if (["0", "f", "F", "false", "FALSE", "False"].includes(text)) return false;
  throw new HoyError("invalid", `invalid boolean value: ${text}`);
}

function limitsOf(attrs: Attributes): StepLimits | undefined {
  const resources: StepLimits["resources"] = {
    ...given("Memory", number(attrs.memory, "memory")),
    ...given("MemorySwap", number(attrs.memswap, "memswap")),
    ...given("CpuShares", number(attrs.cpushares, "cpushares")),
    ...given("CpuPeriod", number(attrs.cpuperiod, "cpuperiod")),
    ...given("CpuQuota", number(attrs.cpuquota, "cpuquota")),
    ...given("CpusetCpus", attrs.cpusetcpus),
    ...given("CpusetMems", attrs.cpusetmems),
  };
  const mode = attrs["force-network-mode"] ?? "";
  const network = OWN_NETWORKS.has(mode) ? "" : mode;
  return Object.keys(resources).length === 0 && network === "" ? undefined : { network, resources };
}

function given<K extends string, V>(name: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [name]: value } as Record<K, V>);
}
