// A container's places on its networks: which networks, with which addresses, names and interfaces. Addresses are taken
// by writing rows, in one transaction for all of a container's networks: all or none, and never two owners.

import type { EndpointSettings } from "../api/types/network.ts";
import { HoyError } from "../base/error.ts";
import { newId, shortId } from "../base/id.ts";
import type { EndpointRow, NetworkRows } from "../state/networks.ts";
import { formatAddress, isLinkLocal, parseAddress, parsePrefix } from "./address.ts";
import type { NetworkCatalog } from "./catalog.ts";
import type { NetworkRequest } from "./contract.ts";
import { checkPool, chooseAddress } from "./ipam.ts";
import { checkMac, macOf, randomMac } from "./mac.ts";
import { namespaceSource } from "./mode.ts";
import type { EndpointExtras, EndpointRecord, NetworkRecord } from "./network.ts";

/** Networks that the request names, each once, the one of NetworkMode first. @throws "not-found". */
export function wantedNetworks(
  catalog: NetworkCatalog,
  request: NetworkRequest,
): { network: NetworkRecord; asked: EndpointSettings }[] {
  const byId = new Map<string, { network: NetworkRecord; asked: EndpointSettings }>();
  for (const [ref, asked] of [[request.networkMode, {}] as const, ...Object.entries(request.endpoints)]) {
    const network = catalog.find(ref);
    byId.set(network.id, { network, asked: { ...byId.get(network.id)?.asked, ...asked } });
  }
  return [...byId.values()];
}

/** Those of `endpoints` whose networks the request does not name. None when a name can't be resolved: it may be theirs. */
export function strayEndpoints(
  catalog: NetworkCatalog,
  request: NetworkRequest,
  endpoints: readonly EndpointRecord[],
): EndpointRecord[] {
  if (endpoints.length === 0) return [];
  const managed = namespaceSource(request.networkMode).kind === "managed";
  try {
    const wanted = managed ? wantedNetworks(catalog, request).map(({ network }) => network.id) : [];
    return endpoints.filter(({ network }) => !wanted.includes(network.id));
  } catch (error) {
    if (error instanceof HoyError) return [];
    throw error;
  }
}

/** @throws HoyError "invalid" for what no start could ever give. */
export function checkEndpoint(network: NetworkRecord, asked: EndpointSettings): void {
  const { IPv4Address: ipv4, IPv6Address: ipv6 } = asked.IPAMConfig ?? {};
  if ((ipv4 || ipv6) && network.name === "bridge") {
    throw new HoyError(
      "invalid",
      "invalid config for network bridge: user specified IP address is supported on user defined networks only",
    );
  }
  if ((asked.Aliases?.length ?? 0) > 0 && network.name === "bridge") {
    throw new HoyError(
      "invalid",
      "invalid config for network bridge: network-scoped aliases are only supported for user-defined networks",
    );
  }
  for (const text of [ipv4, ipv6]) if (text) parseAddress(text);
  for (const text of asked.IPAMConfig?.LinkLocalIPs ?? []) {
    if (!isLinkLocal(parseAddress(text))) throw new HoyError("invalid", `invalid link-local IP address: ${text}`);
  }
  if (asked.MacAddress) checkMac(asked.MacAddress);
  if (asked.MacAddress && !hasOwnMac(network)) {
    const what = network.driver === "ipvlan" ? "ipvlan" : "macvlan passthru";
    throw new HoyError("invalid", `${what} interfaces do not support custom mac address assignment`);
  }
}

/** Takes an address on each network. Endpoints that the container has already (a restart of the daemon) are kept. */
export function takeEndpoints(
  rows: NetworkRows,
  request: NetworkRequest,
  wanted: readonly { network: NetworkRecord; asked: EndpointSettings }[],
): EndpointRecord[] {
  return rows.transaction(() => {
    const had = new Map(rows.endpointsOf(request.containerId).map((row) => [row.network, row]));
    const numbers = [...had.values()].map((row) => interfaceNumber(endpointExtras(row).interface));
    return wanted.map(({ network, asked }) => {
      const row = had.get(network.id);
      if (row !== undefined) return endpointOf(row, network);
      const number = lowestFree(numbers);
      numbers.push(number);
      const endpoint = newEndpoint(rows, request, network, asked, number);
      rows.insertEndpoint(rowOf(endpoint));
      return endpoint;
    });
  });
}

/** Of "eth2": an interface that was taken off leaves a gap, and the others keep their names. */
function interfaceNumber(name: string): number {
  return Number(/\d*$/.exec(name)?.[0]);
}

function lowestFree(taken: readonly number[]): number {
  let number = 0;
  while (taken.includes(number)) number++;
  return number;
}

function newEndpoint(
  rows: NetworkRows,
  request: NetworkRequest,
  network: NetworkRecord,
  asked: EndpointSettings,
  number: number,
): EndpointRecord {
  const id = newId();
  const taken = rows.endpointsOn(network.id);
  const address = (family: 4 | 6) => {
    const config = network.pools.find((pool) => parsePrefix(pool.Subnet).family === family);
    if (config === undefined) return undefined;
    const owned = taken.flatMap((row) => (family === 4 ? row.ipv4 : row.ipv6) ?? []);
    const wanted = family === 4 ? asked.IPAMConfig?.IPv4Address : asked.IPAMConfig?.IPv6Address;
    return formatAddress(chooseAddress(checkPool(config), new Set(owned), wanted));
  };
  const ipv4 = address(4);
  const settings = extrasOf(request, asked, `eth${number}`, network);
  return {
    id,
    network,
    container: request.containerId,
    ipv4,
    ipv6: address(6),
    mac: asked.MacAddress || macFor(network, ipv4),
    // 15 characters at most; "vh" and not Docker's "veth", so that each engine's sweep knows its own.
    hostInterface: `vh${id.slice(0, 11)}`,
    settings,
  };
}

/** A macvlan's must be unlike any that a dying namespace still has. "": it is the parent's. */
function macFor(network: NetworkRecord, ipv4: string | undefined): string {
  if (!hasOwnMac(network)) return "";
  return network.driver === "bridge" ? macOf(ipv4) : randomMac();
}

function hasOwnMac(network: NetworkRecord): boolean {
  return network.driver !== "ipvlan" && !(network.driver === "macvlan" && network.options.macvlan_mode === "passthru");
}

function extrasOf(
  request: NetworkRequest,
  asked: EndpointSettings,
  name: string,
  network: NetworkRecord,
): EndpointExtras {
  const aliases = asked.Aliases ?? [];
  const prefix = network.options["com.docker.network.container_iface_prefix"];
  return {
    names: namesOf(request, aliases),
    aliases,
    links: asked.Links ?? [],
    gwPriority: asked.GwPriority ?? 0,
    interface: prefix === undefined ? name : name.replace("eth", prefix),
    driverOptions: asked.DriverOpts ?? {},
    requestedIPv4: asked.IPAMConfig?.IPv4Address ?? "",
    requestedIPv6: asked.IPAMConfig?.IPv6Address ?? "",
    linkLocal: asked.IPAMConfig?.LinkLocalIPs ?? [],
  };
}

/** How others on the network may ask for it. */
function namesOf(request: NetworkRequest, aliases: readonly string[]): string[] {
  const names = [request.name, ...aliases, shortId(request.containerId), request.hostname];
  return [...new Set(names.filter((one) => one !== ""))];
}

/** After a rename from `old`: of the container that was renamed (`request`), or of one that has links to it. */
export function renamedEndpoint(endpoint: EndpointRecord, request: NetworkRequest, old: string): EndpointRecord {
  const { settings, container } = endpoint;
  const own = container === request.containerId;
  const links = (settings.links ?? []).map((link) => followedLink(link, old, request.name));
  const names = own ? namesOf(request, settings.aliases) : settings.names;
  return { ...endpoint, settings: { ...settings, links, names } };
}

/** "NAME[:ALIAS]" with the new name in place of the old; the alias stays what it was. */
export function followedLink(link: string, old: string, name: string): string {
  const [target = "", alias = target] = link.split(":");
  return target.replace(/^\//, "") === old ? `${name}:${alias}` : link;
}

export function endpointOf(row: EndpointRow, network: NetworkRecord): EndpointRecord {
  return {
    id: row.id,
    network,
    container: row.container,
    ipv4: row.ipv4 ?? undefined,
    ipv6: row.ipv6 ?? undefined,
    mac: row.mac,
    hostInterface: row.host_interface,
    settings: endpointExtras(row),
  };
}

function endpointExtras(row: EndpointRow): EndpointExtras {
  return JSON.parse(row.settings) as EndpointExtras;
}

function rowOf(endpoint: EndpointRecord): EndpointRow {
  return {
    id: endpoint.id,
    network: endpoint.network.id,
    container: endpoint.container,
    ipv4: endpoint.ipv4 ?? null,
    ipv6: endpoint.ipv6 ?? null,
    mac: endpoint.mac,
    host_interface: endpoint.hostInterface,
    settings: JSON.stringify(endpoint.settings),
  };
}

/** The endpoint that carries the default route: highest priority, then the name that sorts first; internal ones never. */
export function gatewayOf(endpoints: readonly EndpointRecord[]): EndpointRecord | undefined {
  const able = endpoints.filter((endpoint) => !endpoint.network.internal);
  return able.toSorted(
    (a, b) => b.settings.gwPriority - a.settings.gwPriority || (a.network.name < b.network.name ? -1 : 1),
  )[0];
}
