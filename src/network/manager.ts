// Networking around a container's life (see contract.ts): puts catalog, endpoints, drivers, ports, rules and names
// together. Holds in memory what runs; rows have what must outlive the daemon.

import { crc32 } from "node:zlib";
import type { EndpointSettings, NetworkSettings } from "../api/types/network.ts";
import { HoyError } from "../base/error.ts";
import { log } from "../base/log.ts";
import type { NetworkDefaults } from "../base/settings.ts";
import { NetworkNamespace } from "../linux/namespace.ts";
import type { NetworkRows } from "../state/networks.ts";
import { BridgeDriver } from "./bridge.ts";
import { NetworkCatalog } from "./catalog.ts";
import type { NamespaceSource, NetworkManager, NetworkRequest, Reservation } from "./contract.ts";
import { describeAbsent, describeNetworks, describePorts } from "./describe.ts";
import type { NetworkDriver } from "./driver.ts";
import { checkEndpoint, endpointOf, gatewayOf, renamedEndpoint, takeEndpoints, wantedNetworks } from "./endpoints.ts";
import { hostsLines } from "./hosts.ts";
import { IpvlanDriver } from "./ipvlan.ts";
import { MacvlanDriver } from "./macvlan.ts";
import { checkUnmanaged, namespaceSource } from "./mode.ts";
import { Names } from "./names.ts";
import type { EndpointRecord } from "./network.ts";
import type { PublishedPort } from "./ports/host-ports.ts";
import { type PortWish, portWishes } from "./ports/request.ts";
import { Publisher } from "./publisher.ts";
import { checkRate, limits } from "./rate.ts";
import { sweepLinks } from "./sweep.ts";

export interface Live {
  request: NetworkRequest;
  readonly endpoints: EndpointRecord[];
  ports: PublishedPort[];
  /** Held open once the interfaces are in it: the process that it was found by may end before the container. */
  namespace: NetworkNamespace | undefined;
}

/** Kernel threads take a veth away some time after its namespace has gone; only then is what is left a leak. */
const SWEEP_AFTER_MS = 3000;

export class Networks implements NetworkManager {
  readonly catalog: NetworkCatalog;
  readonly #rows: NetworkRows;
  readonly #defaults: NetworkDefaults;
  readonly #publisher: Publisher;
  readonly #names: Names;
  readonly #group: number;
  readonly #sweeps = new Set<NodeJS.Timeout>();
  readonly #live = new Map<string, Live>();

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
    this.catalog.ensureAll((network, error) =>
      log.error("a network could not be made", { network: network.name, error }),
    );
    this.#publisher = new Publisher(rows, this.catalog, defaults, `inet hoy${mark}`);
    this.#sweepLinks();
    this.#publisher.reload();
    for (const obstacle of this.warnings()) log.warn(obstacle);
  }

  check(request: NetworkRequest): void {
    const source = namespaceSource(request.networkMode);
    checkRate(request.hostConfig.NetworkRate);
    checkUnmanaged(source, request);
    const limited = limits(request.hostConfig.NetworkRate);
    if (source.kind !== "managed") return;
    for (const { network, asked } of wantedNetworks(this.catalog, request)) {
      if (network.driver === "host" || network.driver === "null") {
        throw new HoyError(
          "invalid",
          `conflicting options: a container can't be on "${network.name}" and on another network`,
        );
      }
      checkEndpoint(network, asked);
      if (limited && this.catalog.driverOf(network)?.limit === undefined) {
        throw new HoyError("invalid", `a network rate can't be held on a network of the driver ${network.driver}`);
      }
    }
    portWishes(request.hostConfig, request.exposedPorts, this.#defaults.defaultIp);
  }

  async reserve(request: NetworkRequest): Promise<Reservation> {
    this.check(request);
    const source = namespaceSource(request.networkMode);
    if (source.kind !== "managed") return this.#reservation(request, source, undefined);
    const endpoints = takeEndpoints(this.#rows, request, wantedNetworks(this.catalog, request));
    const live: Live = { request, endpoints, ports: [], namespace: undefined };
    this.#live.set(request.containerId, live);
    try {
      await this.#publish(live);
    } catch (error) {
      await this.release(request.containerId);
      throw error;
    }
    return this.#reservation(request, source, live);
  }

  async connect(containerId: string, namespacePath: string): Promise<void> {
    const live = this.#live.get(containerId);
    if (live === undefined) throw new HoyError("internal", `container ${containerId} has no network reserved`);
    const namespace = NetworkNamespace.open(namespacePath);
    live.namespace?.[Symbol.dispose]();
    live.namespace = namespace;
    const gateway = gatewayOf(live.endpoints);
    for (const endpoint of live.endpoints) this.#driver(endpoint).connect(endpoint, namespace, endpoint === gateway);
    this.#limit(live);
    await this.#names.serve(live, namespace);
  }

  async changePorts(request: NetworkRequest): Promise<Reservation> {
    const live = this.#live.get(request.containerId);
    if (live === undefined || live.endpoints.length === 0) {
      throw new HoyError("invalid", `container ${request.name} has no network of its own to publish ports of`);
    }
    const owner = { id: request.containerId, name: request.name };
    live.ports = await this.#publisher.change(owner, live.endpoints, live.ports, this.#wishes(live, request));
    live.request = request;
    return this.#reservation(request, namespaceSource(request.networkMode), live);
  }

  changeRate(request: NetworkRequest): void {
    const live = this.#live.get(request.containerId);
    if (live === undefined) throw new HoyError("invalid", `container ${request.name} has no network of its own`);
    this.#limit({ ...live, request });
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
    // A bridge's veth goes with the namespace, and taking it away here would wait for the kernel's grace period.
    // Until it is gone it is blocked: the next owner of the address has the same hardware address, and what is sent to it
    // would come to the dying namespace.
    for (const endpoint of live?.endpoints ?? []) {
      this.#driver(endpoint).retire?.(endpoint);
      if (endpoint.network.driver !== "bridge" || limits(live?.request.hostConfig.NetworkRate))
        this.#driver(endpoint).disconnect(endpoint, live?.namespace);
    }
    live?.namespace?.[Symbol.dispose]();
    const rows = this.#rows.endpointsOf(containerId);
    this.#publisher.release(containerId, this.#recorded(containerId));
    if (rows.length === 0) return;
    this.#rows.transaction(() => {
      for (const row of rows) this.#rows.deleteEndpoint(row.id);
      this.#rows.deletePorts(containerId);
    });
    const sweep = setTimeout(() => {
      this.#sweeps.delete(sweep);
      this.#sweepLinks();
    }, SWEEP_AFTER_MS).unref();
    this.#sweeps.add(sweep);
  }

  /** What was put off is done at once. */
  close(): void {
    // A killed container's socket with bytes that nobody took keeps its namespace, and so its veth, for minutes.
    if (this.#sweeps.size > 0) this.#sweepLinks();
    for (const sweep of this.#sweeps) clearTimeout(sweep);
    this.#sweeps.clear();
    this.#publisher.close();
  }

  async adopt(request: NetworkRequest, namespacePath: string | undefined): Promise<Reservation> {
    const source = namespaceSource(request.networkMode);
    if (source.kind !== "managed") return this.#reservation(request, source, undefined);
    const endpoints = this.#recorded(request.containerId);
    const namespace = namespacePath === undefined ? undefined : NetworkNamespace.open(namespacePath);
    const live: Live = { request, endpoints, ports: [], namespace };
    this.#live.set(request.containerId, live);
    live.ports = await this.#publisher.republish({ id: request.containerId, name: request.name }, endpoints);
    this.#limit(live);
    if (namespace === undefined) this.#names.set(live);
    else await this.#names.serve(live, namespace);
    return this.#reservation(request, source, live);
  }

  describe(request: NetworkRequest): NetworkSettings {
    const live = this.#live.get(request.containerId);
    if (live !== undefined) return this.#settings(live);
    const source = namespaceSource(request.networkMode);
    if (source.kind === "container") return describeNetworks("", [], [], []);
    const names =
      source.kind === "managed" ? this.#askedNames(request) : [[source.kind === "host" ? "host" : "none", {}] as const];
    const networks = names.map(([name, asked]) => [name, describeAbsent(this.#known(name), asked)] as const);
    return { ...describeNetworks("", [], [], []), Networks: Object.fromEntries(networks) };
  }

  warnings(): readonly string[] {
    return this.#publisher.obstacles();
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

  /** Adds a running container to one more network. @throws "forbidden" when it is on it already. */
  async join(request: NetworkRequest, networkId: string, asked: EndpointSettings): Promise<void> {
    const live = this.#live.get(request.containerId);
    const network = this.catalog.find(networkId);
    checkEndpoint(network, asked);
    if (limits(request.hostConfig.NetworkRate) && this.catalog.driverOf(network)?.limit === undefined) {
      throw new HoyError("invalid", `a network rate can't be held on a network of the driver ${network.driver}`);
    }
    if (live === undefined)
      throw new HoyError("conflict", `container ${request.name} has no network of its own to add to`);
    if (live.endpoints.some((endpoint) => endpoint.network.id === network.id)) {
      throw new HoyError("forbidden", `endpoint with name ${request.name} already exists in network ${network.name}`);
    }
    const others = live.endpoints.map((endpoint) => ({ network: endpoint.network, asked: {} }));
    const added = takeEndpoints(this.#rows, request, [...others, { network, asked }]).at(-1);
    if (added === undefined) return;
    live.endpoints.push(added);
    if (live.namespace === undefined) return;
    this.#driver(added).connect(added, live.namespace, gatewayOf(live.endpoints) === added);
    this.#limit(live);
    await this.#names.serve(live, live.namespace);
  }

  /** What /etc/resolv.conf of a running container should say now; changes with the networks it is on. */
  resolvConf(containerId: string): string | undefined {
    const live = this.#live.get(containerId);
    return live === undefined ? undefined : this.#names.resolvConf(live);
  }

  /** Takes a running container off a network. */
  async leave(containerId: string, networkId: string): Promise<void> {
    const live = this.#live.get(containerId);
    const index = live?.endpoints.findIndex((endpoint) => endpoint.network.id === networkId) ?? -1;
    const endpoint = live?.endpoints[index];
    if (live === undefined || endpoint === undefined) return;
    this.#driver(endpoint).disconnect(endpoint, live.namespace);
    live.endpoints.splice(index, 1);
    this.#rows.deleteEndpoint(endpoint.id);
    this.#names.set(live);
  }

  /** Networks were made or removed. */
  reloadFirewall(): void {
    this.#publisher.reload();
  }

  /** Takes the engine's own bridges and rules away: for uninstalling, and for tests that leave nothing behind. */
  removeAll(): void {
    for (const network of this.catalog.all()) this.catalog.driverOf(network)?.remove(network);
    this.#publisher.removeTable();
  }

  #recorded(containerId: string): EndpointRecord[] {
    return this.#rows.endpointsOf(containerId).flatMap((row) => {
      const network = this.catalog.byId(row.network);
      return network === undefined ? [] : [endpointOf(row, network)];
    });
  }

  #driver(endpoint: EndpointRecord): NetworkDriver {
    const driver = this.catalog.driverOf(endpoint.network);
    if (driver === undefined)
      throw new HoyError("internal", `no driver ${endpoint.network.driver} for network ${endpoint.network.name}`);
    return driver;
  }

  /** All of its endpoints to the rate it has, or to none: a change that was cut short is made whole again. */
  #limit({ request, endpoints }: Live): void {
    for (const endpoint of endpoints) this.#driver(endpoint).limit?.(endpoint, request.hostConfig.NetworkRate);
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

  #reservation(request: NetworkRequest, namespace: NamespaceSource, live: Live | undefined): Reservation {
    return {
      namespace,
      settings: live === undefined ? this.describe(request) : this.#settings(live),
      ports: live === undefined ? [] : describePorts(live.ports, request.exposedPorts),
      hosts: hostsLines(request, live?.endpoints ?? [], {
        live: [...this.#live.values()],
        hostGateway: this.hostGateway(),
      }),
      resolvConf: this.#names.resolvConf(live ?? { request, endpoints: [] }),
    };
  }

  #settings(live: Live): NetworkSettings {
    const endpoints = live.endpoints.map((endpoint) => ({ asked: endpoint.network.name, endpoint }));
    return describeNetworks(live.request.containerId, endpoints, live.ports, live.request.exposedPorts);
  }

  /** What "host-gateway" stands for. */
  hostGateway(): readonly string[] {
    if (this.#defaults.hostGatewayIps.length > 0) return this.#defaults.hostGatewayIps;
    return this.#known("bridge")?.pools.map((pool) => pool.Gateway) ?? [];
  }

  #known(name: string) {
    return this.catalog.all().find((network) => network.name === name || network.id === name);
  }

  #askedNames(request: NetworkRequest): (readonly [string, EndpointSettings])[] {
    const mode = request.networkMode === "default" ? "bridge" : request.networkMode;
    const asked = new Map(
      Object.entries(request.endpoints).map(([name, settings]) => [name === "default" ? "bridge" : name, settings]),
    );
    const first = this.#known(mode)?.name ?? mode;
    return [
      [first, asked.get(first) ?? asked.get(mode) ?? {}],
      ...[...asked].filter(([name]) => name !== first && name !== mode),
    ];
  }
}

function driverMap(drivers: readonly NetworkDriver[]): ReadonlyMap<string, NetworkDriver> {
  return new Map(drivers.map((driver) => [driver.name, driver]));
}
