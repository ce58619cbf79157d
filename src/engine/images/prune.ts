// `image prune`: removes images without a name, or with `dangling=false` all that no container uses.

import type { Filters } from "../../api/backend.ts";
import type { ImageDeleteResponseItem } from "../../api/types/image.ts";
import { parseReference } from "../../image/reference.ts";
import { booleanFilter, checkFilters, matchLabelFilters, untilFilter } from "../filters.ts";
import { type ImageContext, unlessConflict } from "./context.ts";
import { created } from "./list.ts";
import { removeImage } from "./remove.ts";

const FILTERS = ["dangling", "label", "label!", "until"];

export async function pruneImages(
  context: ImageContext,
  filters: Filters,
): Promise<{ deleted: ImageDeleteResponseItem[]; spaceReclaimed: number }> {
  checkFilters(filters, FILTERS);
  const danglingOnly = booleanFilter(filters, "dangling") ?? true;
  const until = untilFilter(filters);
  const deleted: ImageDeleteResponseItem[] = [];
  let spaceReclaimed = 0;
  for (const ref of await candidates(context, filters, danglingOnly, until)) {
    try {
      const removal = await removeImage(context, ref, { force: false, prune: true });
      deleted.push(...removal.items);
      spaceReclaimed += removal.reclaimed;
    } catch (thrown) {
      // In use, or gone with an image that was built upon it: not for prune to say.
      const error = unlessConflict(thrown);
      if (error !== undefined && error.code !== "not-found") throw error;
    }
  }
  context.emit("image", "prune", { ID: "", Attributes: { reclaimed: String(spaceReclaimed) } });
  return { deleted, spaceReclaimed };
}

/** What to remove: each name of a named image, or the id of one without names. */
async function candidates(
  { shelf }: ImageContext,
  filters: Filters,
  danglingOnly: boolean,
  until: bigint | undefined,
): Promise<string[]> {
  const refs: string[] = [];
  for (const row of shelf.table.all()) {
    const names = shelf.table.names(row.id);
    if (names.length === 0 && (shelf.table.children(row.id).length > 0 || shelf.table.indexes.isMember(row.id)))
      continue;
    const config = await shelf.config(row.id);
    const time = created(config);
    if (until !== undefined && (time === undefined || time > until)) continue;
    if (!matchLabelFilters(filters, config.config?.Labels ?? {})) continue;
    const hasTag = names.some(({ name }) => parseReference(name).digest === undefined);
    if (names.length === 0) refs.push(row.id);
    else if (!danglingOnly || !hasTag) refs.push(...names.map(({ name }) => name));
  }
  return refs;
}
