// Interfaces, addresses and routes by rtnetlink: the verbs that the drivers are made of. Each call is one or two netlink
// round trips (0.1 ms); what ends in "Request" is for several in one. Numbers: <linux/rtnetlink.h>, <linux/if_link.h>, <linux/if_addr.h>; rtnetlink(7).

import { isErrno } from "../linux/libc.ts";
import { type Netlink, NLM_F, type Request } from "../linux/netlink.ts";
import * as nl from "../linux/netlink-message.ts";
import { type Address, addressBytes, type Family, type Prefix } from "./address.ts";

export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  SETLINK: 19,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  GETROUTE: 26,
} as const;
export const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  PROTINFO: 12,
  LINKINFO: 18,
  GROUP: 27,
  NET_NS_FD: 28,
  EXT_MASK: 29,
  NUM_TX_QUEUES: 31,
  NUM_RX_QUEUES: 32,
} as const;
export const IFLA_INFO = { KIND: 1, DATA: 2 } as const;
const IFA = { ADDRESS: 1, LOCAL: 2, BROADCAST: 4, FLAGS: 8 } as const;
const RTA = { DST: 1, OIF: 4, GATEWAY: 5, PRIORITY: 6, PREFSRC: 7 } as const;
export const VETH_INFO_PEER = 1;
const IFLA_BR = { FORWARD_DELAY: 1 } as const;
const RTEXT_FILTER_SKIP_STATS = 8;
const IFF_UP = 1;
const IFA_F_NODAD = 0x02;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RT_SCOPE = { UNIVERSE: 0, LINK: 253 } as const;
const RTN_UNICAST = 1;
const AF: Record<Family, number> = { 4: 2, 6: 10 };

export interface Link {
  readonly index: number;
  readonly name: string;
  readonly up: boolean;
  readonly master: number;
  readonly mac: string;
  readonly mtu: number;
  /** "bridge", "veth", "macvlan", … or "" for a real device. */
  readonly kind: string;
  /** ip-link(8), "group"; 0 for most. */
  readonly group: number;
}

export function findLink(socket: Netlink, name: string): Link | undefined {
  try {
    const [answer] = socket.request(`link ${name}`, RTM.GETLINK, 0, [
      ifinfo(0),
      nl.attributeText(IFLA.IFNAME, name),
      nl.attributeU32(IFLA.EXT_MASK, RTEXT_FILTER_SKIP_STATS),
    ]);
    return answer === undefined ? undefined : readLink(answer.payload);
  } catch (error) {
    if (isErrno(error, "ENODEV")) return undefined;
    throw error;
  }
}

export function listLinks(socket: Netlink): Link[] {
  return socket.request("links", RTM.GETLINK, NLM_F.DUMP, [ifinfo(0)]).map((answer) => readLink(answer.payload));
}

/** A bridge without forwarding delay. @throws EEXIST. */
export function createBridge(socket: Netlink, name: string, options: { mac: string; mtu: number }): void {
  const data = nl.nested(IFLA_INFO.DATA, [nl.attributeU32(IFLA_BR.FORWARD_DELAY, 0)]);
  newLink(socket, `bridge ${name}`, [
    nl.attributeText(IFLA.IFNAME, name),
    nl.attribute(IFLA.ADDRESS, macBytes(options.mac)),
    nl.attributeU32(IFLA.MTU, options.mtu),
    nl.nested(IFLA.LINKINFO, [nl.attributeText(IFLA_INFO.KIND, "bridge"), data]),
  ]);
}

export interface VethOptions {
  readonly host: string;
  /** Bridge that the host's end becomes a port of. */
  readonly master: number;
  readonly peer: string;
  readonly peerMac: string;
  /** Namespace of the peer. */
  readonly peerNamespace: number;
  readonly mtu: number;
}

/** A pair whose one end is up on the bridge and whose other end is (down) in the namespace: one message. */
export function createVeth(socket: Netlink, options: VethOptions): void {
  // The kernel would make a queue for each processor, with its files in /sys: for XDP only, since a veth queues nothing.
  const queues = [nl.attributeU32(IFLA.NUM_TX_QUEUES, 1), nl.attributeU32(IFLA.NUM_RX_QUEUES, 1)];
  const peer = nl.concat([
    ifinfo(0),
    ...queues,
    nl.attributeText(IFLA.IFNAME, options.peer),
    nl.attribute(IFLA.ADDRESS, macBytes(options.peerMac)),
    nl.attributeU32(IFLA.MTU, options.mtu),
    nl.attributeU32(IFLA.NET_NS_FD, options.peerNamespace),
  ]);
  const data = nl.nested(IFLA_INFO.DATA, [nl.attribute(VETH_INFO_PEER, peer)]);
  const parts = [
    ...queues,
    nl.attributeText(IFLA.IFNAME, options.host),
    nl.attributeU32(IFLA.MTU, options.mtu),
    nl.attributeU32(IFLA.MASTER, options.master),
    nl.nested(IFLA.LINKINFO, [nl.attributeText(IFLA_INFO.KIND, "veth"), data]),
  ];
  socket.request(`veth ${options.host}`, RTM.NEWLINK, NLM_F.CREATE | NLM_F.EXCL, [ifinfo(0, IFF_UP), ...parts]);
}

/** Idempotent: a link that is not there is removed already. */
export function deleteLink(socket: Netlink, name: string): void {
  try {
    socket.request(`link ${name}`, RTM.DELLINK, 0, [ifinfo(0), nl.attributeText(IFLA.IFNAME, name)]);
  } catch (error) {
    if (!isErrno(error, "ENODEV")) throw error;
  }
}

export function setUp(socket: Netlink, index: number): void {
  socket.batch(`link ${index} up`, [upRequest(index)]);
}

export function upRequest(index: number): Request {
  return { type: RTM.NEWLINK, flags: NLM_F.ACK, parts: [ifinfo(index, IFF_UP)] };
}

/** Idempotent. */
export function addAddress(socket: Netlink, index: number, address: Address, prefix: Prefix): void {
  socket.batch(`address on ${index}`, [addressRequest(index, address, prefix)]);
}

/** IPv6 addresses are usable at once (no duplicate address detection: IPAM knows its owners). */
export function addressRequest(index: number, address: Address, prefix: Prefix): Request {
  const header = new Uint8Array(8);
  const view = new DataView(header.buffer);
  header[0] = AF[address.family];
  header[1] = prefix.length;
  view.setUint32(4, index, true);
  const parts = [
    header,
    nl.attribute(IFA.LOCAL, addressBytes(address)),
    nl.attribute(IFA.ADDRESS, addressBytes(address)),
  ];
  if (address.family === 6) parts.push(nl.attributeU32(IFA.FLAGS, IFA_F_NODAD));
  else if (prefix.length < 31) {
    const broadcast = prefix.value | ((1n << BigInt(32 - prefix.length)) - 1n);
    parts.push(nl.attribute(IFA.BROADCAST, addressBytes({ family: 4, value: broadcast })));
  }
  return { type: RTM.NEWADDR, flags: NLM_F.ACK | NLM_F.CREATE | NLM_F.REPLACE, parts };
}

export function removeAddress(socket: Netlink, index: number, address: Address, length: number): void {
  const header = new Uint8Array(8);
  header[0] = AF[address.family];
  header[1] = length;
  new DataView(header.buffer).setUint32(4, index, true);
  socket.request(`address on ${index}`, RTM.DELADDR, 0, [header, nl.attribute(IFA.LOCAL, addressBytes(address))]);
}

export interface AddressOnLink {
  readonly index: number;
  readonly address: Address;
  readonly length: number;
}

export function listAddresses(socket: Netlink): AddressOnLink[] {
  const header = new Uint8Array(8);
  return socket.request("addresses", RTM.GETADDR, NLM_F.DUMP, [header]).flatMap(({ payload }) => {
    const found = nl.attributes(payload.subarray(8));
    const address = addressFrom(found.get(IFA.LOCAL) ?? found.get(IFA.ADDRESS));
    const index = nl.u32Of(payload.subarray(4, 8));
    return address === undefined ? [] : [{ index, address, length: payload[1] ?? 0 }];
  });
}

/** The default route by the interface itself: where there is no neighbour to ask (ipvlan's l3). */
export function addDeviceRoute(socket: Netlink, index: number, family: Family): void {
  const header = routeHeader(family, 0, RT_SCOPE.LINK);
  const parts = [header, nl.attributeU32(RTA.OIF, index)];
  socket.request("default route", RTM.NEWROUTE, NLM_F.CREATE | NLM_F.REPLACE, parts);
}

/** The default route. */
export function routeRequest(index: number, gateway: Address): Request {
  const parts = [
    routeHeader(gateway.family, 0, RT_SCOPE.UNIVERSE),
    nl.attribute(RTA.GATEWAY, addressBytes(gateway)),
    nl.attributeU32(RTA.OIF, index),
  ];
  return { type: RTM.NEWROUTE, flags: NLM_F.ACK | NLM_F.CREATE | NLM_F.REPLACE, parts };
}

/** Destinations of the main table with a length above 0: what a new subnet must not overlap. */
export function listRoutes(socket: Netlink): Prefix[] {
  return socket.request("routes", RTM.GETROUTE, NLM_F.DUMP, [new Uint8Array(12)]).flatMap(({ payload }) => {
    const address = addressFrom(nl.attributes(payload.subarray(12)).get(RTA.DST));
    const length = payload[1] ?? 0;
    if (address === undefined || length === 0 || payload[4] !== RT_TABLE_MAIN) return [];
    return [{ ...address, length }];
  });
}

export function macBytes(mac: string): Uint8Array {
  return Uint8Array.from(mac.split(":").map((part) => Number.parseInt(part, 16)));
}

/** A link from its attributes. @throws EEXIST; EOPNOTSUPP for a kind that the kernel does not have. */
export function newLink(socket: Netlink, what: string, parts: readonly Uint8Array[]): void {
  socket.request(what, RTM.NEWLINK, NLM_F.CREATE | NLM_F.EXCL, [ifinfo(0), ...parts]);
}

/** struct ifinfomsg: family, type, index, flags, change mask. */
export function ifinfo(index: number, flags = 0): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, flags, true);
  return bytes;
}

/** struct rtmsg. */
function routeHeader(family: Family, length: number, scope: number): Uint8Array {
  return Uint8Array.of(AF[family], length, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, scope, RTN_UNICAST, 0, 0, 0, 0);
}

function readLink(payload: Uint8Array): Link {
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  const found = nl.attributes(payload.subarray(16));
  const info = found.get(IFLA.LINKINFO);
  return {
    index: view.getInt32(4, true),
    name: nl.textOf(found.get(IFLA.IFNAME)),
    up: (view.getUint32(8, true) & IFF_UP) !== 0,
    master: nl.u32Of(found.get(IFLA.MASTER)),
    mac: [...(found.get(IFLA.ADDRESS) ?? [])].map((byte) => byte.toString(16).padStart(2, "0")).join(":"),
    mtu: nl.u32Of(found.get(IFLA.MTU)),
    kind: info === undefined ? "" : nl.textOf(nl.attributes(info).get(IFLA_INFO.KIND)),
    group: nl.u32Of(found.get(IFLA.GROUP)),
  };
}

function addressFrom(bytes: Uint8Array | undefined): Address | undefined {
  if (bytes === undefined || (bytes.length !== 4 && bytes.length !== 16)) return undefined;
  const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { family: bytes.length === 4 ? 4 : 6, value };
}
