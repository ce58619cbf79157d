// What is asked of the engine itself.

import type { ContainerSummary } from "../types/container.ts";
import type { BuildCache, ImageSummary } from "../types/image.ts";
import type { EventMessage, SystemInfo, SystemVersion } from "../types/system.ts";
import type { Volume } from "../types/volume.ts";
import type { Filters } from "./common.ts";
import type { PruneReport } from "./containers.ts";
import type { CollectOptions, CollectReport, RegistryAuth } from "./images.ts";

export interface EventOptions {
  readonly since: string | undefined;
  readonly until: string | undefined;
  readonly filters: Filters;
}

export interface DiskUsage {
  LayersSize: number;
  Images: ImageSummary[];
  Containers: ContainerSummary[];
  Volumes: Volume[];
  BuildCache: BuildCache[];
}

/** Bytes; none of the three: all goes. */
export interface BuildPruneOptions {
  readonly all: boolean;
  /** Stays whatever the others say. */
  readonly keepStorage: number | undefined;
  readonly maxUsedSpace?: number | undefined;
  /** Of the disk. */
  readonly minFreeSpace?: number | undefined;
  readonly filters: Filters;
}

export interface SystemBackend {
  info(): Promise<SystemInfo>;
  version(): Promise<SystemVersion>;
  /** Past events in the window first, then live ones until `until` or abort. Subscribed before this resolves. */
  events(options: EventOptions, signal: AbortSignal): Promise<AsyncIterable<EventMessage>>;
  diskUsage(types: ReadonlySet<"container" | "image" | "volume" | "build-cache">): Promise<Partial<DiskUsage>>;
  auth(credentials: RegistryAuth): Promise<{ Status: string; IdentityToken: string }>;
  /** Collection by policy: images that no container uses, the build cache, and what nothing refers to. */
  collect(options: CollectOptions): Promise<CollectReport>;
  buildPrune(options: BuildPruneOptions): Promise<PruneReport>;
}
