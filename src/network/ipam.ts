// IP address management: which subnet a network gets, and which address a container. Pure choices over what is taken;
// that two never get the same address is the database's unique index (src/state/networks.ts), not this file.

import { HoyError } from "../base/error.ts";
import type { Address, Prefix } from "./address.ts";
import { contains, formatAddress, formatPrefix, lastOf, overlaps, parseAddress, parsePrefix } from "./address.ts";

export interface AddressPool {
  readonly base: Prefix;
  /** Prefix length of the subnets cut from it. */
  readonly size: number;
}

/** Docker's own default pools for IPv4 (moby libnetwork/ipamutils): 172.17–31.0.0/16, then 192.168.0.0/16 by /20. */
export const DEFAULT_POOLS: readonly AddressPool[] = [
  ...Array.from({ length: 15 }, (_, index) => ({ base: parsePrefix(`172.${17 + index}.0.0/16`), size: 16 })),
  { base: parsePrefix("192.168.0.0/16"), size: 20 },
];

/** One subnet of a network with its choices, checked. */
export interface Pool {
  readonly subnet: Prefix;
  /** Addresses are given from here only; undefined: from the whole subnet. */
  readonly range: Prefix | undefined;
  readonly gateway: Address;
  /** Reserved by name for things that are not containers. */
  readonly auxiliary: Readonly<Record<string, string>>;
}

export interface PoolConfig {
  readonly Subnet?: string | undefined;
  readonly IPRange?: string | undefined;
  readonly Gateway?: string | undefined;
  readonly AuxiliaryAddresses?: Readonly<Record<string, string>> | undefined;
}

/** @throws HoyError "invalid" for what can't be; overlap with other networks is the caller's to check. */
export function checkPool(config: PoolConfig): Pool {
  if (!config.Subnet) throw new HoyError("invalid", "invalid network config: an IPAM config needs a subnet");
  const subnet = parsePrefix(config.Subnet);
  const range = config.IPRange ? parsePrefix(config.IPRange) : undefined;
  if (range !== undefined && (!contains(subnet, range) || range.length < subnet.length)) {
    throw new HoyError(
      "invalid",
      `invalid network config: ip-range ${config.IPRange} is not in subnet ${config.Subnet}`,
    );
  }
  const gateway = config.Gateway ? parseAddress(bare(config.Gateway)) : firstFree({ subnet, range }, new Set());
  if (gateway === undefined)
    throw new HoyError("invalid", `no address is left in subnet ${config.Subnet} for a gateway`);
  if (!contains(subnet, gateway)) {
    throw new HoyError(
      "invalid",
      `invalid network config: gateway ${formatAddress(gateway)} is not in subnet ${config.Subnet}`,
    );
  }
  const auxiliary = config.AuxiliaryAddresses ?? {};
  for (const [name, text] of Object.entries(auxiliary)) {
    if (!contains(subnet, parseAddress(text))) {
      throw new HoyError(
        "invalid",
        `invalid network config: auxiliary address ${name}=${text} is not in subnet ${config.Subnet}`,
      );
    }
  }
  return { subnet, range, gateway, auxiliary };
}

/**
 * The first subnet of the pools that overlaps nothing taken (other networks, the host's own routes).
 * @throws HoyError "conflict" with Docker's words when all are taken.
 */
export function chooseSubnet(pools: readonly AddressPool[], taken: readonly Prefix[]): Prefix {
  for (const { base, size } of pools) {
    const step = 1n << BigInt((base.family === 4 ? 32 : 128) - size);
    const last = lastOf(base);
    // At most 65,536 candidates a pool: a /48 cut by /64.
    for (let value = base.value, tries = 0; value <= last && tries < 65_536; value += step, tries++) {
      const candidate: Prefix = { family: base.family, value, length: size };
      if (!taken.some((other) => overlaps(candidate, other))) return candidate;
    }
  }
  throw new HoyError("conflict", "all predefined address pools have been fully subnetted", {
    hint: "remove unused networks (hoy network prune), name a --subnet, or set default-address-pools",
  });
}

/**
 * The address for a container: the wanted one if it is free, else the first free one.
 * `taken` holds addresses as text, as the database has them.
 * @throws HoyError "conflict" when it is taken, "invalid" when out of the subnet, "conflict" when none is left.
 */
export function chooseAddress(pool: Pool, taken: ReadonlySet<string>, wanted: string | undefined): Address {
  if (wanted !== undefined && wanted !== "") {
    const address = parseAddress(wanted);
    if (!contains(pool.subnet, address)) {
      throw new HoyError(
        "invalid",
        `invalid config for network: the requested address ${wanted} is not in subnet ${formatPrefix(pool.subnet)}`,
      );
    }
    if (reserved(pool).has(formatAddress(address)) || taken.has(formatAddress(address))) {
      throw new HoyError("conflict", `failed to set up container networking: Address already in use: ${wanted}`);
    }
    return address;
  }
  const free = firstFree(pool, new Set([...taken, ...reserved(pool)]));
  if (free === undefined) {
    throw new HoyError(
      "conflict",
      `no available IPv${pool.subnet.family} addresses on this network's address pools: ${formatPrefix(pool.range ?? pool.subnet)}`,
    );
  }
  return free;
}

function reserved(pool: Pool): ReadonlySet<string> {
  return new Set([
    formatAddress(pool.gateway),
    ...Object.values(pool.auxiliary).map((text) => formatAddress(parseAddress(text))),
  ]);
}

/** First address that is not the network's own, IPv4's broadcast, or taken. Looks at no more than `taken` + 3. */
function firstFree(pool: Pick<Pool, "subnet" | "range">, taken: ReadonlySet<string>): Address | undefined {
  const within = pool.range ?? pool.subnet;
  const { family } = pool.subnet;
  const last = lastOf(within);
  for (let value = within.value; value <= last; value++) {
    if (value === pool.subnet.value) continue;
    if (family === 4 && pool.subnet.length < 31 && value === lastOf(pool.subnet)) continue;
    const address: Address = { family, value };
    if (!taken.has(formatAddress(address))) return address;
  }
  return undefined;
}

function bare(text: string): string {
  return text.split("/", 1)[0] ?? "";
}
