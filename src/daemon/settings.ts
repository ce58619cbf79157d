// From configuration to what the parts are given: the engine's settings, and the daemon's own.

import { join } from "node:path";
import { parseBytes } from "../base/bytes.ts";
import { log } from "../base/log.ts";
import type { EngineSettings, NetworkDefaults, RegistrySettings } from "../base/settings.ts";
import { CERTS_DIRS } from "../registry/client/endpoint.ts";
import { builderSettings } from "./builder-settings.ts";
import type { Config } from "./config.ts";
import { gcSettings } from "./gc.ts";
import { type Host, parseHost } from "./hosts.ts";
import type { RuntimeValue, UlimitValue } from "./options/option.ts";
import { type PeerRegistrySettings, peerRegistrySettings } from "./peer-registry.ts";
import { invalid, isCidr, Values } from "./values.ts";

export interface TlsSettings {
  readonly verify: boolean;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface DaemonSettings {
  readonly hosts: readonly Host[];
  readonly group: string;
  /** The group was named by the user, so that its absence is an error. */
  readonly groupGiven: boolean;
  readonly pidfile: string;
  readonly logLevel: string;
  readonly logFormat: "text" | "json";
  /** undefined: tcp:// is refused, or plain when `plainTcp`. */
  readonly tls: TlsSettings | undefined;
  /** --tls=false was said in so many words. */
  readonly plainTcp: boolean;
  readonly trace: string | undefined;
  /** undefined: off. */
  readonly peerRegistry: PeerRegistrySettings | undefined;
  readonly proxies: Readonly<Record<"HTTP_PROXY" | "HTTPS_PROXY" | "NO_PROXY", string | undefined>>;
}

/** @throws HoyError "invalid". */
export function daemonSettings(config: Config): DaemonSettings {
  const values = new Values(config);
  const run = values.path("exec-root");
  const hosts = values.list("host");
  const verify = values.flag("tlsverify");
  const secure = verify || values.flag("tls");
  const files = ["tlscacert", "tlscert", "tlskey"].filter((name) => config.set.has(name));
  if (!secure && files.length > 0) throw invalid(files[0] ?? "tls", "needs --tls or --tlsverify");
  const proxies = values.as<Record<string, string>>("proxies", {});
  for (const key of Object.keys(proxies)) {
    if (!["http-proxy", "https-proxy", "no-proxy"].includes(key)) throw invalid("proxies", `unknown key "${key}"`);
  }
  const proxy = (name: string) => values.optional(name) ?? proxies[name];
  return {
    hosts: (hosts.length === 0 ? [`unix://${join(run, "hoy.sock")}`] : hosts).map(parseHost),
    group: values.text("group"),
    groupGiven: config.set.has("group"),
    pidfile: values.optional("pidfile") ?? join(run, "hoy.pid"),
    logLevel: values.flag("debug") ? "debug" : values.text("log-level"),
    logFormat: values.text("log-format") === "json" ? "json" : "text",
    tls: secure
      ? { verify, ca: values.text("tlscacert"), cert: values.text("tlscert"), key: values.text("tlskey") }
      : undefined,
    plainTcp: !secure && config.set.has("tls"),
    trace: values.optional("trace"),
    peerRegistry: peerRegistrySettings(values.as<{ readonly [key: string]: unknown }>("peer-registry", {})),
    proxies: { HTTP_PROXY: proxy("http-proxy"), HTTPS_PROXY: proxy("https-proxy"), NO_PROXY: proxy("no-proxy") },
  };
}

/** @throws HoyError "invalid". */
export function engineSettings(config: Config, shim: string): EngineSettings {
  const values = new Values(config);
  const runtimes = runtimesOf(values);
  const driver = values.text("storage-driver");
  const remap = values.text("userns-remap");
  const [user = "", group = user] = (remap === "default" || remap === "" || remap === "host" ? "hoy" : remap).split(
    ":",
  );
  for (const option of values.list("exec-opt")) {
    if (option !== "native.cgroupdriver=cgroupfs")
      throw invalid("exec-opt", `${option}: only native.cgroupdriver=cgroupfs`);
  }
  return {
    paths: { data: values.path("data-root"), run: values.path("exec-root") },
    shim,
    debug: values.flag("debug"),
    experimental: values.flag("experimental"),
    labels: values.labels("label"),
    runtimes,
    defaultRuntime: defaultRuntimeOf(values, runtimes),
    storageDriver: driver === "" ? undefined : driver === "erofs" ? "erofs" : "overlay",
    containerSize: containerSizeOf(values.list("storage-opt")),
    userNamespaces: { enabled: remap !== "host", user, group },
    log: { driver: values.text("log-driver"), options: values.as<Record<string, string>>("log-opt", {}) },
    ulimits: values.as<readonly UlimitValue[]>("default-ulimit", []),
    init: values.flag("init"),
    initPath: values.optional("init-path"),
    seccompProfile: values.text("seccomp-profile") || "builtin",
    noNewPrivileges: values.flag("no-new-privileges"),
    shmSize: values.number("default-shm-size", 0),
    ipcMode: values.text("default-ipc-mode") === "shareable" ? "shareable" : "private",
    cgroupNamespace: values.text("default-cgroupns-mode") === "host" ? "host" : "private",
    cgroupParent: values.text("cgroup-parent"),
    shutdownTimeout: values.number("shutdown-timeout", -1),
    network: networkOf(values),
    registry: registryOf(values),
    gc: gcSettings(values.as<Record<string, string>>("gc", {})),
    builder: builderSettings(values.as<{ readonly [key: string]: unknown }>("builder", {})),
    features: values.as<Record<string, boolean>>("features", {}),
    hosts: daemonSettings(config).hosts.map((host) => host.text),
  };
}

/** dockerd's, from the time of old kernels; files with it are still about. */
const MEANINGLESS = "overlay2.override_kernel_check";

/** `size=20G`, also as `overlay2.size`, is the one option there is. @throws HoyError "invalid" for any other */
function containerSizeOf(options: readonly string[]): number | undefined {
  let size: number | undefined;
  for (const option of options) {
    const [, key, value = ""] = /^([^=]*)=(.*)$/.exec(option) ?? [];
    if (key === MEANINGLESS) {
      log.warn(`storage-opt ${option} has no effect: no kernel that hoy runs on needs it`);
      continue;
    }
    if (key !== "size" && key !== "overlay2.size") throw invalid("storage-opt", `unknown option ${option}: only size`);
    size = parseBytes(value);
    if (size === undefined) throw invalid("storage-opt", `invalid size: '${value}'`);
  }
  return size === 0 ? undefined : size;
}

/** crun and runc are always known, by their names on PATH; a runtime may not be called as the built-in ones to be another. */
function runtimesOf(values: Values): Record<string, RuntimeValue> {
  const own = values.as<Record<string, RuntimeValue>>("add-runtime", {});
  for (const [name, runtime] of Object.entries(own)) {
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name))
      throw invalid("add-runtime", `${JSON.stringify(name)} is not a name`);
    if (runtime.path === "") throw invalid("add-runtime", `"${name}" has no path`);
  }
  return { crun: { path: "crun", args: [] }, runc: { path: "runc", args: [] }, ...own };
}

function defaultRuntimeOf(values: Values, runtimes: Readonly<Record<string, RuntimeValue>>): string {
  const name = values.text("default-runtime");
  if (!Object.hasOwn(runtimes, name))
    throw invalid("default-runtime", `specified default runtime '${name}' does not exist`);
  return name;
}

function networkOf(values: Values): NetworkDefaults {
  const [bip, fixedCidr] = [values.cidr("bip"), values.cidr("fixed-cidr")];
  const bridge = values.text("bridge");
  if (bip !== undefined && bridge !== "hoy0") throw invalid("bip", "--bridge and --bip can't be given together");
  const publishPolicy = policyOf(values.text("publish-policy"));
  return {
    bridge,
    bip,
    bip6: values.cidr("bip6"),
    fixedCidr,
    fixedCidr6: values.cidr("fixed-cidr-v6"),
    defaultGateway: values.address("default-gateway"),
    defaultGateway6: values.address("default-gateway-v6"),
    mtu: values.number("mtu", 0) || 1500,
    interContainer: values.flag("icc"),
    firewall: values.flag("iptables"),
    firewall6: values.flag("ip6tables"),
    ipForward: values.flag("ip-forward"),
    masquerade: values.flag("ip-masq"),
    ipv6: values.flag("ipv6"),
    defaultIp: defaultAddress(values.address("ip"), publishPolicy),
    publishPolicy,
    dns: values.addresses("dns"),
    dnsOptions: values.list("dns-opt"),
    dnsSearch: values.list("dns-search"),
    hostGatewayIps: values.addresses("host-gateway-ip"),
    addressPools: poolsOf(values),
    defaultOptions: values.as<Record<string, Record<string, string>>>("default-network-opt", {}),
  };
}

function policyOf(text: string): NetworkDefaults["publishPolicy"] {
  return text === "local" || text === "firewall" ? text : "open";
}

/** An address that was given is meant, whatever the policy. */
function defaultAddress(given: string | undefined, policy: NetworkDefaults["publishPolicy"]): string {
  const all = given === undefined || given === "0.0.0.0";
  return all && policy === "local" ? "127.0.0.1" : (given ?? "0.0.0.0");
}

function poolsOf(values: Values): NetworkDefaults["addressPools"] {
  const pools = values.as<readonly { readonly base: string; readonly size: number }[]>("default-address-pool", []);
  for (const pool of pools) {
    if (!isCidr(pool.base)) throw invalid("default-address-pool", `${JSON.stringify(pool.base)} is not in CIDR form`);
    if (pool.size < Number(pool.base.split("/")[1]))
      throw invalid("default-address-pool", `size ${pool.size} is larger than the pool ${pool.base}`);
  }
  return pools;
}

function registryOf(values: Values): RegistrySettings {
  return {
    mirrors: values.mirrors("registry-mirror"),
    insecure: values.list("insecure-registry"),
    certsDirs: CERTS_DIRS,
    maxDownloads: values.number("max-concurrent-downloads", 0) || 3,
    maxUploads: values.number("max-concurrent-uploads", 0) || 5,
    maxDownloadAttempts: values.number("max-download-attempts", 0) || 5,
  };
}
