// What is asked of networks and volumes.

import type { EndpointSettings, Network, NetworkCreateResponse } from "../types/network.ts";
import type { Volume, VolumeCreateOptions, VolumeListResponse } from "../types/volume.ts";
import type { Filters } from "./common.ts";
import type { ArchivePutOptions, PathStat, PruneReport } from "./containers.ts";

export interface NetworkCreateRequest {
  Name: string;
  Driver?: string;
  Scope?: string;
  Internal?: boolean;
  Attachable?: boolean;
  Ingress?: boolean;
  ConfigOnly?: boolean;
  ConfigFrom?: { Network?: string };
  IPAM?: Network["IPAM"];
  EnableIPv4?: boolean;
  EnableIPv6?: boolean;
  Options?: Record<string, string>;
  Labels?: Record<string, string>;
}

export interface NetworkBackend {
  list(filters: Filters): Promise<Network[]>;
  inspect(ref: string, options: { verbose: boolean; scope: string | undefined }): Promise<Network>;
  create(request: NetworkCreateRequest): Promise<NetworkCreateResponse>;
  remove(ref: string): Promise<void>;
  connect(ref: string, container: string, endpoint: EndpointSettings): Promise<void>;
  disconnect(ref: string, container: string, force: boolean): Promise<void>;
  prune(filters: Filters): Promise<{ deleted: string[] }>;
}

export interface VolumeBackend {
  list(filters: Filters): Promise<VolumeListResponse>;
  inspect(name: string): Promise<Volume>;
  create(options: VolumeCreateOptions): Promise<Volume>;
  remove(name: string, force: boolean): Promise<void>;
  prune(filters: Filters): Promise<PruneReport>;
  // Ours, not Docker's:
  rename(name: string, to: string): Promise<void>;
  /** @param size as in the option `size`: "10g" */
  resize(name: string, size: string): Promise<void>;
  /** A new volume with the contents of this one; `as` "": the engine names it. */
  snapshot(name: string, as: string): Promise<Volume>;
  restore(name: string, from: string): Promise<void>;
  archiveStat(name: string, path: string): Promise<PathStat>;
  archiveGet(
    name: string,
    path: string,
    signal: AbortSignal,
  ): Promise<{ stat: PathStat; tar: AsyncIterable<Uint8Array> }>;
  archivePut(
    name: string,
    options: ArchivePutOptions,
    tar: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): Promise<void>;
}
