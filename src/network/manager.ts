// Networking around a container's life (see contract.ts): puts catalog, endpoints, drivers, ports, rules and names
// together. Holds in memory what runs; rows have what must outlive the daemon.

import { crc32 } from "node:zlib";
import type { EndpointSettings, NetworkSettings } from "../api/types/network.ts";
import { HoyError } from "../base/error.ts";
import { log } from "../base/log.ts";
import type { NetworkDefaults } from "../base/settings.ts";
import { span, step } from "../base/trace.ts";
import { NetworkNamespace } from "../linux/namespace.ts";
import type { NetworkRows } from "../state/networks.ts";
import { Attachments } from "./attachments.ts";
import { BridgeDriver } from "./bridge.ts";
import { NetworkCatalog } from "./catalog.ts";
import { checkNetwork, checkRequest } from "./check.ts";
import type { NetworkManager, NetworkRequest, Reservation } from "./contract.ts";
import type { NetworkDriver } from "./driver.ts";
import { gatewayOf, renamedEndpoint, takeEndpoints, wantedNetworks } from "./endpoints.ts";
import { IpvlanDriver } from "./ipvlan.ts";
import type { Live } from "./live.ts";
import { MacvlanDriver } from "./macvlan.ts";
import { Membership } from "./membership.ts";
import { namespaceSource } from "./mode.ts";
import { Names } from "./names.ts";
import { type PortWish, portWishes } from "./ports/request.ts";
import { Publisher } from "./publisher.ts";
import { Sweeper, sweepLinks } from "./sweep.ts";
import { Rules } from "./table.ts";
import { NetworkView } from "./view.ts";

export class Networks implements NetworkManager {
  readonly catalog: NetworkCatalog;
  readonly #rows: NetworkRows;
  readonly #defaults: NetworkDefaults;
  readonly #publisher: Publisher;
  readonly #rules: Rules;
  readonly #names: Names;
  readonly #group: number;
  readonly #sweeper = new Sweeper(() => this.#sweepLinks());
  readonly #live = new Map<string, Live>();
  readonly #view: NetworkView;
  readonly #attachments: Attachments;
  readonly #membership: Membership;

  /**
   * Brings the host in line with the rows: bridges, rules; what a dead engine left is taken away.
   * @param mark Tells this engine's rules from those of another on the same host; "" for the usual data root.
   */
  constructor(rows: NetworkRows, defaults: NetworkDefaults, mark: string) {
    this.#rows = rows;
    this.#defaults = defaults;
    this.#names = new Names(defaults);
    this.#group = crc32(`hoy${mark}`);
    const bridge = new BridgeDriver({ ipForward: defaults.ipForward, group: this.#group });
    this.catalog = new NetworkCatalog(rows, driverMap([bridge, new MacvlanDriver(), new IpvlanDriver()]), defaults);
    this.#view = new NetworkView(this.catalog, this.#names, defaults, this.#live);
    this.#attachments = new Attachments(rows, this.catalog);
    this.catalog.ensureAll((network, error) =>
      log.error("a network could not be made", { network: network.name, error }),
    );
    this.#rules = new Rules(rows, this.catalog, defaults, `inet hoy${mark}`);
    this.#publisher = new Publisher(rows, this.#rules);
    this.#membership = new Membership({
      rows,
      attachments: this.#attachments,
      names: this.#names,
      publisher: this.#publisher,
      wishes: (live, request) => this.#wishes(live, request),
    });
    this.#sweepLinks();
    this.#rules.reload();
    this.#rules.watch();
    for (const obstacle of this.warnings()) log.warn(obstacle);
  }

  check(request: NetworkRequest): void {
    checkRequest(this.catalog, request, this.#defaults.defaultIp);
  }

  async reserve(request: NetworkRequest): Promise<Reservation> {
    this.check(request);
    const source = namespaceSource(request.networkMode);
    if (source.kind !== "managed") return this.#view.reservation(request, source, undefined);
    const endpoints = step("network.rows", () =>
      takeEndpoints(this.#rows, request, wantedNetworks(this.catalog, request)),
    );
    const live: Live = { request, endpoints, ports: [], namespace: undefined };
    this.#live.set(request.containerId, live);
    try {
      await this.#publish(live);
    } catch (error) {
      await this.release(request.containerId);
      throw error;
    }
    return this.#view.reservation(request, source, live);
  }

  async connect(containerId: string, namespacePath: string): Promise<void> {
    const live = this.#live.get(containerId);
    if (live === undefined) throw new HoyError("internal", `container ${containerId} has no network reserved`);
    const namespace = NetworkNamespace.open(namespacePath);
    live.namespace?.[Symbol.dispose]();
    live.namespace = namespace;
    for (const endpoint of live.endpoints) this.#attachments.attach(live, namespace, endpoint);
    await span("network.names", {}, () => this.#names.serve(live, namespace));
  }

  async changePorts(request: NetworkRequest): Promise<Reservation> {
    const live = this.#live.get(request.containerId);
    if (live === undefined || live.endpoints.length === 0) {
      throw new HoyError("invalid", `container ${request.name} has no network of its own to publish ports of`);
    }
    const owner = { id: request.containerId, name: request.name };
    live.ports = await this.#publisher.change(owner, live.endpoints, live.ports, this.#wishes(live, request));
    live.request = request;
    return this.#view.reservation(request, namespaceSource(request.networkMode), live);
  }

  changeRate(request: NetworkRequest): void {
    const live = this.#live.get(request.containerId);
    if (live === undefined) throw new HoyError("invalid", `container ${request.name} has no network of its own`);
    this.#attachments.limit({ ...live, request });
    live.request = request;
  }

  rename(request: NetworkRequest, old: string): void {
    this.#rows.transaction(() => {
      for (const live of this.#live.values()) {
        for (const [index, endpoint] of live.endpoints.entries()) {
          const renamed = renamedEndpoint(endpoint, request, old);
          this.#rows.updateEndpointSettings(endpoint.id, JSON.stringify(renamed.settings));
          live.endpoints[index] = renamed;
        }
      }
    });
    const own = this.#live.get(request.containerId);
    if (own !== undefined) own.request = request;
    for (const live of this.#live.values()) if (live.endpoints.length > 0) this.#names.set(live);
  }

  async release(containerId: string): Promise<void> {
    this.#names.forget(containerId);
    const live = this.#live.get(containerId);
    this.#live.delete(containerId);
    if (live !== undefined) this.#attachments.retire(live);
    live?.namespace?.[Symbol.dispose]();
    const hasEndpoints = this.#rows.endpointsOf(containerId).length > 0;
    const hadPorts = step("ports.release", () =>
      this.#publisher.release(containerId, this.#attachments.recorded(containerId)),
    );
    if (!hasEndpoints && !hadPorts) return;
    step("network.free", () => this.#rows.transaction(() => this.#rows.deleteOf(containerId)));
    this.#sweeper.later();
  }

  /** What was put off is done at once. */
  close(): void {
    // A killed container's socket with bytes that nobody took keeps its namespace, and so its veth, for minutes.
    this.#sweeper.close();
    this.#publisher.close();
    this.#rules.close();
  }

  async adopt(request: NetworkRequest, namespacePath: string | undefined): Promise<Reservation> {
    const source = namespaceSource(request.networkMode);
    const namespace = namespacePath === undefined ? undefined : NetworkNamespace.open(namespacePath);
    const before = this.#rows.endpointsOf(request.containerId).length;
    const endpoints = this.#attachments.takeUp(request, namespace);
    // Rules that were loaded may lead to one that has gone.
    if (endpoints.length < before) this.#rules.reload();
    if (source.kind !== "managed") {
      namespace?.[Symbol.dispose]();
      return this.#view.reservation(request, source, undefined);
    }
    const live: Live = { request, endpoints, ports: [], namespace };
    this.#live.set(request.containerId, live);
    live.ports = await this.#publisher.republish({ id: request.containerId, name: request.name }, endpoints);
    this.#attachments.limit(live);
    if (namespace === undefined) this.#names.set(live);
    else await this.#names.serve(live, namespace);
    return this.#view.reservation(request, source, live);
  }

  /** Every container that runs is adopted: what the rows have of any other is given back. */
  settle(): void {
    const stale = [...this.#rows.endpoints(), ...this.#rows.ports()].filter((row) => !this.#live.has(row.container));
    if (stale.length === 0) return;
    this.#rows.transaction(() => {
      for (const container of new Set(stale.map((row) => row.container))) this.#rows.deleteOf(container);
    });
    this.#rules.reload();
  }

  describe(request: NetworkRequest): NetworkSettings {
    return this.#view.describe(request);
  }

  warnings(): readonly string[] {
    return this.#rules.obstacles();
  }

  /** Who is on a network now. */
  members(networkId: string): Live[] {
    return [...this.#live.values()].filter((live) =>
      live.endpoints.some((endpoint) => endpoint.network.id === networkId),
    );
  }

  liveOf(containerId: string): Live | undefined {
    return this.#live.get(containerId);
  }

  /**
   * Adds a running container to one more network; `namespacePath`: its own, for one that is on none so far.
   * @throws "forbidden" when it is on it already.
   */
  async join(
    request: NetworkRequest,
    networkId: string,
    asked: EndpointSettings,
    namespacePath: string,
  ): Promise<void> {
    const live = this.#live.get(request.containerId) ?? this.#unconnected(request, namespacePath);
    const network = this.catalog.find(networkId);
    checkNetwork(this.catalog, request, network, asked);
    if (live === undefined)
      throw new HoyError("conflict", `container ${request.name} has no network of its own to add to`);
    if (live.endpoints.some((endpoint) => endpoint.network.id === network.id)) {
      throw new HoyError("forbidden", `endpoint with name ${request.name} already exists in network ${network.name}`);
    }
    await this.#membership.join(live, request, network, asked);
  }

  /** It was started without networks, or had left its last when an engine took it up. */
  #unconnected(request: NetworkRequest, namespacePath: string): Live | undefined {
    if (namespaceSource(request.networkMode).kind !== "private") return undefined;
    const live = { request, endpoints: [], ports: [], namespace: NetworkNamespace.open(namespacePath) };
    this.#live.set(request.containerId, live);
    return live;
  }

  /** What /etc/resolv.conf of a running container should say now; changes with the networks it is on. */
  resolvConf(request: NetworkRequest): string {
    return this.#names.resolvConf(this.#live.get(request.containerId) ?? { request, endpoints: [] });
  }

  /** Takes a running container off a network. */
  async leave(containerId: string, networkId: string): Promise<void> {
    const live = this.#live.get(containerId);
    const endpoint = live?.endpoints.find(({ network }) => network.id === networkId);
    if (live !== undefined && endpoint !== undefined) this.#membership.leave(live, endpoint);
  }

  /** Networks were made or removed. */
  reloadFirewall(): void {
    this.#rules.reload();
  }

  /** Takes the engine's own bridges and rules away: for uninstalling, and for tests that leave nothing behind. */
  removeAll(): void {
    for (const network of this.catalog.all()) this.catalog.driverOf(network)?.remove(network);
    this.#rules.remove();
  }

  #sweepLinks(): void {
    const known = this.#rows.endpoints().map((row) => row.host_interface);
    const bridges = this.catalog.all().filter((network) => network.driver === "bridge");
    sweepLinks(
      known,
      bridges.map((network) => network.interface),
      this.#group,
    );
  }

  async #publish(live: Live): Promise<void> {
    const { containerId: id, name } = live.request;
    live.ports = await this.#publisher.publish({ id, name }, live.endpoints, this.#wishes(live, live.request));
  }

  #wishes(live: Live, { hostConfig, exposedPorts }: NetworkRequest): PortWish[] {
    const binding = gatewayOf(live.endpoints)?.network.hostBinding || this.#defaults.defaultIp;
    return portWishes(hostConfig, exposedPorts, binding);
  }

  /** What "host-gateway" stands for. */
  hostGateway(): readonly string[] {
    return this.#view.hostGateway();
  }
}

function driverMap(drivers: readonly NetworkDriver[]): ReadonlyMap<string, NetworkDriver> {
  return new Map(drivers.map((driver) => [driver.name, driver]));
}
