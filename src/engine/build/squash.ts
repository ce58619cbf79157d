// `--squash`: the layers that a build put above its base become one, and the history says which steps it is made of.

import type { DockerfileResult } from "../../build/frontend/options.ts";
import type { LayerSession } from "../../build/needs.ts";
import { differenceTar } from "../../build/ops/tree/difference.ts";
import { treeOf } from "../../build/solver/digests.ts";
import type { GraphSolver } from "../../build/solver/solver.ts";
import type { BuildSession, Tree } from "../../build/solver-contract.ts";
import type { HistoryEntry, ImageConfigFile } from "../../image/config.ts";
import { datedHistory } from "./write-image.ts";

export interface SquashParts {
  readonly solver: GraphSolver;
  readonly session: BuildSession;
  readonly layers: LayerSession;
  readonly signal: AbortSignal;
}

/** The layer is held by the session that is given. */
export async function squash(
  { solver, session, layers, signal }: SquashParts,
  result: DockerfileResult,
  tree: Tree,
): Promise<{ readonly config: ImageConfigFile; readonly tree: Tree }> {
  const { history, created } = await datedHistory(result, solver, session);
  const added = result.history.filter(({ made }) => made !== undefined).length;
  const base = tree.diffIds.slice(0, tree.diffIds.length - added);
  const clamp = result.sourceDateEpoch === undefined ? undefined : BigInt(result.sourceDateEpoch) * 1_000_000_000n;
  const [below, above] = [await solver.needs.layers.mount(base), await solver.needs.layers.mount(tree.diffIds)];
  const layer = await layers.add(differenceTar(below, above, { clamp, signal }), signal);
  const squashed = treeOf([...base, layer.diffId]);
  const emptied = history.map(
    (entry, index): HistoryEntry =>
      result.history[index]?.made === undefined ? entry : { ...entry, empty_layer: true },
  );
  const config: ImageConfigFile = {
    ...result.config,
    created,
    rootfs: { type: "layers", diff_ids: [...squashed.diffIds] },
    history: [...emptied, { created, comment: `merge of ${added} layers` }],
  };
  return { config, tree: squashed };
}
