// `image history`: the config's history, newest first, with the size of each layer and the names of those of its
// ancestors that are images here.

import type { HistoryItem } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import { parsePlatform } from "../../image/platform.ts";
import { parseRfc3339 } from "../time.ts";
import { type ImageContext, namesOf } from "./context.ts";
import { checkPlatform } from "./resolve.ts";

export async function imageHistory(
  { shelf }: ImageContext,
  ref: string,
  platform: string | undefined,
): Promise<HistoryItem[]> {
  const wanted = platform === undefined ? undefined : parsePlatform(platform);
  const row = shelf.find(ref, wanted);
  const config = await shelf.config(row.id);
  if (wanted !== undefined) checkPlatform(ref, wanted, config);
  const sizes = shelf.table.layersOf(row.id).map((layer) => layer.size);
  const items = (config.history ?? []).map((entry): HistoryItem => {
    const size = entry.empty_layer === true ? 0 : sizes.shift();
    if (size === undefined) throw new HoyError("internal", "too many non-empty layers in History section");
    const created = entry.created === undefined ? undefined : parseRfc3339(entry.created);
    return {
      Id: "<missing>",
      Created: Number((created ?? 0n) / 1_000_000_000n),
      CreatedBy: entry.created_by ?? "",
      Tags: null,
      Size: size,
      Comment: entry.comment ?? "",
    };
  });
  items.reverse();
  // Each parent stands one step further back, as far as parents are here.
  let ancestor: typeof row | null = row;
  for (const item of items) {
    if (ancestor === null) break;
    item.Id = ancestor.id;
    const { tags } = namesOf(shelf, ancestor.id);
    item.Tags = tags.length > 0 ? tags : null;
    ancestor = ancestor.parent === null ? null : shelf.table.get(ancestor.parent);
  }
  return items;
}
