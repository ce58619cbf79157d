// The verbs on the engine itself, thin.

import type { DiskUsage, EventOptions, Filters, RegistryAuth } from "../backend.ts";
import { encodeFilters } from "../filters.ts";
import type { EventMessage, SystemInfo, SystemVersion } from "../types/system.ts";
import type { Transport } from "./transport.ts";
import { jsonLines } from "./verbs.ts";

export interface Ping {
  readonly apiVersion: string;
  readonly builderVersion: string;
  readonly experimental: boolean;
  readonly osType: string;
}

export class SystemClient {
  readonly #t: Transport;

  constructor(transport: Transport) {
    this.#t = transport;
  }

  async ping(): Promise<Ping> {
    const { headers } = await this.#t.done("HEAD", "/_ping");
    return {
      apiVersion: headers.get("api-version") ?? "",
      builderVersion: headers.get("builder-version") ?? "",
      experimental: headers.get("docker-experimental") === "true",
      osType: headers.get("ostype") ?? "",
    };
  }

  version(): Promise<SystemVersion> {
    return this.#t.json("GET", "/version");
  }

  info(): Promise<SystemInfo> {
    return this.#t.json("GET", "/info");
  }

  async events(options: Partial<EventOptions> = {}, signal?: AbortSignal): Promise<AsyncGenerator<EventMessage>> {
    const { since, until, filters } = options;
    const query = { since, until, filters: filters && encodeFilters(filters) };
    return jsonLines(await this.#t.send("GET", "/events", { query, signal }));
  }

  diskUsage(types: readonly ("container" | "image" | "volume" | "build-cache")[] = []): Promise<Partial<DiskUsage>> {
    return this.#t.json("GET", "/system/df", { query: { type: types } });
  }

  auth(credentials: RegistryAuth): Promise<{ Status: string; IdentityToken?: string }> {
    return this.#t.json("POST", "/auth", { json: credentials });
  }

  buildPrune(options: { all?: boolean; keepStorage?: number | undefined; filters?: Filters } = {}) {
    const query = {
      all: options.all,
      "reserved-space": options.keepStorage,
      filters: options.filters && encodeFilters(options.filters),
    };
    return this.#t.json<{ CachesDeleted: string[] | null; SpaceReclaimed: number }>("POST", "/build/prune", { query });
  }
}
