// Listing and emptying the build cache: results of steps and directories of cache mounts alike. What a running build
// uses stays. The longest unused goes first, until what is left fits.

import { HoyError } from "../../base/error.ts";
import type { BuildMountRow, BuildRecordRow } from "../../state/build.ts";
import type { CacheMounts } from "../ops/mounts/cache-mounts.ts";
import type { BuildCache } from "./store.ts";

export interface CacheEntry {
  readonly id: string;
  readonly parents: readonly string[];
  readonly type: string;
  readonly description: string;
  readonly inUse: boolean;
  /** An image has the layers too: removing it frees no disk. */
  readonly shared: boolean;
  readonly size: number;
  readonly created: string;
  readonly used: string;
  readonly uses: number;
}

export interface PruneOptions {
  /** Also what images share, and what the builder made for itself. */
  readonly all: boolean;
  /** Bytes that stay whatever the other two say. With none of the three all goes. */
  readonly keepStorage: number | undefined;
  /** Bytes; what is above goes. */
  readonly maxUsedSpace?: number | undefined;
  /** Bytes of the disk that are to be free; so much goes as is missing. */
  readonly minFreeSpace?: number | undefined;
  /** RFC 3339: only what was last used before; undefined: everything. */
  readonly unusedSince: string | undefined;
  /** Other conditions; see `matcherOf`. */
  readonly matches: (entry: CacheEntry) => boolean;
}

export class CacheKeeper {
  readonly #cache: BuildCache;
  readonly #mounts: CacheMounts;
  readonly #free: () => number;
  readonly #mountRows: () => readonly BuildMountRow[];

  /** @param free bytes of the cache's disk */
  constructor(cache: BuildCache, mounts: CacheMounts, mountRows: () => readonly BuildMountRow[], free: () => number) {
    this.#free = free;
    this.#cache = cache;
    this.#mounts = mounts;
    this.#mountRows = mountRows;
  }

  list(): CacheEntry[] {
    this.#cache.flush();
    const records = this.#cache.records().map((row) => this.#record(row));
    return [...records, ...this.#mountRows().map((row) => this.#mount(row))];
  }

  /** What `prune` would take away, longest unused first. */
  choose(options: PruneOptions): readonly CacheEntry[] {
    const { all, unusedSince, matches } = options;
    const entries = this.list();
    let total = entries.reduce((sum, entry) => sum + entry.size, 0);
    const keep = bytesToKeep(options, total, this.#free);
    const candidates = entries
      .filter((entry) => !entry.inUse && (all || (!entry.shared && entry.type !== "internal")) && matches(entry))
      .filter((entry) => unusedSince === undefined || entry.used < unusedSince)
      .sort((a, b) => (a.used < b.used ? -1 : 1));
    const doomed: CacheEntry[] = [];
    for (const entry of candidates) {
      if (keep !== undefined && total <= keep) break;
      total -= entry.size;
      doomed.push(entry);
    }
    return doomed;
  }

  async prune(options: PruneOptions): Promise<readonly CacheEntry[]> {
    const doomed = this.choose(options);
    const ids = doomed.map(({ id }) => id);
    const mounts = new Set(this.#mountRows().map(({ id }) => id));
    const gone = new Set([
      ...(await this.#cache.remove(ids.filter((id) => !mounts.has(id)))),
      ...(await this.#mounts.remove(ids.filter((id) => mounts.has(id)))),
    ]);
    return doomed.filter(({ id }) => gone.has(id));
  }

  #record(row: BuildRecordRow): CacheEntry {
    const { id, type, description, size, created, used, uses } = row;
    const parents: unknown = JSON.parse(row.parents);
    return {
      id,
      parents: Array.isArray(parents) ? parents.filter((each) => typeof each === "string") : [],
      type,
      description,
      inUse: this.#cache.isInUse(id),
      shared: this.#cache.isShared(row),
      size,
      created,
      used,
      uses,
    };
  }

  #mount({ id, description, size, created, used, uses }: BuildMountRow): CacheEntry {
    const inUse = this.#mounts.isInUse(id);
    const plain = { id, parents: [], type: "exec.cachemount", description, shared: false };
    return { ...plain, inUse, size, created, used, uses };
  }
}

/** As BuildKit reckons (cache/manager.go, calculateKeepBytes). undefined: nothing is to stay. */
export function bytesToKeep(
  { keepStorage, maxUsedSpace, minFreeSpace }: Pick<PruneOptions, "keepStorage" | "maxUsedSpace" | "minFreeSpace">,
  total: number,
  free: () => number,
): number | undefined {
  if (keepStorage === undefined && maxUsedSpace === undefined && minFreeSpace === undefined) return undefined;
  let keep = maxUsedSpace;
  if (minFreeSpace !== undefined) {
    const lacks = Math.max(0, minFreeSpace - free());
    keep = Math.min(keep ?? total, lacks > 0 ? total - lacks : total);
  }
  return Math.max(keep ?? 0, keepStorage ?? 0);
}

/** Labels come with `system prune`; the cache's entries have none. */
const KNOWN = ["id", "parent", "type", "description", "inuse", "shared", "private", "label", "label!"];

/**
 * Filters of `builder prune` (BuildKit's), keys apart from times. Several values of one key: one of them must match.
 * @throws HoyError "invalid" for an unknown key.
 */
export function matcherOf(filters: ReadonlyMap<string, ReadonlySet<string>>): (entry: CacheEntry) => boolean {
  for (const key of filters.keys()) if (!KNOWN.includes(key)) throw new HoyError("invalid", `invalid filter '${key}'`);
  return (entry) => [...filters].every(([key, values]) => [...values].some((value) => matches(entry, key, value)));
}

function matches(entry: CacheEntry, key: string, value: string): boolean {
  const yes = ["", "1", "t", "true"].includes(value.toLowerCase());
  switch (key) {
    case "id":
      return entry.id.startsWith(value);
    case "parent":
      return entry.parents.some((parent) => parent.startsWith(value));
    case "type":
      return entry.type === value;
    case "description":
      return entry.description.includes(value);
    case "inuse":
      return entry.inUse === yes;
    case "shared":
      return entry.shared === yes;
    case "label":
      return false;
    case "label!":
      return true;
    default:
      return entry.shared !== yes;
  }
}
