// `image ls`: every image that is named or that nothing was built upon, newest first, with all of Docker's filters.

import type { Filters, ImageListOptions } from "../../api/backend.ts";
import type { ImageSummary } from "../../api/types/image.ts";
import { chainId, isDigest } from "../../base/digest.ts";
import type { ImageConfigFile } from "../../image/config.ts";
import { globMatch } from "../../image/glob.ts";
import {
  canonicalString,
  familiarName,
  familiarString,
  parseReference,
  type Reference,
  repositoryName,
} from "../../image/reference.ts";
import type { ImageRow } from "../../state/images.ts";
import { booleanFilter, checkFilters, matchLabelFilters, untilFilter } from "../filters.ts";
import { parseRfc3339 } from "../time.ts";
import { type ImageContext, usersByImage } from "./context.ts";
import { isContainer, manifestSummaries } from "./manifest-summary.ts";
import type { ImageShelf } from "./shelf.ts";

const FILTERS = ["dangling", "label", "label!", "before", "since", "reference", "until"];

export async function listImages(context: ImageContext, options: ImageListOptions): Promise<ImageSummary[]> {
  const { shelf } = context;
  const { filters } = options;
  checkFilters(filters, FILTERS);
  const dangling = booleanFilter(filters, "dangling");
  const inWindow = await timeWindow(shelf, filters);
  const users = usersByImage(context);
  const shared = options.sharedSize ? sharedSizes(shelf) : undefined;
  const summaries: { time: bigint; summary: ImageSummary }[] = [];
  for (const row of shelf.table.all()) {
    const config = await shelf.config(row.id);
    const names = selectNames(shelf, row, filters);
    if (!isWanted(shelf, row, names, options.all, dangling, filters)) continue;
    if (!inWindow(config) || !matchLabelFilters(filters, config.config?.Labels ?? {})) continue;
    const summary: ImageSummary = {
      Id: row.id,
      ParentId: row.parent ?? "",
      RepoTags: names.filter((name) => name.digest === undefined).map(familiarString),
      RepoDigests: names.filter((name) => name.digest !== undefined).map(familiarString),
      Created: seconds(config),
      Size: row.size,
      SharedSize: shared?.get(row.id) ?? -1,
      Labels: config.config?.Labels ?? {},
      Containers: users.get(row.id)?.filter(isContainer).length ?? 0,
      ...(options.manifests
        ? { Manifests: await manifestSummaries(context, row, config, shelf.table.indexes.ofImage(row.id)) }
        : {}),
    };
    summaries.push({ time: created(config) ?? 0n, summary });
  }
  return summaries.sort((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0)).map(({ summary }) => summary);
}

/** The image's names that the `reference` filter lets through; without one, all. */
function selectNames(shelf: ImageShelf, row: ImageRow, filters: Filters): Reference[] {
  const names = shelf.table.names(row.id).map(({ name }) => parseReference(name));
  const patterns = [...(filters.get("reference") ?? [])];
  if (patterns.length === 0) return names;
  return names.filter((ref) => {
    const forms = [familiarString(ref), familiarName(ref), canonicalString(ref), repositoryName(ref)];
    return patterns.some((pattern) => forms.some((form) => globMatch(pattern, form)));
  });
}

function isWanted(
  shelf: ImageShelf,
  row: ImageRow,
  names: readonly Reference[],
  all: boolean,
  dangling: boolean | undefined,
  filters: Filters,
): boolean {
  if (names.length > 0) return dangling !== true || names.every((name) => name.tag === undefined);
  if (shelf.table.indexes.isMember(row.id)) return false;
  // Without a name only the ends of a line of builds are of interest, and none when names are asked for.
  const isEnd = shelf.table.children(row.id).length === 0;
  if (dangling === true && !isEnd) return false;
  return (all || isEnd) && dangling !== false && (filters.get("reference")?.size ?? 0) === 0;
}

/** `before`, `until` and `since`: of several, the narrowest counts. */
async function timeWindow(shelf: ImageShelf, filters: Filters): Promise<(config: ImageConfigFile) => boolean> {
  let before = untilFilter(filters);
  for (const ref of filters.get("before") ?? []) {
    const time = created(await shelf.config(shelf.find(ref).id));
    if (time !== undefined && (before === undefined || time < before)) before = time;
  }
  let since: bigint | undefined;
  for (const ref of filters.get("since") ?? []) {
    const time = created(await shelf.config(shelf.find(ref).id));
    if (time !== undefined && (since === undefined || time > since)) since = time;
  }
  return (config) => {
    const time = created(config);
    if (before !== undefined && (time === undefined || time >= before)) return false;
    return since === undefined || (time !== undefined && time > since);
  };
}

/** For each image, the bytes of those of its layers that other images have at the same place too. */
function sharedSizes(shelf: ImageShelf): Map<string, number> {
  const chains = new Map<string, string[]>();
  const counts = new Map<string, number>();
  const sizes = new Map<string, number>();
  for (const row of shelf.table.all()) {
    const layers = shelf.table.layersOf(row.id);
    const diffs = layers.map((layer) => layer.diff_id).filter(isDigest);
    const ids = layers.map((layer, index) => {
      const id = chainId(diffs.slice(0, index + 1));
      counts.set(id, (counts.get(id) ?? 0) + 1);
      sizes.set(id, layer.size);
      return id;
    });
    chains.set(row.id, ids);
  }
  const shared = (ids: readonly string[]) =>
    ids.filter((id) => (counts.get(id) ?? 0) > 1).reduce((sum, id) => sum + (sizes.get(id) ?? 0), 0);
  return new Map([...chains].map(([image, ids]) => [image, shared(ids)]));
}

export function created(config: ImageConfigFile): bigint | undefined {
  return config.created === undefined ? undefined : parseRfc3339(config.created);
}

function seconds(config: ImageConfigFile): number {
  return Number((created(config) ?? 0n) / 1_000_000_000n);
}
