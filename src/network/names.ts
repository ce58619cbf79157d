// The names of containers that run: which of them the zone knows, who gets a name server, and what their resolv.conf says.

import type { NetworkDefaults } from "../base/settings.ts";
import type { NetworkNamespace } from "../linux/namespace.ts";
import type { NetworkRequest } from "./contract.ts";
import { DnsServer } from "./dns/server.ts";
import { Zone, zoneLink } from "./dns/zone.ts";
import type { EndpointRecord } from "./network.ts";
import { containerResolv, formatResolv } from "./resolv.ts";

interface Named {
  readonly request: NetworkRequest;
  readonly endpoints: readonly EndpointRecord[];
}

export class Names {
  readonly #defaults: NetworkDefaults;
  readonly #zone = new Zone();
  readonly #dns = new DnsServer(this.#zone);

  constructor(defaults: NetworkDefaults) {
    this.#defaults = defaults;
  }

  /** Its names on all of its networks, in place of those of before. The default bridge has none (as Docker's). */
  set({ request, endpoints }: Named): void {
    const named = endpoints.filter((endpoint) => endpoint.network.name !== "bridge");
    this.#zone.set(
      request.containerId,
      named.map((endpoint) => ({
        container: request.containerId,
        networkId: endpoint.network.id,
        networkName: endpoint.network.name,
        names: endpoint.settings.names,
        ipv4: endpoint.ipv4,
        ipv6: endpoint.ipv6,
        links: (endpoint.settings.links ?? []).map(zoneLink),
      })),
    );
  }

  /** Idempotent. Names, and a name server in the namespace for a container that is on a network with names. */
  async serve(container: Named, namespace: NetworkNamespace): Promise<void> {
    this.set(container);
    if (!embedded(container)) return;
    const outside = container.endpoints.some((endpoint) => !endpoint.network.internal);
    const { hostConfig, containerId } = container.request;
    const resolvers = outside ? containerResolv(hostConfig, this.#defaults).servers : [];
    await this.#dns.open({ container: containerId, resolvers }, namespace);
  }

  /** Idempotent. */
  forget(containerId: string): void {
    this.#dns.close(containerId);
    this.#zone.delete(containerId);
  }

  /** The whole text of /etc/resolv.conf. */
  resolvConf(container: Named): string {
    return formatResolv(containerResolv(container.request.hostConfig, this.#defaults), embedded(container));
  }
}

function embedded({ endpoints }: Named): boolean {
  return endpoints.some((endpoint) => endpoint.network.name !== "bridge");
}
