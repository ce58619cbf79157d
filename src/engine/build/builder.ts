// Building, composed from the engine's parts: the solver with its cache, on the engine's images, runtime and network.

import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { ImageBackend } from "../../api/backend.ts";
import { paths } from "../../base/paths.ts";
import type { BuilderSettings, CacheSpace, Space } from "../../base/settings.ts";
import { matcherOf, type PruneOptions } from "../../build/cache/prune.ts";
import { BUILD_USER } from "../../build/solver/build.ts";
import { GraphSolver } from "../../build/solver/solver.ts";
import { filesystemOf } from "../../linux/statfs.ts";
import type { BuildTable } from "../../state/build.ts";
import type { BuildStepTable } from "../../state/build-steps.ts";
import type { EngineContext } from "../context.ts";
import type { ImageShelf } from "../images/shelf.ts";
import { formatNs, now, nowNs } from "../time.ts";
import { imageSources } from "./image-sources.ts";
import { buildLayers } from "./layers.ts";
import { openStep } from "./open-step.ts";
import { runStep } from "./run-step.ts";

/** The cache may take one part in so many of its disk, as BuildKit has it by default. */
const KEPT_PART = 10;

export interface BuilderParts {
  readonly engine: EngineContext;
  readonly shelf: ImageShelf;
  readonly images: Pick<ImageBackend, "pull">;
  readonly table: BuildTable;
  readonly stepStore: BuildStepTable;
}

/** Opens the solver, and takes away what builds of a former engine left half-done. */
export async function openSolver({ engine, shelf, images, table, stepStore }: BuilderParts): Promise<GraphSolver> {
  const roots = engine.settings.paths;
  const data = paths.build(roots);
  await mkdir(data, { recursive: true, mode: 0o700 });
  await sweep(engine, shelf);
  const solver = new GraphSolver(
    {
      layers: await buildLayers(shelf, table, data),
      images: imageSources(shelf, images),
      steps: { run: (step) => runStep(engine, step), open: (step) => openStep(engine, step) },
      stepStore,
      directories: { data: join(data, "cache"), temporary: paths.temporary(roots) },
      registry: () => engine.settings.registry,
      policies: () => policiesOf(engine.settings.builder, () => filesystemOf(data).total),
      freeSpace: () => filesystemOf(data).available,
      now,
    },
    table,
  );
  return solver;
}

/** As daemon.json has them; else one for everything, the longest unused first. */
function policiesOf({ enabled, space, policies }: BuilderSettings, total: () => number): PruneOptions[] {
  if (!enabled) return [];
  if (policies === undefined) {
    const isGiven = Object.values(space).some((each) => each !== undefined);
    const keep = isGiven ? spaceOf(space, total) : { keepStorage: Math.floor(total() / KEPT_PART) };
    return [{ all: true, ...keep, unusedSince: undefined, matches: () => true }];
  }
  return policies.map(({ all, space: own, unusedForMs, filters }) => ({
    all,
    ...spaceOf(own, total),
    unusedSince: unusedForMs === undefined ? undefined : formatNs(nowNs() - BigInt(unusedForMs) * 1_000_000n),
    matches: matcherOf(new Map(Object.entries(filters).map(([key, values]) => [key, new Set(values)]))),
  }));
}

function spaceOf({ reserved, maxUsed, minFree }: CacheSpace, total: () => number) {
  const bytes = (space: Space | undefined) =>
    typeof space === "string" ? Math.floor((total() * Number.parseInt(space, 10)) / 100) : space;
  return { keepStorage: bytes(reserved), maxUsedSpace: bytes(maxUsed), minFreeSpace: bytes(minFree) };
}

/** Processes of unfinished steps went with their bundles (see recover.ts); these are their files and holds. */
async function sweep({ settings }: EngineContext, shelf: ImageShelf): Promise<void> {
  const left = shelf.users().filter(({ user }) => user.startsWith(BUILD_USER));
  await shelf.releaseAll(
    left.map(({ user }) => user),
    [],
  );
  const temporary = paths.temporary(settings.paths);
  for (const name of await readdir(temporary)) {
    if (name.startsWith("build-")) await rm(join(temporary, name), { recursive: true, force: true });
  }
}
