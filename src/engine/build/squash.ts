// `--squash`: the layers that a build put above its base become one, and the history says which steps it is made of.

import type { Digest } from "../../base/digest.ts";
import type { DockerfileResult } from "../../build/frontend/options.ts";
import type { LayerSession } from "../../build/needs.ts";
import { differenceTar } from "../../build/ops/tree/difference.ts";
import { treeOf } from "../../build/solver/digests.ts";
import type { GraphSolver } from "../../build/solver/solver.ts";
import type { BuildSession, Tree } from "../../build/solver-contract.ts";
import type { HistoryEntry, ImageConfigFile } from "../../image/config.ts";
import type { Reference } from "../../image/reference.ts";
import type { ImageContext } from "../images/context.ts";
import { nameImage } from "../images/tag.ts";
import { addImage, datedHistory } from "./write-image.ts";

export interface SquashParts {
  readonly images: ImageContext;
  readonly solver: GraphSolver;
  readonly session: BuildSession;
  readonly layers: LayerSession;
  readonly signal: AbortSignal;
}

export async function squash(
  { images, solver, session, layers, signal }: SquashParts,
  result: DockerfileResult,
  tree: Tree,
  names: readonly Reference[],
): Promise<Digest> {
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
  const id = await addImage(images, config, squashed);
  for (const name of names) await nameImage(images, id, name);
  return id;
}
