// A network as the engine keeps it: what the user asked for, made whole (every default filled in, checked).
// Rows hold it as JSON; inspect shows it as Docker's Network.

import type { PoolConfig } from "./ipam.ts";

/** A pool whose subnet and gateway are decided. */
export interface ChosenPool extends PoolConfig {
  readonly Subnet: string;
  readonly Gateway: string;
}

/** Names of reserved addresses (--aux-address) that the default route goes by, in place of the gateway; as in Docker. */
export const ROUTER = { 4: "DefaultGatewayIPv4", 6: "DefaultGatewayIPv6" } as const;

export interface NetworkRecord {
  readonly id: string;
  readonly name: string;
  readonly driver: string;
  /** RFC 3339. */
  readonly created: string;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly enableIPv4: boolean;
  readonly enableIPv6: boolean;
  readonly options: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly ipamOptions: Readonly<Record<string, string>>;
  /** Only for others to take over (--config-only): what was asked for, nothing chosen; it is nothing on the host. */
  readonly shares?: { readonly pools: readonly PoolConfig[] };
  /** The name of the network whose configuration this one took over. */
  readonly configFrom?: string;
  /** Subnet, range, gateway, all chosen: at most one a family is used for giving addresses. */
  readonly pools: readonly ChosenPool[];
  /** The host's interface of a bridge; the parent of a macvlan; "" for none and host. */
  readonly interface: string;
  /** The bridge was there before the network: it is used, and left when the network goes. */
  readonly adopted?: boolean;
  readonly mtu: number;
  /** Between containers of this network. */
  readonly icc: boolean;
  readonly masquerade: boolean;
  /** Host address for published ports that name none; "": all. */
  readonly hostBinding: string;
}

/** A container's place on a network. */
export interface EndpointRecord {
  readonly id: string;
  readonly network: NetworkRecord;
  readonly container: string;
  readonly ipv4: string | undefined;
  readonly ipv6: string | undefined;
  readonly mac: string;
  readonly hostInterface: string;
  readonly settings: EndpointExtras;
}

/** What of an endpoint is only text to us, kept for inspect and names. */
export interface EndpointExtras {
  /** Names by which others on the network find it. */
  readonly names: readonly string[];
  readonly aliases: readonly string[];
  /** "CONTAINER:ALIAS", as asked for; rows of before don't have it. */
  readonly links?: readonly string[];
  readonly gwPriority: number;
  /** "eth0" in the container. */
  readonly interface: string;
  readonly driverOptions: Readonly<Record<string, string>>;
  /** What the user fixed, so that a later start asks for it again. */
  readonly requestedIPv4: string;
  readonly requestedIPv6: string;
  /** Further addresses of its interface that nobody hands out; rows of before don't have them. */
  readonly linkLocal?: readonly string[];
}
