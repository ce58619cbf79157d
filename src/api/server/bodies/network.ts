// Shapes of the bodies of POST /networks/create, /networks/{id}/connect and /networks/{id}/disconnect.

import type { NetworkCreateRequest } from "../../backend.ts";
import type { EndpointIPAMConfig, EndpointSettings, IPAM, IPAMConfig } from "../../types/network.ts";
import { bool, int, list, map, object, text } from "../shape.ts";

export const endpointSettings = object<EndpointSettings>("EndpointSettings", {
  IPAMConfig: object<EndpointIPAMConfig>("EndpointIPAMConfig", {
    IPv4Address: text,
    IPv6Address: text,
    LinkLocalIPs: list(text),
  }),
  Links: list(text),
  MacAddress: text,
  Aliases: list(text),
  DriverOpts: map(text),
  GwPriority: int,
  NetworkID: text,
  EndpointID: text,
  Gateway: text,
  IPAddress: text,
  IPPrefixLen: int,
  IPv6Gateway: text,
  GlobalIPv6Address: text,
  GlobalIPv6PrefixLen: int,
  DNSNames: list(text),
});

const ipam = object<IPAM>("IPAM", {
  Driver: text,
  Config: list(
    object<IPAMConfig>("IPAMConfig", { Subnet: text, IPRange: text, Gateway: text, AuxiliaryAddresses: map(text) }),
  ),
  Options: map(text),
});

/** Name is required, but its absence is told in the route's own words. */
export const networkCreateBody = object<NetworkCreateRequest>("CreateRequest", {
  Name: text,
  Driver: text,
  Scope: text,
  Internal: bool,
  Attachable: bool,
  Ingress: bool,
  ConfigOnly: bool,
  ConfigFrom: object<{ Network?: string }>("ConfigReference", { Network: text }),
  IPAM: ipam,
  EnableIPv4: bool,
  EnableIPv6: bool,
  Options: map(text),
  Labels: map(text),
});

export interface ConnectBody {
  Container?: string;
  EndpointConfig?: EndpointSettings;
}

export const connectBody = object<ConnectBody>("ConnectOptions", {
  Container: text,
  EndpointConfig: endpointSettings,
});

export interface DisconnectBody {
  Container?: string;
  Force?: boolean;
}

export const disconnectBody = object<DisconnectBody>("DisconnectOptions", { Container: text, Force: bool });
