// Lines of a container's /etc/hosts that networking knows: its own addresses, links, and --add-host.

import { HoyError } from "../base/error.ts";
import { parseAddress } from "./address.ts";
import type { NetworkRequest } from "./contract.ts";
import type { EndpointRecord } from "./network.ts";

export interface HostsLine {
  readonly address: string;
  readonly names: readonly string[];
}

interface Around {
  readonly live: readonly { readonly request: NetworkRequest; readonly endpoints: readonly EndpointRecord[] }[];
  /** What "host-gateway" stands for. */
  readonly hostGateway: readonly string[];
}

export function hostsLines(request: NetworkRequest, endpoints: readonly EndpointRecord[], around: Around): HostsLine[] {
  return [...extraHosts(request, around.hostGateway), ...links(request, around), ...own(request, endpoints)];
}

function own(request: NetworkRequest, endpoints: readonly EndpointRecord[]): HostsLine[] {
  if (request.hostname === "") return [];
  // The full name may be in the hostname alone, or split over both; the bare one stands beside it either way.
  const full = request.domainname === "" ? request.hostname : `${request.hostname}.${request.domainname}`;
  const [bare = ""] = full.split(".");
  const names = bare === "" || bare === full ? [full] : [full, bare];
  const addresses = endpoints
    .flatMap((endpoint) => [endpoint.ipv4, endpoint.ipv6])
    .filter((address) => address !== undefined);
  return addresses.map((address) => ({ address, names }));
}

/** "name:address" or "name=address"; @throws HoyError "invalid". */
function extraHosts(request: NetworkRequest, hostGateway: readonly string[]): HostsLine[] {
  return (request.hostConfig.ExtraHosts ?? []).flatMap((line) => {
    const [, name, address] = line.match(/^([^:=\s]+)[:=]\[?([^\]\s]+)\]?$/) ?? [];
    if (name === undefined || address === undefined)
      throw new HoyError("invalid", `bad format for add-host: "${line.slice(0, 100)}"`);
    if (address === "host-gateway") {
      if (hostGateway.length === 0) throw new HoyError("invalid", "unable to derive the IP value for host-gateway");
      return hostGateway.map((gateway) => ({ address: gateway, names: [name] }));
    }
    parseAddress(address);
    return [{ address, names: [name] }];
  });
}

/**
 * --link NAME[:ALIAS] on the default bridge: the other container as it is now. On other networks the name server knows
 * links, and the other may come later. @throws HoyError "not-found" when it does not run.
 */
function links(request: NetworkRequest, around: Around): HostsLine[] {
  if (!["", "default", "bridge"].includes(request.networkMode)) return [];
  return (request.hostConfig.Links ?? []).flatMap((link) => {
    const [target = "", alias = target] = link.split(":").map((part) => part.split("/").at(-1) ?? "");
    const other = around.live.find(
      (live) => live.request.name === target || live.request.containerId.startsWith(target),
    );
    if (other === undefined)
      throw new HoyError("not-found", `Cannot link to a non running container: /${target.slice(0, 100)}`);
    const names = [...new Set([alias, other.request.hostname, other.request.name])].filter((name) => name !== "");
    return other.endpoints.flatMap((endpoint) =>
      endpoint.ipv4 === undefined ? [] : [{ address: endpoint.ipv4, names }],
    );
  });
}
