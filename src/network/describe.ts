// Endpoints and ports in the API's words: NetworkSettings of inspect, the ports of `docker ps`.

import type { Port, PortMap } from "../api/types/container.ts";
import type { EndpointSettings, NetworkSettings } from "../api/types/network.ts";
import { parsePrefix } from "./address.ts";
import type { EndpointRecord, NetworkRecord } from "./network.ts";
import type { PublishedPort } from "./ports/host-ports.ts";

export function describeNetworks(
  container: string,
  endpoints: readonly { readonly asked: string; readonly endpoint: EndpointRecord }[],
  ports: readonly PublishedPort[],
  exposed: readonly string[],
): NetworkSettings {
  const networks = Object.fromEntries(endpoints.map(({ asked, endpoint }) => [asked, describeEndpoint(endpoint)]));
  // The old fields speak of the default bridge only.
  const old = endpoints.find(({ endpoint }) => endpoint.network.name === "bridge")?.endpoint;
  const {
    IPAMConfig: _,
    Links: __,
    Aliases: ___,
    DriverOpts: ____,
    GwPriority: _____,
    NetworkID: ______,
    DNSNames: _______,
    ...top
  } = old ? describeEndpoint(old) : NO_ADDRESS;
  return {
    Bridge: "",
    SandboxID: container,
    SandboxKey: "",
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    Ports: describePortMap(ports, exposed),
    ...top,
    Networks: networks,
  };
}

const NO_ADDRESS: EndpointSettings = {
  EndpointID: "",
  Gateway: "",
  GlobalIPv6Address: "",
  GlobalIPv6PrefixLen: 0,
  IPAddress: "",
  IPPrefixLen: 0,
  IPv6Gateway: "",
  MacAddress: "",
};

/** As inspect shows a network that the container is not (or not yet) on. */
export function describeAbsent(network: NetworkRecord | undefined, asked: EndpointSettings): EndpointSettings {
  return {
    IPAMConfig: asked.IPAMConfig ?? {},
    Links: asked.Links ?? [],
    Aliases: asked.Aliases ?? [],
    DriverOpts: asked.DriverOpts ?? null,
    GwPriority: asked.GwPriority ?? 0,
    NetworkID: network?.id ?? "",
    DNSNames: [],
    ...NO_ADDRESS,
    MacAddress: asked.MacAddress ?? "",
  };
}

export function describeEndpoint(endpoint: EndpointRecord): EndpointSettings {
  const { network, settings } = endpoint;
  const pool = (family: 4 | 6) => network.pools.find((one) => parsePrefix(one.Subnet).family === family);
  const prefixLength = (family: 4 | 6) => parsePrefix(pool(family)?.Subnet ?? "0.0.0.0/0").length;
  const requested = {
    ...(settings.requestedIPv4 ? { IPv4Address: settings.requestedIPv4 } : {}),
    ...(settings.requestedIPv6 ? { IPv6Address: settings.requestedIPv6 } : {}),
    ...(settings.linkLocal?.length ? { LinkLocalIPs: [...settings.linkLocal] } : {}),
  };
  return {
    IPAMConfig: requested,
    Links: [...(settings.links ?? [])],
    Aliases: [...settings.aliases],
    MacAddress: endpoint.mac,
    DriverOpts: settings.driverOptions,
    GwPriority: settings.gwPriority,
    NetworkID: network.id,
    EndpointID: endpoint.id,
    Gateway: endpoint.ipv4 === undefined || network.internal ? "" : (pool(4)?.Gateway ?? ""),
    IPAddress: endpoint.ipv4 ?? "",
    IPPrefixLen: endpoint.ipv4 === undefined ? 0 : prefixLength(4),
    IPv6Gateway: endpoint.ipv6 === undefined || network.internal ? "" : (pool(6)?.Gateway ?? ""),
    GlobalIPv6Address: endpoint.ipv6 ?? "",
    GlobalIPv6PrefixLen: endpoint.ipv6 === undefined ? 0 : prefixLength(6),
    DNSNames: network.name === "bridge" ? [] : [...settings.names],
  };
}

function describePortMap(ports: readonly PublishedPort[], exposed: readonly string[]): PortMap {
  const map: PortMap = {};
  for (const key of exposed) map[key.includes("/") ? key : `${key}/tcp`] = null;
  for (const port of ports) {
    const key = `${port.containerPort}/${port.protocol}`;
    map[key] = [...(map[key] ?? []), { HostIp: port.hostIp, HostPort: String(port.hostPort) }];
  }
  return map;
}

export function describePorts(ports: readonly PublishedPort[], exposed: readonly string[]): Port[] {
  const published = ports.map(
    (port): Port => ({
      IP: port.hostIp,
      PrivatePort: port.containerPort,
      PublicPort: port.hostPort,
      Type: port.protocol,
    }),
  );
  const bound = new Set(ports.map((port) => `${port.containerPort}/${port.protocol}`));
  const only = exposed.flatMap((key): Port[] => {
    const [digits = "", protocol = "tcp"] = key.split("/");
    if (bound.has(`${digits}/${protocol}`)) return [];
    return [{ PrivatePort: Number(digits), Type: protocol === "udp" ? "udp" : protocol === "sctp" ? "sctp" : "tcp" }];
  });
  return [...only, ...published];
}
