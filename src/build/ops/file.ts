// File operations: a draft is made of the actions in their order, and written out as one layer for each output. Nothing
// is unpacked, mounted over or run; data goes from where it is into the layer.

import { openSync } from "node:fs";
import { type Digest, sha256 } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { O, OwnedFd } from "../../linux/open.ts";
import { fileParts, withClamp } from "../explain/parts.ts";
import type { FileAction, FileOp, Vertex } from "../graph.ts";
import { canonical } from "../solver/digests.ts";
import type { Tree } from "../solver-contract.ts";
import type { Made, Operation, OperationContext, Run } from "./operation.ts";
import { changeTree } from "./tree/change.ts";
import { emitDraft } from "./tree/emit.ts";
import { openLayers } from "./tree/read-file.ts";
import type { CopySource } from "./tree/select.ts";
import { WorkingTree } from "./tree/working-tree.ts";

const MAX_ACTIONS = 10_000;

export async function prepareFile(
  vertex: Vertex,
  op: FileOp,
  inputs: readonly Tree[],
  context: OperationContext,
): Promise<Operation> {
  if (op.actions.length > MAX_ACTIONS) throw new HoyError("too-large", "too many file actions in one step");
  return {
    ...(await keyOf(vertex, op, inputs, context)),
    type: "regular",
    heavy: true,
    run: (run) => runActions(op, inputs, context, run),
  };
}

/** A copy depends on the files that it takes, not on all that lie beside them. */
async function keyOf(
  vertex: Vertex,
  op: FileOp,
  inputs: readonly Tree[],
  context: OperationContext,
): Promise<Pick<Operation, "key" | "explained">> {
  const parts: unknown[] = [];
  const sources: (Digest | undefined)[] = [];
  for (const { input, secondary, output, action } of op.actions) {
    const from = secondary < inputs.length ? inputs[secondary] : undefined;
    const source =
      from === undefined || action.type !== "copy"
        ? undefined
        : await context.checksums.copy(from, action, context.needs.layers, context.signal);
    sources.push(source);
    parts.push([inputs[input]?.key ?? input, source ?? secondary, output, action]);
  }
  const below = inputs[op.actions[0]?.input ?? -1]?.key;
  return {
    key: sha256(canonical({ kind: "file", parts, clamp: context.clamp?.toString() })),
    explained: { kind: "file", parts: withClamp(fileParts(vertex, op.actions, below, sources), context.clamp) },
  };
}

/** The tree after an action, and what it stands on. */
interface State {
  readonly below: readonly Digest[];
  readonly tree: WorkingTree;
}

async function runActions(
  { actions }: FileOp,
  inputs: readonly Tree[],
  { needs, clamp, known }: OperationContext,
  { signal, layers }: Run,
): Promise<Made> {
  using held = new DisposableStack();
  const open = async (diffIds: readonly Digest[]): Promise<OwnedFd> =>
    held.use(await openLayers(needs.layers, diffIds));
  const states: State[] = [];
  const outputs: (readonly Digest[])[] = [];
  let size = 0;
  /** A tree goes on to one action; a second one that starts from it would see what the first did. */
  const taken = new Set<number>();
  const stateOf = async (index: number): Promise<State> => {
    const earlier = states[index - inputs.length];
    if (index >= inputs.length && earlier !== undefined) {
      if (taken.has(index))
        throw new HoyError("not-implemented", "two file actions on the result of one are not supported");
      taken.add(index);
      return earlier;
    }
    const below = inputs[index]?.diffIds ?? [];
    return { below, tree: new WorkingTree(below.length === 0 ? undefined : await open(below)) };
  };
  const sourceOf = async ({ secondary, action }: FileAction): Promise<CopySource | undefined> => {
    if (action.type !== "copy") return undefined;
    if (secondary >= inputs.length) {
      throw new HoyError(
        "not-implemented",
        "a copy from the result of another action of the same step is not supported",
      );
    }
    const { diffIds = [], key = "" } = inputs[secondary] ?? {};
    let root: Promise<OwnedFd> | undefined;
    const opened = () => {
      root ??= open(diffIds);
      return root;
    };
    const [layer] = diffIds;
    const tree = known.find(key);
    const tar = layer === undefined || tree === undefined ? undefined : await needs.layers.tar(layer);
    if (tree === undefined || tar === undefined) return { root: opened, known: undefined };
    return { root: opened, known: { tree, tar: held.use(new OwnedFd(openSync(tar, O.RDONLY))) } };
  };
  for (const action of actions) {
    signal.throwIfAborted();
    const state = await stateOf(action.input);
    const source = await sourceOf(action);
    await changeTree(state.tree, action.action, { source, held, temporary: needs.directories.temporary, signal });
    states.push(state);
    if (action.output < 0) continue;
    const layer = await layers.add(emitDraft(state.tree.root, { clamp, signal }), signal);
    outputs[action.output] = [...state.below, layer.diffId];
    size += layer.size;
  }
  return { outputs: outputs.map((output) => output ?? []), size };
}
