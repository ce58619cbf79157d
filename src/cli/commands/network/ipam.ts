// --subnet, --ip-range, --gateway and --aux-address belong together by what lies in which subnet.

import { BlockList, isIP, isIPv6 } from "node:net";
import type { IPAMConfig } from "../../../api/types/network.ts";
import { UsageError } from "../../base/errors.ts";
import { cut } from "../../base/text.ts";

/** @throws UsageError in docker's words. */
export function ipamConfigs(
  subnets: readonly string[],
  ranges: readonly string[],
  gateways: readonly string[],
  auxiliary: ReadonlyMap<string, string>,
): IPAMConfig[] {
  if (subnets.length < ranges.length || subnets.length < gateways.length)
    throw new UsageError("every ip-range or gateway must have a corresponding subnet");
  const configs = new Map<string, IPAMConfig>();
  for (const subnet of subnets) {
    for (const other of configs.keys())
      if (contains(other, networkOf(subnet)) || contains(subnet, networkOf(other)))
        throw new UsageError("multiple overlapping subnet configuration is not supported");
    configs.set(subnet, { Subnet: subnet, AuxiliaryAddresses: {} });
  }
  for (const range of ranges)
    place(configs, range, networkOf(range), "IPRange", `no matching subnet for range ${range}`);
  for (const gateway of gateways)
    place(configs, gateway, gateway, "Gateway", `no matching subnet for gateway ${gateway}`);
  for (const [name, address] of auxiliary) {
    const config = find(configs, address);
    if (config === undefined) throw new UsageError(`no matching subnet for aux-address ${address}`);
    config.AuxiliaryAddresses = { ...config.AuxiliaryAddresses, [name]: address };
  }
  return [...configs.values()];
}

function place(
  configs: ReadonlyMap<string, IPAMConfig>,
  value: string,
  address: string,
  field: "IPRange" | "Gateway",
  complaint: string,
): void {
  const config = find(configs, address);
  if (config === undefined) throw new UsageError(complaint);
  if (config[field] !== undefined) {
    const what = field === "IPRange" ? "range" : "gateway";
    throw new UsageError(
      `cannot configure multiple ${what}s (${value}, ${config[field]}) on the same subnet (${config.Subnet})`,
    );
  }
  config[field] = value;
}

function find(configs: ReadonlyMap<string, IPAMConfig>, address: string): IPAMConfig | undefined {
  for (const [subnet, config] of configs) if (contains(subnet, address)) return config;
  return undefined;
}

function networkOf(cidr: string): string {
  return cut(cidr, "/")[0];
}

function contains(subnet: string, address: string): boolean {
  const [network, length] = cut(subnet, "/");
  const bits = Number(length);
  if (isIP(network) === 0 || !/^\d+$/.test(length) || bits > (isIPv6(network) ? 128 : 32))
    throw new UsageError(`invalid CIDR address: ${subnet}`);
  if (isIP(address) === 0) throw new UsageError(`invalid address: ${address}`);
  const list = new BlockList();
  list.addSubnet(network, bits, isIPv6(network) ? "ipv6" : "ipv4");
  return isIPv6(network) === isIPv6(address) && list.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}
