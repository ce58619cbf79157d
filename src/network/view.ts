// What networking says of a container: to inspect, to `ps`, to its /etc/hosts and /etc/resolv.conf. Reads what is known
// and changes nothing; manager.ts is who changes.

import type { EndpointSettings, NetworkSettings } from "../api/types/network.ts";
import type { NetworkDefaults } from "../base/settings.ts";
import type { NetworkCatalog } from "./catalog.ts";
import type { NamespaceSource, NetworkRequest, Reservation } from "./contract.ts";
import { describeAbsent, describeNetworks, describePorts } from "./describe.ts";
import { hostsLines } from "./hosts.ts";
import type { Live } from "./live.ts";
import { namespaceSource } from "./mode.ts";
import type { Names } from "./names.ts";
import type { NetworkRecord } from "./network.ts";

export class NetworkView {
  readonly #catalog: NetworkCatalog;
  readonly #names: Names;
  readonly #defaults: NetworkDefaults;
  readonly #live: ReadonlyMap<string, Live>;

  /** @param live containers that have networks now, by id; looked at again at each call */
  constructor(catalog: NetworkCatalog, names: Names, defaults: NetworkDefaults, live: ReadonlyMap<string, Live>) {
    this.#catalog = catalog;
    this.#names = names;
    this.#defaults = defaults;
    this.#live = live;
  }

  /** @param live undefined: it has no network of its own (host, none, another container's) */
  reservation(request: NetworkRequest, namespace: NamespaceSource, live: Live | undefined): Reservation {
    return {
      namespace,
      settings: live === undefined ? this.describe(request) : settingsOf(live),
      ports: live === undefined ? [] : describePorts(live.ports, request.exposedPorts),
      hosts: hostsLines(request, live?.endpoints ?? [], {
        live: [...this.#live.values()],
        hostGateway: this.hostGateway(),
      }),
      resolvConf: this.#names.resolvConf(live ?? { request, endpoints: [] }),
    };
  }

  /** What it has, or, when it does not run, what it would ask for. */
  describe(request: NetworkRequest): NetworkSettings {
    const live = this.#live.get(request.containerId);
    if (live !== undefined) return settingsOf(live);
    const source = namespaceSource(request.networkMode);
    if (source.kind === "container") return describeNetworks("", [], [], []);
    const names =
      source.kind === "managed" ? this.#askedNames(request) : [[source.kind === "host" ? "host" : "none", {}] as const];
    const networks = names.map(([name, asked]) => [name, describeAbsent(this.#known(name), asked)] as const);
    return { ...describeNetworks("", [], [], []), Networks: Object.fromEntries(networks) };
  }

  /** What "host-gateway" stands for. */
  hostGateway(): readonly string[] {
    if (this.#defaults.hostGatewayIps.length > 0) return this.#defaults.hostGatewayIps;
    return this.#known("bridge")?.pools.map((pool) => pool.Gateway) ?? [];
  }

  #known(name: string): NetworkRecord | undefined {
    return this.#catalog.all().find((network) => network.name === name || network.id === name);
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

function settingsOf(live: Live): NetworkSettings {
  const endpoints = live.endpoints.map((endpoint) => ({ asked: endpoint.network.name, endpoint }));
  return describeNetworks(live.request.containerId, endpoints, live.ports, live.request.exposedPorts);
}
