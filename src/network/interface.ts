// An interface inside a container's namespace: its addresses, up, and the default route. The same for every driver.

import { writeFileSync } from "node:fs";
import { HoyError } from "../base/error.ts";
import { isErrno } from "../linux/libc.ts";
import type { NetworkNamespace } from "../linux/namespace.ts";
import { Netlink, type Request } from "../linux/netlink.ts";
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
  const { index } = device;
  const linkLocal = (endpoint.settings.linkLocal ?? []).map((text) =>
    parseCidr(`${text}/${text.includes(":") ? 64 : 16}`),
  );
  const addresses = [...placesOf(endpoint), ...linkLocal];
  socket.batch(`interface ${name}`, [
    link.upRequest(1),
    ...addresses.map(({ address, prefix }) => link.addressRequest(index, address, prefix)),
    link.upRequest(index),
    ...(gateway ? routes(index, endpoint) : []),
  ]);
}

/** Leads the default route over `endpoint`'s interface, in place of another; nothing if the container renamed that. */
export function routeDefault(endpoint: EndpointRecord, namespace: NetworkNamespace): void {
  using socket = namespace.run(() => new Netlink());
  const device = link.findLink(socket, endpoint.settings.interface);
  if (device !== undefined) socket.batch("default route", routes(device.index, endpoint));
}

function routes(index: number, endpoint: EndpointRecord): Request[] {
  if (endpoint.network.internal) return [];
  return placesOf(endpoint).map(({ gateway }) => link.routeRequest(index, gateway));
}

/** Its address in each family, with what of the network belongs to that. */
function placesOf({ network, ipv4, ipv6 }: EndpointRecord) {
  const pools = network.pools.map((pool) => ({
    prefix: parseCidr(pool.Subnet).prefix,
    gateway: parseAddress(pool.AuxiliaryAddresses?.[ROUTER[pool.Subnet.includes(":") ? 6 : 4]] ?? pool.Gateway),
  }));
  const owned = [ipv4, ipv6].filter((address) => address !== undefined).map(parseAddress);
  return owned.flatMap((address) => {
    const pool = pools.find(({ prefix }) => prefix.family === address.family);
    return pool === undefined ? [] : [{ address, ...pool }];
  });
}

/** Where the kernel has no IPv6 there is no file. */
function set(name: string, value: string): void {
  try {
    writeFileSync(`/proc/sys/${name}`, value);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}
