// The verbs on volumes as the API calls them: those of the store, and ours that need more of the engine.

import type { ArchivePutOptions, Filters, VolumeBackend } from "../../api/backend.ts";
import type { VolumeCreateOptions } from "../../api/types/volume.ts";
import type { EngineContext } from "../context.ts";
import { volumeGet, volumePut, volumeStat } from "./files.ts";
import { resizeVolume } from "./resize.ts";
import { restoreVolume, snapshotVolume } from "./snapshots.ts";
import { listVolumes, pruneVolumes } from "./upkeep.ts";

export function createVolumeBackend(engine: EngineContext): VolumeBackend {
  const { volumes } = engine;
  return {
    list: async (filters: Filters) => listVolumes(volumes, filters),
    inspect: (name: string) => volumes.inspect(name),
    create: (options: VolumeCreateOptions) => volumes.create(options),
    remove: (name: string, force: boolean) => volumes.remove(name, force),
    prune: (filters: Filters) => pruneVolumes(volumes, engine.events, filters),
    rename: (name: string, to: string) => volumes.rename(name, to),
    resize: (name: string, size: string) => resizeVolume(volumes, engine.events, name, size),
    snapshot: (name: string, as: string) => snapshotVolume(engine, name, as),
    restore: (name: string, from: string) => restoreVolume(engine, name, from),
    archiveStat: (name: string, path: string) => volumeStat(volumes, name, path),
    archiveGet: (name: string, path: string, signal: AbortSignal) => volumeGet(volumes, name, path, signal),
    archivePut: (name: string, options: ArchivePutOptions, tar: AsyncIterable<Uint8Array>, signal: AbortSignal) =>
      volumePut(volumes, name, options, tar, signal),
  };
}
