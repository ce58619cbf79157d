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
  const uses = usesOf(actions, inputs.length);
  /** What a state stands on once it is a layer: for an output, for a copy from it, for more than one action on it. */
  const settled = new Map<State, Promise<readonly Digest[]>>();
  const settle = (state: State): Promise<readonly Digest[]> => {
    const known = settled.get(state);
    if (known !== undefined) return known;
    const made = (async () => {
      const layer = await layers.add(emitDraft(state.tree.root, { clamp, signal }), signal);
      size += layer.size;
      return [...state.below, layer.diffId];
    })();
    settled.set(state, made);
    return made;
  };
  const earlierOf = (index: number): State | undefined => states[index - inputs.length];
  const stateOf = async (index: number): Promise<State> => {
    const earlier = earlierOf(index);
    // It goes on to one action; a second one that starts from it would see what the first did.
    if (earlier !== undefined && (uses.get(index) ?? 0) < 2) return { ...earlier };
    const below = earlier === undefined ? (inputs[index]?.diffIds ?? []) : await settle(earlier);
    return { below, tree: new WorkingTree(below.length === 0 ? undefined : await open(below)) };
  };
  const sourceOf = async ({ secondary, action }: FileAction): Promise<CopySource | undefined> => {
    if (action.type !== "copy") return undefined;
    const earlier = earlierOf(secondary);
    const { diffIds, key } =
      earlier === undefined ? (inputs[secondary] ?? NOTHING) : { diffIds: await settle(earlier), key: "" };
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
    outputs[action.output] = await settle(state);
  }
  return { outputs: outputs.map((output) => output ?? []), size };
}

const NOTHING = { diffIds: [], key: "" } as const;

/** How many actions take each thing, by its number; whoever copies from an action's result needs it as it was. */
function usesOf(actions: readonly FileAction[], inputs: number): ReadonlyMap<number, number> {
  const uses = new Map<number, number>();
  const add = (index: number) => uses.set(index, (uses.get(index) ?? 0) + 1);
  for (const { input, secondary, action } of actions) {
    add(input);
    if (action.type === "copy" && secondary >= inputs) add(secondary);
  }
  return uses;
}
