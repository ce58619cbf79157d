// A network as Docker's inspect shows it, with the containers on it.

import type { IPAMConfig, Network, NetworkContainer } from "../../api/types/network.ts";
import { formatPrefix, parsePrefix } from "../../network/address.ts";
import type { PoolConfig } from "../../network/ipam.ts";
import type { Live } from "../../network/live.ts";
import type { EndpointRecord, NetworkRecord } from "../../network/network.ts";

/** @param members who is shown on it: those that run */
export function describeNetwork(network: NetworkRecord, members: readonly Live[]): Network {
  return {
    Name: network.name,
    Id: network.id,
    Created: network.created,
    Scope: "local",
    Driver: network.driver,
    EnableIPv4: network.enableIPv4,
    EnableIPv6: network.enableIPv6,
    IPAM: {
      Driver: "default",
      Options: Object.keys(network.ipamOptions).length === 0 ? null : network.ipamOptions,
      Config: (network.shares?.pools ?? network.pools).map(describePool),
    },
    Internal: network.internal,
    Attachable: network.attachable,
    Ingress: false,
    ConfigFrom: { Network: network.configFrom ?? "" },
    ConfigOnly: network.shares !== undefined,
    Containers: containersOn(network, members),
    Options: network.options,
    Labels: network.labels,
  };
}

function describePool({ Subnet, IPRange, Gateway, AuxiliaryAddresses }: PoolConfig): IPAMConfig {
  return {
    ...(Subnet === undefined ? {} : { Subnet }),
    ...(IPRange === undefined ? {} : { IPRange }),
    ...(Gateway === undefined ? {} : { Gateway }),
    ...(AuxiliaryAddresses === undefined ? {} : { AuxiliaryAddresses }),
  };
}

function containersOn(network: NetworkRecord, members: readonly Live[]): Record<string, NetworkContainer> {
  const entries = members.flatMap(({ request, endpoints }) => {
    const endpoint = endpoints.find((one) => one.network.id === network.id);
    return endpoint === undefined ? [] : [[request.containerId, describeMember(request.name, endpoint)] as const];
  });
  return Object.fromEntries(entries);
}

function describeMember(name: string, endpoint: EndpointRecord): NetworkContainer {
  const cidr = (address: string | undefined) => {
    const pool = endpoint.network.pools.find(({ Subnet }) => Subnet.includes(":") === address?.includes(":"));
    return address === undefined || pool === undefined
      ? ""
      : `${address}/${formatPrefix(parsePrefix(pool.Subnet)).split("/")[1]}`;
  };
  return {
    Name: name,
    EndpointID: endpoint.id,
    MacAddress: endpoint.mac,
    IPv4Address: cidr(endpoint.ipv4),
    IPv6Address: cidr(endpoint.ipv6),
  };
}
