// Containers' endpoints between rows and kernel: the interface that goes with each, put into the container's namespace and
// taken out again by the driver of its network, and what a killed engine left half-done of that.

import { HoyError } from "../base/error.ts";
import { log } from "../base/log.ts";
import { step } from "../base/trace.ts";
import type { NetworkNamespace } from "../linux/namespace.ts";
import type { NetworkRows } from "../state/networks.ts";
import type { NetworkCatalog } from "./catalog.ts";
import type { NetworkRequest } from "./contract.ts";
import type { NetworkDriver } from "./driver.ts";
import { endpointOf, gatewayOf, strayEndpoints } from "./endpoints.ts";
import type { Live } from "./live.ts";
import type { EndpointRecord } from "./network.ts";
import { limits } from "./rate.ts";

export class Attachments {
  readonly #rows: NetworkRows;
  readonly #catalog: NetworkCatalog;

  constructor(rows: NetworkRows, catalog: NetworkCatalog) {
    this.#rows = rows;
    this.#catalog = catalog;
  }

  /** What the rows have of a container. */
  recorded(containerId: string): EndpointRecord[] {
    return this.#rows.endpointsOf(containerId).flatMap((row) => {
      const network = this.#catalog.byId(row.network);
      return network === undefined ? [] : [endpointOf(row, network)];
    });
  }

  /** Puts the interface of one of `live`'s endpoints into the namespace, held to its rate. */
  attach(live: Live, namespace: NetworkNamespace, endpoint: EndpointRecord): void {
    const driver = this.#driver(endpoint);
    const rate = live.request.hostConfig.NetworkRate;
    driver.connect(endpoint, namespace, endpoint === gatewayOf(live.endpoints));
    if (limits(rate)) step("network.rate", () => driver.limit?.(endpoint, rate));
  }

  #route(endpoint: EndpointRecord, namespace: NetworkNamespace): void {
    try {
      step("network.route", () => this.#driver(endpoint).route(endpoint, namespace));
    } catch (error) {
      // A container that may administer its network has set the interface down: the route is its own to make.
      log.warn("the default route could not be moved", { network: endpoint.network.name, error });
    }
  }

  /**
   * Takes the interfaces of some of a container's endpoints away, and their addresses are free. If one of them carries the
   * default route, another has that first: whenever this is cut short, there is one. Idempotent.
   */
  detach(
    all: readonly EndpointRecord[],
    some: readonly EndpointRecord[],
    namespace: NetworkNamespace | undefined,
  ): void {
    const [before, after] = [gatewayOf(all), gatewayOf(all.filter((endpoint) => !some.includes(endpoint)))];
    if (after !== undefined && after !== before && namespace !== undefined) this.#route(after, namespace);
    for (const endpoint of some) {
      step("network.disconnect", () => this.#driver(endpoint).disconnect(endpoint, namespace));
      step("network.free", () => this.#rows.deleteEndpoint(endpoint.id));
    }
  }

  /**
   * The container has ended. A bridge's veth goes with the namespace, and taking it away here would wait for the kernel's
   * grace period. Until it is gone it is blocked: the next owner of the address has the same hardware address, and what is
   * sent to it would come to the dying namespace.
   */
  retire({ endpoints, request, namespace }: Live): void {
    const limited = limits(request.hostConfig.NetworkRate);
    for (const endpoint of endpoints) {
      const driver = this.#driver(endpoint);
      step("network.retire", () => driver.retire?.(endpoint));
      if (driver.retire === undefined || limited)
        step("network.disconnect", () => driver.disconnect(endpoint, namespace));
    }
  }

  /** All of its endpoints to the rate it has, or to none: a change that was cut short is made whole again. */
  limit({ request, endpoints }: Live): void {
    step("network.rate", () => {
      for (const endpoint of endpoints) this.#driver(endpoint).limit?.(endpoint, request.hostConfig.NetworkRate);
    });
  }

  /**
   * The endpoints of a container that ran on while no engine was there. Those that its record does not know are taken off:
   * a connect that was cut short is undone, a disconnect is finished.
   */
  takeUp(request: NetworkRequest, namespace: NetworkNamespace | undefined): EndpointRecord[] {
    const recorded = this.recorded(request.containerId);
    const strays = strayEndpoints(this.#catalog, request, recorded);
    for (const { network } of strays)
      log.info("a half-made connection to a network is undone", { container: request.name, network: network.name });
    this.detach(recorded, strays, namespace);
    return recorded.filter((endpoint) => !strays.includes(endpoint));
  }

  #driver(endpoint: EndpointRecord): NetworkDriver {
    const driver = this.#catalog.driverOf(endpoint.network);
    if (driver === undefined)
      throw new HoyError("internal", `no driver ${endpoint.network.driver} for network ${endpoint.network.name}`);
    return driver;
  }
}
