// The engine about itself: info, version, events, disk usage.

import type {
  BuildPruneOptions,
  CollectOptions,
  CollectReport,
  DiskUsage,
  EventOptions,
  ImageBackend,
  PruneReport,
  RegistryAuth,
  SystemBackend,
} from "../../api/backend.ts";
import type { SystemInfo, SystemVersion } from "../../api/types/system.ts";
import type { CacheKeeper } from "../../build/cache/prune.ts";
import { cacheUsage, pruneCache } from "../build/cache-usage.ts";
import { listContainers } from "../containers/list.ts";
import type { EngineContext } from "../context.ts";
import { streamEvents } from "../events/stream.ts";
import { volumeUsage } from "../volumes/upkeep.ts";
import { checkCredentials } from "./auth.ts";
import { collectByPolicy } from "./collect.ts";
import { engineInfo, type HostDescription } from "./info.ts";
import { engineVersion } from "./version.ts";

export class SystemVerbs implements SystemBackend {
  readonly #engine: EngineContext;
  readonly #images: ImageBackend;
  readonly #host: HostDescription;
  readonly #buildCache: CacheKeeper;

  constructor(engine: EngineContext, images: ImageBackend, host: HostDescription, buildCache: CacheKeeper) {
    this.#engine = engine;
    this.#images = images;
    this.#host = host;
    this.#buildCache = buildCache;
  }

  async info(): Promise<SystemInfo> {
    return engineInfo(this.#engine, this.#images, this.#host);
  }

  async version(): Promise<SystemVersion> {
    return engineVersion(this.#host);
  }

  async events(options: EventOptions, signal: AbortSignal) {
    return streamEvents(this.#engine.events, options, signal);
  }

  async diskUsage(types: ReadonlySet<"container" | "image" | "volume" | "build-cache">): Promise<Partial<DiskUsage>> {
    const all = types.size === 0;
    const usage: Partial<DiskUsage> = {};
    if (all || types.has("container")) {
      usage.Containers = await listContainers(this.#engine, {
        all: true,
        limit: undefined,
        size: true,
        filters: new Map(),
      });
    }
    if (all || types.has("image")) {
      usage.Images = await this.#images.list({
        all: false,
        digests: false,
        sharedSize: true,
        manifests: false,
        filters: new Map(),
      });
      usage.LayersSize = await this.#layersSize();
    }
    if (all || types.has("volume")) usage.Volumes = await volumeUsage(this.#engine.volumes);
    if (all || types.has("build-cache")) usage.BuildCache = cacheUsage(this.#buildCache);
    return usage;
  }

  auth(credentials: RegistryAuth): Promise<{ Status: string; IdentityToken: string }> {
    return checkCredentials(credentials, this.#engine.settings.registry);
  }

  collect(options: CollectOptions): Promise<CollectReport> {
    return collectByPolicy(this.#images, this.#buildCache, this.#engine.settings.gc, options);
  }

  async buildPrune(options: BuildPruneOptions): Promise<PruneReport> {
    return pruneCache(this.#buildCache, options);
  }

  async #layersSize(): Promise<number> {
    const { snapshots } = this.#engine;
    const layers = await Promise.all((await snapshots.listLayers()).map((diffId) => snapshots.hasLayer(diffId)));
    return layers.reduce((sum, layer) => sum + (layer?.size ?? 0), 0);
  }
}
