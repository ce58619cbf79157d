// The host's interface that containers of a macvlan or ipvlan network stand on: one of the host's own, a VLAN of one
// ("eth0.10", made where it is missing), or, where none is named, a pair of the engine's own that leads nowhere.

import { HoyError } from "../base/error.ts";
import type { Netlink } from "../linux/netlink.ts";
import * as link from "./link.ts";
import type { NetworkRecord } from "./network.ts";
import { createInnerPair, createVlan } from "./virtual-link.ts";

/** @throws HoyError "invalid" for a name that can't be, "not-found" for one that is not there and can't be made. */
export function checkParent(socket: Netlink, network: NetworkRecord): void {
  const { parent } = network.options;
  if (parent === undefined) return;
  if (!/^[A-Za-z0-9_.-]{1,15}$/.test(parent))
    throw new HoyError("invalid", `invalid parent interface name: ${JSON.stringify(parent.slice(0, 40))}`);
  if (link.findLink(socket, parent) === undefined && vlanOf(parent) === undefined) {
    throw new HoyError("not-found", `the parent interface ${parent} was not found`);
  }
}

/** Idempotent. */
export function ensureParent(socket: Netlink, network: NetworkRecord): void {
  const name = network.interface;
  if (link.findLink(socket, name) === undefined) create(socket, network);
  const { index } = parentOf(socket, network);
  if (network.options.parent === undefined || vlanOf(name) !== undefined) link.setUp(socket, index);
}

/** @throws HoyError "unavailable" when it is gone. */
export function parentOf(socket: Netlink, network: NetworkRecord): link.Link {
  const found = link.findLink(socket, network.interface);
  if (found !== undefined) return found;
  throw new HoyError("unavailable", `the parent interface ${network.interface} of network ${network.name} is gone`);
}

/** Idempotent. Only what was made here: the inner pair or the VLAN, never an interface of the host's. */
export function removeParent(socket: Netlink, network: NetworkRecord): void {
  const found = link.findLink(socket, network.interface);
  const made =
    network.options.parent === undefined
      ? found?.kind === "veth"
      : vlanOf(network.interface) !== undefined && found?.kind === "vlan";
  if (made) link.deleteLink(socket, network.interface);
}

function create(socket: Netlink, network: NetworkRecord): void {
  const vlan = vlanOf(network.interface);
  if (network.options.parent === undefined || vlan === undefined) {
    // The dummy device, made for this, is optional in kernels; whoever runs containers has veth.
    createInnerPair(socket, network.interface, network.interface.replace(/^dm-/, "dp-"), network.mtu);
    return;
  }
  const parent = link.findLink(socket, vlan.parent);
  if (parent === undefined) throw new HoyError("not-found", `the parent interface ${vlan.parent} was not found`);
  createVlan(socket, network.interface, parent.index, vlan.id);
}

/** "eth0.10": VLAN 10 on eth0. */
function vlanOf(name: string): { parent: string; id: number } | undefined {
  const [, parent, digits] = name.match(/^(.+)\.(\d{1,4})$/) ?? [];
  const id = Number(digits);
  return parent !== undefined && id >= 1 && id <= 4094 ? { parent, id } : undefined;
}
