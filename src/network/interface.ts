// An interface inside a container's namespace: its addresses, up, and the default route. The same for every driver.

import { writeFileSync } from "node:fs";
import { HoyError } from "../base/error.ts";
import { isErrno } from "../linux/libc.ts";
import type { NetworkNamespace } from "../linux/namespace.ts";
import { Netlink } from "../linux/netlink.ts";
import { parseAddress, parseCidr } from "./address.ts";
import * as link from "./link.ts";
import { type EndpointRecord, ROUTER } from "./network.ts";

/** Gives `endpoint`'s interface in the namespace its addresses, sets it and loopback up, and routes by it if asked. */
export function configureInterface(endpoint: EndpointRecord, namespace: NetworkNamespace, gateway: boolean): void {
  const { interface: name } = endpoint.settings;
  using socket = namespace.run(() => {
    // An address comes back to the next container while the kernel still takes the last one's interface away: with this
    // the new one announces itself when it comes up, and bridges and neighbours learn its place at once.
    set(`net/ipv4/conf/${name}/arp_notify`, "1");
    // As Docker: no link-local address either on a network without IPv6.
    if (endpoint.ipv6 === undefined) set(`net/ipv6/conf/${name}/disable_ipv6`, "1");
    else set(`net/ipv6/conf/${name}/ndisc_notify`, "1");
    return new Netlink();
  });
  const device = link.findLink(socket, name);
  if (device === undefined) throw new HoyError("internal", `interface ${name} did not appear in the container`);
  link.setUp(socket, 1);
  const owned = [endpoint.ipv4, endpoint.ipv6].filter((address) => address !== undefined).map(parseAddress);
  const pools = endpoint.network.pools.map((pool) => ({
    ...parseCidr(pool.Subnet),
    gateway: parseAddress(pool.AuxiliaryAddresses?.[ROUTER[pool.Subnet.includes(":") ? 6 : 4]] ?? pool.Gateway),
  }));
  for (const address of owned) {
    const pool = pools.find(({ prefix }) => prefix.family === address.family);
    if (pool !== undefined) link.addAddress(socket, device.index, address, pool.prefix);
  }
  for (const text of endpoint.settings.linkLocal ?? []) {
    const { address, prefix } = parseCidr(`${text}/${text.includes(":") ? 64 : 16}`);
    link.addAddress(socket, device.index, address, prefix);
  }
  link.setUp(socket, device.index);
  if (!gateway || endpoint.network.internal) return;
  for (const address of owned) {
    const pool = pools.find(({ prefix }) => prefix.family === address.family);
    if (pool !== undefined) link.addDefaultRoute(socket, device.index, pool.gateway);
  }
}

/** Where the kernel has no IPv6 there is no file. */
function set(name: string, value: string): void {
  try {
    writeFileSync(`/proc/sys/${name}`, value);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}
