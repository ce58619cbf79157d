// The build cache as the API shows it: `system df`, `builder prune`.

import type { BuildPruneOptions, PruneReport } from "../../api/backend.ts";
import type { BuildCache as WireCache } from "../../api/types/image.ts";
import { type CacheEntry, type CacheKeeper, matcherOf } from "../../build/cache/prune.ts";
import { untilFilter } from "../filters.ts";
import { formatNs } from "../time.ts";

export function cacheUsage(keeper: CacheKeeper): WireCache[] {
  return keeper.list().map(({ id, parents, type, description, inUse, shared, size, created, used, uses }) => ({
    ID: id,
    Parents: parents.length === 0 ? null : [...parents],
    Type: wireType(type),
    Description: description,
    InUse: inUse,
    Shared: shared,
    Size: size,
    CreatedAt: created,
    LastUsedAt: used,
    UsageCount: uses,
  }));
}

/** Filters: until and unused-for (a time, or how long ago), and those of `matcherOf`. @throws HoyError "invalid". */
export async function pruneCache(
  keeper: CacheKeeper,
  { all, keepStorage, maxUsedSpace, minFreeSpace, filters }: BuildPruneOptions,
): Promise<PruneReport> {
  const rest = new Map(filters);
  const until = rest.get("unused-for") ?? rest.get("until");
  rest.delete("unused-for");
  rest.delete("until");
  const before = until === undefined ? undefined : untilFilter(new Map([["until", until]]));
  const gone = await keeper.prune({
    all,
    keepStorage: positive(keepStorage),
    maxUsedSpace: positive(maxUsedSpace),
    minFreeSpace: positive(minFreeSpace),
    unusedSince: before === undefined ? undefined : formatNs(before),
    matches: matcherOf(rest),
  });
  return { deleted: gone.map(({ id }) => id), spaceReclaimed: reclaimed(gone) };
}

function positive(bytes: number | undefined): number | undefined {
  return bytes === undefined || bytes <= 0 ? undefined : bytes;
}

function reclaimed(gone: readonly CacheEntry[]): number {
  return gone.reduce((sum, { shared, size }) => sum + (shared ? 0 : size), 0);
}

const TYPES: readonly WireCache["Type"][] = [
  "internal",
  "frontend",
  "source.local",
  "source.git.checkout",
  "exec.cachemount",
  "regular",
];

function wireType(type: string): WireCache["Type"] {
  return TYPES.find((known) => known === type) ?? "regular";
}
