// Links of the kinds that stand on another one, or lead nowhere: macvlan, ipvlan, VLAN, inner pairs, ifb. What every
// link has in common is link.ts's. Numbers: <linux/if_link.h>.

import { isErrno } from "../linux/libc.ts";
import type { Netlink } from "../linux/netlink.ts";
import * as nl from "../linux/netlink-message.ts";
import { findLink, IFLA, IFLA_INFO, ifinfo, macBytes, newLink, setUp, VETH_INFO_PEER } from "./link.ts";

const MACVLAN_MODE = 1;
const IFLA_IPVLAN = { MODE: 1, FLAGS: 2 } as const;
const IFLA_VLAN_ID = 1;

/** A macvlan of `parent` in the namespace. `mode`: 1 private, 2 vepa, 4 bridge, 8 passthru (which has its parent's MAC). */
export function createMacvlan(
  socket: Netlink,
  options: { name: string; parent: number; mode: number; mac: string; namespace: number; mtu: number },
): void {
  const data = nl.nested(IFLA_INFO.DATA, [nl.attributeU32(MACVLAN_MODE, options.mode)]);
  newLink(socket, `macvlan ${options.name}`, [
    nl.attributeText(IFLA.IFNAME, options.name),
    nl.attributeU32(IFLA.LINK, options.parent),
    ...(options.mac === "" ? [] : [nl.attribute(IFLA.ADDRESS, macBytes(options.mac))]),
    nl.attributeU32(IFLA.MTU, options.mtu),
    nl.attributeU32(IFLA.NET_NS_FD, options.namespace),
    nl.nested(IFLA.LINKINFO, [nl.attributeText(IFLA_INFO.KIND, "macvlan"), data]),
  ]);
}

/** An ipvlan of `parent` in the namespace. `mode`: 0 l2, 1 l3, 2 l3s; `flag`: 0 bridge, 1 private, 2 vepa. */
export function createIpvlan(
  socket: Netlink,
  options: { name: string; parent: number; mode: number; flag: number; namespace: number; mtu: number },
): void {
  const data = nl.nested(IFLA_INFO.DATA, [
    nl.attributeU16(IFLA_IPVLAN.MODE, options.mode),
    nl.attributeU16(IFLA_IPVLAN.FLAGS, options.flag),
  ]);
  newLink(socket, `ipvlan ${options.name}`, [
    nl.attributeText(IFLA.IFNAME, options.name),
    nl.attributeU32(IFLA.LINK, options.parent),
    nl.attributeU32(IFLA.MTU, options.mtu),
    nl.attributeU32(IFLA.NET_NS_FD, options.namespace),
    nl.nested(IFLA.LINKINFO, [nl.attributeText(IFLA_INFO.KIND, "ipvlan"), data]),
  ]);
}

/** Whether the kernel has ipvlan: without a parent it refuses one in other words than a kind it does not know. */
export function hasIpvlan(socket: Netlink): boolean {
  try {
    newLink(socket, "ipvlan", [nl.nested(IFLA.LINKINFO, [nl.attributeText(IFLA_INFO.KIND, "ipvlan")])]);
    return true;
  } catch (error) {
    if (isErrno(error, "EOPNOTSUPP")) return false;
    if (isErrno(error, "EINVAL")) return true;
    throw error;
  }
}

/** A pair whose ends both stay here, up: a parent with carrier for macvlans, that leads nowhere. @throws EEXIST. */
export function createInnerPair(socket: Netlink, name: string, peer: string, mtu: number): void {
  const other = nl.concat([ifinfo(0), nl.attributeText(IFLA.IFNAME, peer), nl.attributeU32(IFLA.MTU, mtu)]);
  const data = nl.nested(IFLA_INFO.DATA, [nl.attribute(VETH_INFO_PEER, other)]);
  const info = nl.nested(IFLA.LINKINFO, [nl.attributeText(IFLA_INFO.KIND, "veth"), data]);
  newLink(socket, `pair ${name}`, [nl.attributeText(IFLA.IFNAME, name), nl.attributeU32(IFLA.MTU, mtu), info]);
  for (const end of [name, peer]) {
    const link = findLink(socket, end);
    if (link !== undefined) setUp(socket, link.index);
  }
}

/** A VLAN (802.1Q) on `parent`. @throws EEXIST. */
export function createVlan(socket: Netlink, name: string, parent: number, id: number): void {
  const data = nl.nested(IFLA_INFO.DATA, [nl.attributeU16(IFLA_VLAN_ID, id)]);
  newLink(socket, `vlan ${name}`, [
    nl.attributeText(IFLA.IFNAME, name),
    nl.attributeU32(IFLA.LINK, parent),
    nl.nested(IFLA.LINKINFO, [nl.attributeText(IFLA_INFO.KIND, "vlan"), data]),
  ]);
}

/** An intermediate functional block: what is led to it leaves through its queue and goes on. @throws EEXIST. */
export function createIfb(socket: Netlink, name: string, group: number): void {
  newLink(socket, `ifb ${name}`, [
    nl.attributeText(IFLA.IFNAME, name),
    nl.attributeU32(IFLA.GROUP, group),
    nl.nested(IFLA.LINKINFO, [nl.attributeText(IFLA_INFO.KIND, "ifb")]),
  ]);
}
