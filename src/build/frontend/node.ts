// A stage on its way from the Dockerfile to the graph, and images named by --from, which are stages without
// instructions. Nodes are changed as the build is planned and carried out; nothing of them leaves the frontend.

import type { Platform } from "../../image/platform.ts";
import { Fault, withSuggestion } from "../dockerfile/fault.ts";
import type { From, StageInstruction } from "../dockerfile/instructions/types.ts";
import type { LineRange } from "../dockerfile/source.ts";
import type { Input } from "../graph.ts";
import type { Environment } from "./environment.ts";
import type { BuildContext, HistoryStep, ImageDraft } from "./options.ts";

export interface Command {
  readonly instruction: StageInstruction;
  /** COPY --from: one; RUN: one a mount, undefined for those from the build's context. */
  readonly sources: readonly (StageNode | undefined)[];
  readonly trigger: boolean;
}

/** What the instructions of a stage have made so far. */
export interface StageState {
  /** undefined: nothing yet. */
  tree: Input | undefined;
  env: Environment;
  cwd: string;
  image: ImageDraft;
  history: HistoryStep[];
  /** ARGs that were declared, in order. */
  args: readonly { readonly key: string; readonly value: string | undefined }[];
  /** A WORKDIR of this Dockerfile was carried out. */
  workdirSet: boolean;
}

export interface StageNode {
  /** undefined: an image that only --from names. */
  readonly from: From | undefined;
  readonly range: LineRange;
  /** Variables put in; normalised with its digest when resolved. */
  baseName: string;
  /** "build", "stage-1"; "" when there is but one. */
  name: string;
  /** As written after AS, lower case. */
  readonly key: string;
  base: StageNode | undefined;
  /** Replaces the stage. */
  readonly context: BuildContext | undefined;
  platform: Platform | undefined;
  commands: Command[];
  /** And by which lines. */
  readonly dependencies: Map<StageNode, LineRange>;
  /** Steps that are counted in names. */
  total: number;
  index: number;
  readonly ignoreCache: boolean;
  resolved: boolean;
  /** ONBUILD of the base stage was looked at. */
  triggersRead: boolean;
  /** Its tree is whole: later stages may use it. */
  done: boolean;
  /** What others use of it; with its base stages it is one set. */
  paths: Set<string>;
  state: StageState | undefined;
  /** Where the last CMD, ENTRYPOINT, HEALTHCHECK stood. */
  readonly last: Map<string, LineRange>;
}

export function newNode(
  fields: Pick<StageNode, "from" | "range" | "baseName" | "name" | "key"> & Partial<StageNode>,
): StageNode {
  return {
    base: undefined,
    context: undefined,
    platform: undefined,
    commands: [],
    dependencies: new Map(),
    total: 0,
    index: 0,
    ignoreCache: false,
    resolved: false,
    triggersRead: false,
    done: false,
    paths: new Set(),
    state: undefined,
    last: new Map(),
    ...fields,
  };
}

export class StageNodes {
  readonly all: StageNode[] = [];
  readonly #byName = new Map<string, StageNode>();

  /** A stage of the same name before it is hidden by it. */
  add(node: StageNode): void {
    this.all.push(node);
    if (node.context === undefined) node.base = this.#byName.get(node.baseName);
    if (node.key !== "") this.#byName.set(node.key, node);
  }

  byName(name: string): StageNode | undefined {
    return this.#byName.get(name.toLowerCase());
  }

  /** @throws Fault */
  byIndex(index: number): StageNode {
    const node = this.all[index];
    if (node === undefined) throw new Fault(`invalid stage index ${index}`);
    return node;
  }

  names(): string[] {
    return this.all.map(({ name }) => name).filter((name) => name !== "");
  }

  /** @throws Fault `target stage "x" could not be found` */
  target(name: string): StageNode {
    const last = this.all.at(-1);
    if (name === "" && last !== undefined) return last;
    const named = this.byName(name) ?? (/^\d{1,9}$/.test(name) ? this.all[Number(name)] : undefined);
    if (named !== undefined) return named;
    throw new Fault(withSuggestion(`target stage ${JSON.stringify(name)} could not be found`, name, this.names()));
  }
}

/** The node and all that it needs. */
export function reachable(node: StageNode, found: Set<StageNode> = new Set()): Set<StageNode> {
  if (found.has(node)) return found;
  found.add(node);
  if (node.base !== undefined) reachable(node.base, found);
  for (const other of node.dependencies.keys()) reachable(other, found);
  return found;
}
