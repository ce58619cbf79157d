// What the daemon decided, from flags and daemon.json, that the engine needs to know. Plain data, checked already.
// What only the daemon itself uses (hosts, TLS, pidfile) stays in src/daemon.

import type { Paths } from "./paths.ts";

export interface RuntimeSettings {
  /** Program, absolute or to be found on PATH. */
  readonly path: string;
  /** Arguments before the OCI verb. */
  readonly args: readonly string[];
}

export interface UlimitSettings {
  readonly name: string;
  readonly soft: number;
  readonly hard: number;
}

export interface LogDriverSettings {
  readonly driver: string;
  /** As given with --log-opt: "max-size" → "10m". The engine reads them together with a container's own. */
  readonly options: Readonly<Record<string, string>>;
}

export interface UserNamespaceSettings {
  /** A private user namespace for each container unless it asks for the host's. */
  readonly enabled: boolean;
  /** Whose lines of /etc/subuid and /etc/subgid give the ranges. */
  readonly user: string;
  readonly group: string;
}

export interface NetworkDefaults {
  /** Name of the default bridge, "hoy0"; "none" makes no default network. */
  readonly bridge: string;
  /** Address of the default bridge in CIDR form; undefined: the first free of the address pools. */
  readonly bip: string | undefined;
  readonly bip6: string | undefined;
  readonly fixedCidr: string | undefined;
  readonly fixedCidr6: string | undefined;
  readonly defaultGateway: string | undefined;
  readonly defaultGateway6: string | undefined;
  readonly mtu: number;
  readonly interContainer: boolean;
  /** Whether firewall rules are written at all (--iptables, --ip6tables). */
  readonly firewall: boolean;
  readonly firewall6: boolean;
  readonly ipForward: boolean;
  readonly masquerade: boolean;
  readonly ipv6: boolean;
  /** Host address that published ports bind to when none is given. */
  readonly defaultIp: string;
  /** See docs/decisions/publish-policy.md: who reaches a published port. */
  readonly publishPolicy: "open" | "local" | "firewall";
  readonly dns: readonly string[];
  readonly dnsOptions: readonly string[];
  readonly dnsSearch: readonly string[];
  readonly hostGatewayIps: readonly string[];
  readonly addressPools: readonly { readonly base: string; readonly size: number }[];
  /** Driver → option → value, for networks that do not set it. */
  readonly defaultOptions: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export interface RegistrySettings {
  readonly mirrors: readonly string[];
  /** Host, host:port or CIDR. */
  readonly insecure: readonly string[];
  /** Where HOST/{ca.crt,client.cert,client.key} are; the first that has a HOST counts. */
  readonly certsDirs: readonly string[];
  readonly maxDownloads: number;
  readonly maxUploads: number;
  readonly maxDownloadAttempts: number;
}

/** What may stay of images that no container uses and of the build cache. Times are how long ago, "720h". */
export interface GcSettings {
  readonly imagesUnusedFor: string | undefined;
  /** Bytes. */
  readonly imagesKeepStorage: number | undefined;
  readonly cacheUnusedFor: string | undefined;
  readonly cacheKeepStorage: number | undefined;
  /** Images with a name that one of these patterns matches stay whatever else is said. */
  readonly keepImages: readonly string[];
  /** Time between two collections in ms; undefined: only when asked. */
  readonly everyMs: number | undefined;
}

/** What may stay of the build cache after a build. */
export interface BuilderSettings {
  /** False: nothing goes by itself. */
  readonly enabled: boolean;
  /** Without policies; none of the three: a part of the disk stays. */
  readonly space: CacheSpace;
  /** In their order; undefined: the default one. */
  readonly policies: readonly CachePolicySettings[] | undefined;
  /** Builds that are remembered: so many, and all younger ones (ms). */
  readonly history: { readonly maxEntries: number; readonly maxAgeMs: number };
  /** What clients may ask for, for commands of their builds. */
  readonly entitlements: { readonly networkHost: boolean; readonly insecure: boolean };
}

/** Bytes, or a part of the disk such as "25%". */
export type Space = number | string;

/** What may stay, as BuildKit reckons it (build/cache/prune.ts). */
export interface CacheSpace {
  readonly reserved: Space | undefined;
  readonly maxUsed: Space | undefined;
  readonly minFree: Space | undefined;
}

export interface CachePolicySettings {
  /** Also what images share, and what the builder made for itself. */
  readonly all: boolean;
  readonly space: CacheSpace;
  /** Only what was not used for so long, ms. */
  readonly unusedForMs: number | undefined;
  /** Key → values, one of which must match. */
  readonly filters: Readonly<Record<string, readonly string[]>>;
}

export interface EngineSettings {
  readonly paths: Paths;
  /** Absolute path of the shim program. */
  readonly shim: string;
  readonly debug: boolean;
  readonly experimental: boolean;
  /** Of the engine, "key=value", as `info` shows. */
  readonly labels: readonly string[];
  readonly runtimes: Readonly<Record<string, RuntimeSettings>>;
  readonly defaultRuntime: string;
  /** undefined: probed. */
  readonly storageDriver: "erofs" | "overlay" | undefined;
  /** Bytes that a container may write into its root, unless it says otherwise; undefined: no limit. */
  readonly containerSize: number | undefined;
  readonly userNamespaces: UserNamespaceSettings;
  readonly log: LogDriverSettings;
  readonly ulimits: readonly UlimitSettings[];
  readonly init: boolean;
  /** Program for --init; undefined: catatonit or tini, whichever is on PATH. */
  readonly initPath: string | undefined;
  /** "builtin", "unconfined" or an absolute path. */
  readonly seccompProfile: string;
  readonly noNewPrivileges: boolean;
  /** Bytes of /dev/shm for containers that do not say. */
  readonly shmSize: number;
  readonly ipcMode: "private" | "shareable";
  readonly cgroupNamespace: "private" | "host";
  /** "" : the engine's own parent. */
  readonly cgroupParent: string;
  /** Seconds. */
  readonly shutdownTimeout: number;
  readonly network: NetworkDefaults;
  readonly registry: RegistrySettings;
  readonly gc: GcSettings;
  readonly builder: BuilderSettings;
  /** daemon.json "features". */
  readonly features: Readonly<Record<string, boolean>>;
  /** Where the engine listens, for `info`. */
  readonly hosts: readonly string[];
}

/** What SIGHUP may change while containers run. */
export type ReloadableSettings = Pick<
  EngineSettings,
  "debug" | "labels" | "runtimes" | "defaultRuntime" | "registry" | "gc" | "features" | "shutdownTimeout" | "log"
>;
