// Ports of a bridge by rtnetlink: who may reach whom by them, and whether anything passes. bridge(8); numbers:
// <linux/if_link.h>, <linux/if_bridge.h>.

import { isErrno } from "../linux/libc.ts";
import type { Netlink } from "../linux/netlink.ts";
import * as nl from "../linux/netlink-message.ts";
import { findLink, IFLA, ifinfo, RTM } from "./link.ts";

const IFLA_BRPORT_ISOLATED = 33;
const IFLA_BRPORT_STATE = 1;
const IFLA_BRPORT_FLUSH = 24;
const BR_STATE_DISABLED = 0;
const AF_BRIDGE = 7;

/** Makes a bridge port that can reach the bridge itself but no other isolated port (bridge(8), "isolated"). */
export function isolatePort(socket: Netlink, name: string): void {
  const port = findLink(socket, name);
  if (port === undefined) return;
  const header = ifinfo(port.index);
  header[0] = AF_BRIDGE;
  const parts = [header, nl.nested(IFLA.PROTINFO, [nl.attributeU8(IFLA_BRPORT_ISOLATED, 1)])];
  socket.request(`bridge port ${name}`, RTM.SETLINK, 0, parts);
}

/**
 * Lets nothing through a bridge port any more, and has the bridge forget who was behind it. Unlike taking the port away it
 * waits for no grace period of the kernel. Idempotent.
 */
export function blockPort(socket: Netlink, name: string): void {
  const port = findLink(socket, name);
  if (port === undefined || port.master === 0) return;
  const header = ifinfo(port.index);
  header[0] = AF_BRIDGE;
  const settings = [
    nl.attributeU8(IFLA_BRPORT_STATE, BR_STATE_DISABLED),
    nl.attribute(IFLA_BRPORT_FLUSH, new Uint8Array(0)),
  ];
  try {
    socket.request(`bridge port ${name}`, RTM.SETLINK, 0, [header, nl.nested(IFLA.PROTINFO, settings)]);
  } catch (error) {
    if (!isErrno(error, "ENODEV", "EINVAL")) throw error; // gone with its namespace meanwhile, or no port any more
  }
}
