// The verbs on networks and volumes, thin.

import type { Filters, NetworkCreateRequest } from "../backend.ts";
import { encodeFilters } from "../filters.ts";
import type { EndpointSettings, Network, NetworkCreateResponse } from "../types/network.ts";
import type { Volume, VolumeCreateOptions, VolumeListResponse } from "../types/volume.ts";
import type { Transport } from "./transport.ts";
import { segment } from "./verbs.ts";

export class NetworksClient {
  readonly #t: Transport;

  constructor(transport: Transport) {
    this.#t = transport;
  }

  list(filters?: Filters): Promise<Network[]> {
    return this.#t.json("GET", "/networks", { query: { filters: filters && encodeFilters(filters) } });
  }

  inspect(ref: string, options: { verbose?: boolean; scope?: string | undefined } = {}): Promise<Network> {
    return this.#t.json("GET", `/networks/${segment(ref)}`, { query: options });
  }

  create(request: NetworkCreateRequest): Promise<NetworkCreateResponse> {
    return this.#t.json("POST", "/networks/create", { json: request });
  }

  async remove(ref: string): Promise<void> {
    await this.#t.done("DELETE", `/networks/${segment(ref)}`);
  }

  async connect(ref: string, container: string, endpoint: EndpointSettings = {}): Promise<void> {
    const json = { Container: container, EndpointConfig: endpoint };
    await this.#t.done("POST", `/networks/${segment(ref)}/connect`, { json });
  }

  async disconnect(ref: string, container: string, force = false): Promise<void> {
    await this.#t.done("POST", `/networks/${segment(ref)}/disconnect`, {
      json: { Container: container, Force: force },
    });
  }

  prune(filters?: Filters): Promise<{ NetworksDeleted: string[] | null }> {
    return this.#t.json("POST", "/networks/prune", { query: { filters: filters && encodeFilters(filters) } });
  }
}

export class VolumesClient {
  readonly #t: Transport;

  constructor(transport: Transport) {
    this.#t = transport;
  }

  list(filters?: Filters): Promise<VolumeListResponse> {
    return this.#t.json("GET", "/volumes", { query: { filters: filters && encodeFilters(filters) } });
  }

  inspect(name: string): Promise<Volume> {
    return this.#t.json("GET", `/volumes/${segment(name)}`);
  }

  create(options: VolumeCreateOptions): Promise<Volume> {
    return this.#t.json("POST", "/volumes/create", { json: options });
  }

  async remove(name: string, force = false): Promise<void> {
    await this.#t.done("DELETE", `/volumes/${segment(name)}`, { query: { force } });
  }

  prune(filters?: Filters): Promise<{ VolumesDeleted: string[] | null; SpaceReclaimed: number }> {
    return this.#t.json("POST", "/volumes/prune", { query: { filters: filters && encodeFilters(filters) } });
  }
}
