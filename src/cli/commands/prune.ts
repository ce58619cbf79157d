// What the prune commands share: ask, post, show what went and how much space it freed.

import type { Context } from "../command.ts";
import type { FilterMap } from "../flag.ts";
import { humanSize } from "../format/units.ts";
import { confirm, filterQuery, pruneFilters } from "./shared.ts";

export interface Prune {
  readonly warning: string;
  readonly force: boolean;
  readonly filter: FilterMap;
  readonly path: string;
  /** Lines about what the engine says was deleted. */
  deleted(answer: Readonly<Record<string, unknown>>): string[];
}

/** A no is no failure: nothing is said, and the exit code is 0, as with docker. */
export async function pruneCommand(context: Context, prune: Prune): Promise<void> {
  if (!prune.force && !(await confirm(context, `${prune.warning}\nAre you sure you want to continue?`))) return;
  const { lines, reclaimed } = await pruneOnce(context, prune);
  for (const line of lines) context.io.stdout.line(line);
  if (reclaimed !== undefined) context.io.stdout.line(`Total reclaimed space: ${humanSize(reclaimed)}`);
}

export async function pruneOnce(
  context: Context,
  prune: Pick<Prune, "filter" | "path" | "deleted">,
): Promise<{ lines: string[]; reclaimed: number | undefined }> {
  const answer = await context.engine.json<Record<string, unknown>>("POST", prune.path, {
    query: { filters: filterQuery(pruneFilters(context, prune.filter)) },
  });
  const reclaimed = answer.SpaceReclaimed;
  return { lines: prune.deleted(answer), reclaimed: typeof reclaimed === "number" ? reclaimed : undefined };
}
