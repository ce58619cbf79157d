// What is looked at over all volumes at once: which there are, what they take, and pruning those that nobody uses.

import type { Filters, PruneReport } from "../../api/backend.ts";
import type { Volume, VolumeListResponse } from "../../api/types/volume.ts";
import type { EventBus } from "../events/bus.ts";
import { booleanFilter, checkFilters, matchLabelFilters } from "../filters.ts";
import { volumeSize } from "./file-set.ts";
import { describeVolume, isElsewhere, matchesVolume, SNAPSHOT_OF } from "./record.ts";
import type { VolumeStore } from "./store.ts";

/** `volume ls`, by name. */
export function listVolumes(store: VolumeStore, filters: Filters): VolumeListResponse {
  checkFilters(filters, ["dangling", "driver", "label", "name"]);
  const dangling = booleanFilter(filters, "dangling");
  const Volumes = store
    .records()
    .filter((volume) => matchesVolume(volume, filters))
    .filter((volume) => dangling === undefined || dangling === (store.usersOf(volume.name).length === 0))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((volume) => describeVolume(volume, store.dataPath(volume.name)));
  return { Volumes, Warnings: [] };
}

/** Without `all=true` only anonymous volumes, as Docker since API 1.42. */
export async function pruneVolumes(store: VolumeStore, events: EventBus, filters: Filters): Promise<PruneReport> {
  checkFilters(filters, ["all", "label", "label!"]);
  const all = booleanFilter(filters, "all") ?? false;
  const deleted: string[] = [];
  let spaceReclaimed = 0;
  for (const volume of store.records()) {
    if (!all && !volume.anonymous) continue;
    // What is in them is elsewhere; Docker passes them over too. A snapshot is kept to be unused.
    if (isElsewhere(volume) || volume.labels[SNAPSHOT_OF] !== undefined) continue;
    if (!matchLabelFilters(filters, volume.labels)) continue;
    if (store.usersOf(volume.name).length > 0) continue;
    const size = await volumeSize(volume, store.dataPath(volume.name));
    await store.removeUnused(volume.name);
    if (store.get(volume.name) !== undefined) continue; // somebody came for it meanwhile
    deleted.push(volume.name);
    spaceReclaimed += size;
  }
  events.emit("volume", "prune", "", { reclaimed: String(spaceReclaimed) });
  return { deleted, spaceReclaimed };
}

/** Every volume with its size in bytes and its number of users, for `df`. */
export async function volumeUsage(store: VolumeStore): Promise<Volume[]> {
  const { Volumes } = listVolumes(store, new Map());
  return Promise.all(
    Volumes.map(async (volume) => {
      const record = store.get(volume.Name);
      const Size = record === undefined ? -1 : await volumeSize(record, store.dataPath(volume.Name));
      return { ...volume, UsageData: { Size, RefCount: store.usersOf(volume.Name).length } };
    }),
  );
}
