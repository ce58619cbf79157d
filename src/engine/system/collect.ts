// Collection by policy ("gc" in daemon.json, `system gc`): images that no container uses, then the build cache, then what
// no row refers to. Once in a while by itself when the policy says how often.

import type { CollectOptions, CollectReport, ImageBackend } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import { log } from "../../base/log.ts";
import type { GcSettings } from "../../base/settings.ts";
import type { CacheKeeper } from "../../build/cache/prune.ts";
import { parseGoDuration } from "../filters.ts";
import { formatNs, nowNs } from "../time.ts";

/** The shortest policy there is: then the timer looks whether it is time. */
const TICK_MS = 60_000;

/** @throws HoyError "invalid" for a time that is none. */
export async function collectByPolicy(
  images: ImageBackend,
  cache: CacheKeeper,
  gc: GcSettings,
  { dryRun, unusedFor, keepStorage }: CollectOptions,
): Promise<CollectReport> {
  const policy = {
    unusedSince: since(unusedFor ?? gc.imagesUnusedFor),
    keepStorage: keepStorage ?? gc.imagesKeepStorage,
    keep: gc.keepImages,
  };
  const collected = await images.collect(policy, dryRun);
  const cachePolicy = {
    unusedSince: since(unusedFor ?? gc.cacheUnusedFor),
    keepStorage: keepStorage ?? gc.cacheKeepStorage,
  };
  const entries =
    cachePolicy.unusedSince === undefined && cachePolicy.keepStorage === undefined
      ? []
      : await collectCache(cache, cachePolicy, dryRun);
  const size = (list: readonly { readonly Size: number }[]) => list.reduce((sum, { Size }) => sum + Size, 0);
  return { Images: collected, BuildCache: entries, SpaceReclaimed: size(collected) + size(entries) };
}

/** RFC 3339 of so long ago. */
function since(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const ago = parseGoDuration(text);
  if (ago === undefined)
    throw new HoyError("invalid", `${JSON.stringify(text.slice(0, 64))} is not a time such as "720h"`);
  return formatNs(nowNs() - ago);
}

/** Age and size are reasons each by itself; the cache's own prune asks for both. */
async function collectCache(
  cache: CacheKeeper,
  { unusedSince, keepStorage }: { unusedSince: string | undefined; keepStorage: number | undefined },
  dryRun: boolean,
) {
  const both = [
    ...(unusedSince === undefined ? [] : [{ unusedSince, keepStorage: undefined }]),
    ...(keepStorage === undefined ? [] : [{ unusedSince: undefined, keepStorage }]),
  ];
  const gone = new Map<string, { Id: string; Description: string; Size: number }>();
  for (const reason of both) {
    const options = { all: true, matches: () => true, ...reason };
    for (const { id, description, size, shared } of dryRun ? cache.choose(options) : await cache.prune(options))
      gone.set(id, { Id: id, Description: description, Size: shared ? 0 : size });
  }
  return [...gone.values()];
}

/** Collects every so often, by the settings as they are then, until the signal. @param tickMs How often it looks. */
export function scheduleCollection(
  settings: () => Pick<GcSettings, "everyMs">,
  collect: () => Promise<CollectReport>,
  signal: AbortSignal,
  tickMs = TICK_MS,
): void {
  let last = Date.now();
  const timer = setInterval(async () => {
    const { everyMs } = settings();
    if (everyMs === undefined || Date.now() - last < everyMs) return;
    last = Date.now();
    try {
      const { Images, BuildCache, SpaceReclaimed } = await collect();
      log.info("collected by policy", { images: Images.length, cache: BuildCache.length, bytes: SpaceReclaimed });
    } catch (error) {
      log.warn("collection by policy failed; it is tried again next time", { error });
    }
  }, tickMs);
  timer.unref();
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
}
