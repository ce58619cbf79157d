// POST /containers/prune: every container that does not run and passes the filters.

import type { Filters, PruneReport } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import { log } from "../../base/log.ts";
import type { EngineContext } from "../context.ts";
import { checkFilters, matchLabelFilters, untilFilter } from "../filters.ts";
import { parseRfc3339 } from "../time.ts";
import { treeSize } from "../volumes/tree-size.ts";
import type { Container } from "./container.ts";
import { isActive } from "./machine.ts";
import { removeContainer } from "./remove.ts";

export async function pruneContainers(engine: EngineContext, filters: Filters): Promise<PruneReport> {
  checkFilters(filters, ["label", "label!", "until"]);
  const until = untilFilter(filters);
  const chosen = engine.containers
    .all()
    .filter((container) => !isActive(container.state) && container.state.status !== "removing")
    .filter((container) => until === undefined || (parseRfc3339(container.spec.created) ?? 0n) <= until)
    .filter((container) => matchLabelFilters(filters, container.spec.config.Labels ?? {}));
  const deleted: string[] = [];
  let spaceReclaimed = 0;
  for (const container of chosen) {
    const size = await treeSize(container.paths.upper);
    if (!(await removed(engine, container))) continue;
    deleted.push(container.id);
    spaceReclaimed += size;
  }
  engine.events.emit("container", "prune", "", { reclaimed: String(spaceReclaimed) });
  return { deleted, spaceReclaimed };
}

/** One that was started meanwhile stays; another's failure does not end the prune. */
async function removed(engine: EngineContext, container: Container): Promise<boolean> {
  try {
    await removeContainer(engine, container, { force: false, volumes: false, link: false });
    return true;
  } catch (error) {
    const started = error instanceof HoyError && error.code === "conflict";
    if (!started) log.warn("a container could not be pruned", { container: container.id, error });
    return false;
  }
}
