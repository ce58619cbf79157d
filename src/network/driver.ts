// Network drivers: what a network is on the host, and how a container gets its interface on it.
//
// A driver has no state of its own: records come from the rows, the kernel has the rest. Every call is idempotent, so
// that the daemon's start can simply do all of them again. Addresses are IPAM's, names DNS's, rules firewall.ts's.

import type { NetworkRate } from "../api/types/container.ts";
import type { NetworkNamespace } from "../linux/namespace.ts";
import type { EndpointRecord, NetworkRecord } from "./network.ts";

export interface NetworkDriver {
  readonly name: string;
  /** @throws HoyError "invalid" for options it does not know or that can't be. Changes nothing. */
  check(network: NetworkRecord): void;
  /** Makes what the host needs (a bridge with its gateway addresses), or repairs it. */
  ensure(network: NetworkRecord): void;
  /** Takes it away. No endpoint is left on it. */
  remove(network: NetworkRecord): void;
  /** Puts the endpoint's interface into the namespace, with addresses, up; `gateway`: it carries the default route. */
  connect(endpoint: EndpointRecord, namespace: NetworkNamespace, gateway: boolean): void;
  /** The default route goes by the endpoint's interface from now on, which is in the namespace and up. */
  route(endpoint: EndpointRecord, namespace: NetworkNamespace): void;
  /** Takes the interface away, where the namespace's end has not done so yet. */
  disconnect(endpoint: EndpointRecord, namespace: NetworkNamespace | undefined): void;
  /** Whether ports can be published on it. */
  readonly publishes: boolean;
  /**
   * The namespace is ending, and its interface with it, when the kernel comes to it: nothing passes through meanwhile.
   * Absent where nobody else could get what is meant for it. Idempotent.
   */
  retire?(endpoint: EndpointRecord): void;
  /**
   * Holds the endpoint to a rate; undefined: to none. Absent where the host has no end of the interface to hold it on.
   * @throws HoyError "unavailable" when the kernel lacks a part.
   */
  limit?(endpoint: EndpointRecord, rate: NetworkRate | undefined): void;
}
