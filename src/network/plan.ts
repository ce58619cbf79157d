// From what the user wants of a network to what it will be: every default filled in, subnets chosen, all checked.
// Pure: what is around it (other networks, the host's routes) is given.

import { HoyError } from "../base/error.ts";
import type { NetworkDefaults } from "../base/settings.ts";
import { formatAddress, formatPrefix, overlaps, type Prefix, parsePrefix } from "./address.ts";
import { type AddressPool, checkPool, chooseSubnet, DEFAULT_POOLS, type PoolConfig } from "./ipam.ts";
import type { NetworkRecord } from "./network.ts";

export interface NetworkWish {
  readonly name: string;
  readonly driver: string;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly enableIPv4: boolean;
  readonly enableIPv6: boolean;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly ipamDriver: string;
  readonly ipamOptions: Readonly<Record<string, string>>;
  readonly pools: readonly PoolConfig[];
  /** Makes nothing, but a configuration for others. */
  readonly configOnly: boolean;
  /** Name of the network whose configuration it takes over; "": none. */
  readonly configFrom: string;
  /** These two are given for what may not go with the ones above. */
  readonly ingress: boolean;
  readonly scope: string;
}

export interface Surroundings {
  /** Subnets of our other networks. */
  readonly taken: readonly Prefix[];
  /** What the host has routes to. */
  readonly routes: readonly Prefix[];
  readonly defaults: NetworkDefaults;
}

const IPV6_SIZE = 64;

/** @throws HoyError in Docker's words for subnets that overlap, addresses out of range, bad options. */
export function planNetwork(id: string, wish: NetworkWish, around: Surroundings): NetworkRecord {
  const { defaults } = around;
  // What a network takes over from another has its defaults already.
  const options = { ...(wish.configFrom === "" ? defaults.defaultOptions[wish.driver] : {}), ...wish.options };
  const flag = (key: string, otherwise: boolean) => {
    const text = options[key];
    if (text === undefined) return otherwise;
    if (!/^(?:true|false|1|0)$/i.test(text))
      throw new HoyError("invalid", `invalid value for option ${key}: ${text.slice(0, 60)}`);
    return /^(?:true|1)$/i.test(text);
  };
  return {
    id,
    name: wish.name,
    driver: wish.driver,
    created: new Date().toISOString(),
    internal: wish.internal,
    attachable: wish.attachable,
    enableIPv4: wish.enableIPv4,
    enableIPv6: wish.enableIPv6,
    options,
    labels: wish.labels,
    ipamOptions: wish.ipamOptions,
    ...(wish.configFrom === "" ? {} : { configFrom: wish.configFrom }),
    pools: choosePools(wish, around),
    interface: interfaceOf(id, wish.driver, options),
    mtu: mtuOf(options["com.docker.network.driver.mtu"], defaults.mtu),
    icc: flag("com.docker.network.bridge.enable_icc", true),
    masquerade: flag("com.docker.network.bridge.enable_ip_masquerade", defaults.masquerade),
    hostBinding: options["com.docker.network.bridge.host_binding_ipv4"] ?? "",
  };
}

function choosePools(wish: NetworkWish, { taken: others, routes, defaults }: Surroundings): NetworkRecord["pools"] {
  const taken = [...others];
  const pools = wish.pools.filter((pool) => pool.Subnet);
  if (wish.pools.length > pools.length)
    throw new HoyError("invalid", "invalid network config: an IPAM config needs a subnet");
  for (const pool of pools) {
    const clash = taken.find((other) => overlaps(other, parsePrefix(pool.Subnet ?? "")));
    if (clash !== undefined) {
      throw new HoyError(
        "forbidden",
        `invalid pool request: Pool overlaps with other one on this address space (${formatPrefix(clash)})`,
      );
    }
    taken.push(parsePrefix(pool.Subnet ?? ""));
  }
  const has = (family: 4 | 6) => pools.some((pool) => parsePrefix(pool.Subnet ?? "").family === family);
  if (!wish.enableIPv6 && has(6))
    throw new HoyError("invalid", "invalid network config: an IPv6 subnet needs IPv6 to be enabled (--ipv6)");
  const chosen = [...pools];
  const inUse = (): Prefix[] => [...taken, ...routes];
  if (wish.enableIPv4 && !has(4)) chosen.unshift({ Subnet: formatPrefix(chooseSubnet(poolsOf(4, defaults), inUse())) });
  if (wish.enableIPv6 && !has(6)) chosen.push({ Subnet: formatPrefix(chooseSubnet(poolsOf(6, defaults), inUse())) });
  return chosen.map((config) => {
    const pool = checkPool(config);
    return { ...config, Subnet: formatPrefix(pool.subnet), Gateway: formatAddress(pool.gateway) };
  });
}

function poolsOf(family: 4 | 6, defaults: NetworkDefaults): AddressPool[] {
  const own = defaults.addressPools
    .map(({ base, size }) => ({ base: parsePrefix(base), size }))
    .filter(({ base }) => base.family === family);
  if (own.length > 0) return own;
  return family === 4 ? [...DEFAULT_POOLS] : [randomUla()];
}

function interfaceOf(id: string, driver: string, options: Readonly<Record<string, string>>): string {
  if (driver === "bridge") return options["com.docker.network.bridge.name"] ?? `br-${id.slice(0, 12)}`;
  return options.parent ?? `dm-${id.slice(0, 12)}`;
}

function mtuOf(text: string | undefined, otherwise: number): number {
  if (text === undefined || text === "0") return otherwise === 0 ? 1500 : otherwise;
  const mtu = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (mtu < 68 || mtu > 65_535) throw new HoyError("invalid", `invalid MTU: ${text.slice(0, 20)}`);
  return mtu;
}

/** fd00::/8 with 40 random bits (RFC 4193, 3.2.2). */
function randomUla(): AddressPool {
  const random = crypto.getRandomValues(new Uint8Array(5));
  const global = random.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0xfdn);
  return { base: { family: 6, value: global << 80n, length: 48 }, size: IPV6_SIZE };
}
