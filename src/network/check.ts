// Whether what a request wants of networks can ever be given: looked at before anything is taken. What is free at the
// moment of a start (addresses, ports) is not asked here.

import { HoyError } from "../base/error.ts";
import type { NetworkCatalog } from "./catalog.ts";
import type { NetworkRequest } from "./contract.ts";
import { checkEndpoint, wantedNetworks } from "./endpoints.ts";
import { checkUnmanaged, namespaceSource } from "./mode.ts";
import { portWishes } from "./ports/request.ts";
import { checkRate, limits } from "./rate.ts";

/**
 * @param defaultIp host address of published ports that name none
 * @throws HoyError "not-found" for an unknown network, "invalid" for what can't be (host mode with ports mapped …).
 */
export function checkRequest(catalog: NetworkCatalog, request: NetworkRequest, defaultIp: string): void {
  const source = namespaceSource(request.networkMode);
  checkRate(request.hostConfig.NetworkRate);
  checkUnmanaged(source, request);
  const limited = limits(request.hostConfig.NetworkRate);
  if (source.kind !== "managed") return;
  for (const { network, asked } of wantedNetworks(catalog, request)) {
    if (network.driver === "host" || network.driver === "null") {
      throw new HoyError(
        "invalid",
        `conflicting options: a container can't be on "${network.name}" and on another network`,
      );
    }
    checkEndpoint(network, asked);
    if (limited && catalog.driverOf(network)?.limit === undefined) {
      throw new HoyError("invalid", `a network rate can't be held on a network of the driver ${network.driver}`);
    }
  }
  portWishes(request.hostConfig, request.exposedPorts, defaultIp);
}
