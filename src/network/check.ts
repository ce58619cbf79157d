// Whether what a request wants of networks can ever be given: looked at before anything is taken. What is free at the
// moment of a start (addresses, ports) is not asked here.

import type { EndpointSettings } from "../api/types/network.ts";
import { HoyError } from "../base/error.ts";
import type { NetworkCatalog } from "./catalog.ts";
import type { NetworkRequest } from "./contract.ts";
import { checkEndpoint, wantedNetworks } from "./endpoints.ts";
import { checkUnmanaged, namespaceSource } from "./mode.ts";
import type { NetworkRecord } from "./network.ts";
import { portWishes } from "./ports/request.ts";
import { checkRate, limits } from "./rate.ts";
import { checkUsable } from "./shared-config.ts";

/**
 * @param defaultIp host address of published ports that name none
 * @throws HoyError "not-found" for an unknown network, "invalid" for what can't be (host mode with ports mapped …).
 */
export function checkRequest(catalog: NetworkCatalog, request: NetworkRequest, defaultIp: string): void {
  const source = namespaceSource(request.networkMode);
  checkRate(request.hostConfig.NetworkRate);
  checkUnmanaged(source, request);
  if (source.kind !== "managed") return;
  for (const { network, asked } of wantedNetworks(catalog, request)) {
    checkUsable(network);
    if (network.driver === "host" || network.driver === "null") {
      throw new HoyError(
        "invalid",
        `conflicting options: a container can't be on "${network.name}" and on another network`,
      );
    }
    checkNetwork(catalog, request, network, asked);
  }
  portWishes(request.hostConfig, request.exposedPorts, defaultIp);
}

/** Whether a container may be on the network in that way. @throws HoyError "invalid". */
export function checkNetwork(
  catalog: NetworkCatalog,
  request: NetworkRequest,
  network: NetworkRecord,
  asked: EndpointSettings,
): void {
  checkUsable(network);
  checkEndpoint(network, asked);
  if (limits(request.hostConfig.NetworkRate) && catalog.driverOf(network)?.limit === undefined) {
    throw new HoyError("invalid", `a network rate can't be held on a network of the driver ${network.driver}`);
  }
}
