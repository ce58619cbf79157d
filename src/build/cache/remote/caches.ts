// `--cache-from` and `--cache-to` of one build: where they are, read before anything is built, and written after it. A
// cache that can't be read fails no build; one that can't be written does, unless it says `ignore-error`.

import { HoyError } from "../../../base/error.ts";
import { booleanOf, packingOf } from "../../content/compression.ts";
import type { ContentSource, ContentTarget } from "../../content/place.ts";
import { RegistryPlace } from "../../content/registry-place.ts";
import type { GraphSolver } from "../../solver/solver.ts";
import type { BuildSession, Tree } from "../../solver-contract.ts";
import { type CacheEntryOption, refOf, unknownCache } from "./entry.ts";
import { cacheManifestOptions, cacheModeOf, exportCache } from "./export.ts";
import { type CacheImport, importCache } from "./import.ts";

export interface CacheParts {
  readonly solver: GraphSolver;
  readonly session: BuildSession;
  readonly signal: AbortSignal;
  /** Shows it as a step, its failure too. */
  step<T>(name: string, work: (say: (what: string) => void) => Promise<T>): Promise<T>;
  /** A directory of blobs at the client. @throws HoyError when it has none to lend. */
  directory(path: string, root: string | undefined): Promise<ContentSource & ContentTarget>;
}

const MAX_CACHES = 20;

export interface CacheTargets {
  /** The records go into the image's config. */
  readonly inline: boolean;
  readonly others: readonly CacheEntryOption[];
}

/** @throws HoyError for what no cache can be exported to, before anything is built. */
export function cacheTargets(asked: readonly CacheEntryOption[]): CacheTargets {
  if (asked.length > MAX_CACHES) throw new HoyError("invalid", `more than ${MAX_CACHES} caches to export to`);
  for (const entry of asked) {
    if (entry.type === "inline") continue;
    if (entry.type === "registry") refOf(entry);
    else if (entry.type !== "local") throw unknownCache(entry.type, "export");
    else if ((entry.attrs.dest ?? "") === "") throw new HoyError("invalid", "local cache exporter requires dest");
    packingOf(entry.attrs);
    cacheManifestOptions(entry.attrs);
    cacheModeOf(entry.attrs.mode);
  }
  return { inline: asked.some(({ type }) => type === "inline"), others: asked.filter(({ type }) => type !== "inline") };
}

/** Those that can be read; each is a step of the build's progress. */
export async function importCaches(entries: readonly CacheEntryOption[], parts: CacheParts): Promise<CacheImport[]> {
  if (entries.length > MAX_CACHES) throw new HoyError("invalid", `more than ${MAX_CACHES} caches to import from`);
  const found = await Promise.all(
    entries.map(async (entry) => {
      const { signal } = parts;
      const from = entry.attrs.ref ?? entry.attrs.src ?? entry.type;
      try {
        return await parts.step(`importing cache manifest from ${from.slice(0, 500)}`, async () =>
          importCache(await sourceOf(entry, parts), signal),
        );
      } catch {
        // Shown at its step.
        signal.throwIfAborted();
        return undefined;
      }
    }),
  );
  return found.filter((each) => each !== undefined);
}

/** @returns what the client is told of it. */
export async function exportCaches(
  { others }: CacheTargets,
  trees: readonly Tree[],
  parts: CacheParts,
): Promise<Readonly<Record<string, string>>> {
  const response: Record<string, string> = {};
  for (const entry of others) {
    try {
      Object.assign(response, await exportTo(entry, trees, parts));
    } catch (thrown) {
      parts.signal.throwIfAborted();
      if (booleanOf(entry.attrs, "ignore-error") !== true) throw thrown;
    }
  }
  return response;
}

function exportTo(entry: CacheEntryOption, trees: readonly Tree[], parts: CacheParts) {
  const { solver, session, signal } = parts;
  const { type, attrs } = entry;
  return parts.step(`exporting cache to ${type === "local" ? "client directory" : type}`, async (say) => {
    const target = await targetOf(entry, parts);
    await using layers = solver.needs.layers.session();
    const options = { mode: cacheModeOf(attrs.mode), packing: packingOf(attrs), ...cacheManifestOptions(attrs) };
    const results = trees.map(({ diffIds }) => diffIds);
    const records = await solver.records(session);
    const manifest = await exportCache(records, results, options, { layers, target, signal, say });
    if (manifest === undefined) say("skipping cache export for empty result");
    return manifest === undefined ? {} : { "cache.manifest": JSON.stringify(manifest) };
  });
}

async function sourceOf(entry: CacheEntryOption, parts: CacheParts): Promise<ContentSource> {
  if (entry.type === "registry") return registryPlace(entry, parts);
  if (entry.type !== "local") throw unknownCache(entry.type, "import");
  const { src = "", digest = "" } = entry.attrs;
  if (src === "" || digest === "") throw new HoyError("invalid", "local cache importer requires src and digest");
  return parts.directory(src, digest);
}

async function targetOf(entry: CacheEntryOption, parts: CacheParts): Promise<ContentTarget> {
  return entry.type === "registry" ? registryPlace(entry, parts) : parts.directory(entry.attrs.dest ?? "", undefined);
}

async function registryPlace(entry: CacheEntryOption, { solver, session }: CacheParts): Promise<RegistryPlace> {
  const ref = refOf(entry);
  return new RegistryPlace({
    ref,
    auth: await session.registryAuth(ref.domain),
    settings: solver.needs.registry(),
    insecure: booleanOf(entry.attrs, "registry.insecure") ?? false,
  });
}
