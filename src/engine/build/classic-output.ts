// Progress as the classic builder shows it: one step after the other, `Step 2/4 : RUN make`. The steps run as they can;
// what one says while an earlier one is still being shown waits for its turn.

import { setTimeout as sleep } from "node:timers/promises";
import type { ProgressMessage } from "../../api/backend.ts";
import { type Digest, digestHex } from "../../base/digest.ts";
import type { ClassicStep } from "../../build/frontend/options.ts";
import type { Vertex } from "../../build/graph.ts";
import { vertexDigest } from "../../build/solver/digests.ts";
import type { BuildProgress } from "../../build/solver-contract.ts";

/** Output of a step that waits for its turn; what is beyond it is left out, and said to be. */
const MAX_HELD = 16 * 1024 * 1024;

/** A step that is in the cache has ended within this; one that runs should not hold up what is shown. */
const CACHE_ANSWERS_MS = 300;

interface Watched {
  readonly vertex: Vertex;
  held: string[];
  size: number;
  /** What it says is passed on at once. */
  shown: boolean;
  outcome: { readonly cached: boolean; readonly error: string | undefined } | undefined;
  readonly decoder: TextDecoder;
}

export type Emit = (message: ProgressMessage) => void;

export class ClassicOutput implements BuildProgress {
  readonly #emit: Emit;
  readonly #watched = new Map<Digest, Watched>();
  readonly #waiting = new Set<() => void>();
  #over = false;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  vertex(vertex: Vertex, id: Digest): void {
    const decoder = new TextDecoder();
    this.#watched.set(id, { vertex, held: [], size: 0, shown: false, outcome: undefined, decoder });
  }

  started(): void {
    this.#wake();
  }

  completed(id: Digest, _at: string, outcome: { readonly cached: boolean; readonly error: string | undefined }): void {
    const watched = this.#watched.get(id);
    if (watched !== undefined) watched.outcome = outcome;
    this.#wake();
  }

  log(id: Digest, stream: "stdout" | "stderr" | "explanation", data: Uint8Array): void {
    const watched = this.#watched.get(id);
    if (watched === undefined) return;
    const plain = watched.decoder.decode(data, { stream: true });
    // Red, as Docker sends it, whether or not a terminal will show it.
    const text = stream === "stderr" ? `\x1b[91m${plain}\x1b[0m` : plain;
    if (watched.shown) {
      this.#emit({ stream: text });
      return;
    }
    if (watched.size > MAX_HELD) return;
    watched.size += text.length;
    watched.held.push(watched.size > MAX_HELD ? "[output clipped]\n" : text);
    this.#wake();
  }

  status(): void {
    // The classic builder counts nothing inside a step.
  }

  warning(warning: Parameters<BuildProgress["warning"]>[0]): void {
    this.#emit({ stream: `[Warning] ${warning.rule}: ${warning.message}\n` });
  }

  /** The build has ended: steps that never began are not waited for. */
  end(): void {
    this.#over = true;
    this.#wake();
  }

  /** Shows all steps; ends when the last one has, or with the first that failed. */
  async show(steps: readonly ClassicStep[]): Promise<void> {
    for (const [index, step] of steps.entries()) {
      const text = step.trigger ? `ONBUILD ${step.text}` : step.text;
      this.#emit({ stream: `Step ${index + 1}/${steps.length} : ${text}` });
      this.#emit({ stream: "\n" });
      const next = step.hasLayer || index === 0 ? undefined : steps.slice(index + 1).find(({ hasLayer }) => hasLayer);
      if (!(await this.#showStep(step, next))) return;
    }
  }

  /**
   * @param next The step that makes files next, after one that makes none: its place in the cache speaks for both, as
   * the classic builder would have an image for each.
   * @returns false when the build is over.
   */
  async #showStep({ tree, hasLayer }: ClassicStep, next: ClassicStep | undefined): Promise<boolean> {
    if (tree === undefined) return true;
    const id = vertexDigest(tree.vertex);
    const watched = await this.#begun(id);
    if (watched === undefined) return false;
    const isCommand = hasLayer && watched.vertex.op.kind === "exec" && watched.outcome?.cached !== true;
    if (isCommand) this.#emit({ stream: ` ---> Running in ${short(id)}\n` });
    for (const text of watched.held.splice(0)) this.#emit({ stream: text });
    watched.shown = true;
    const outcome = await this.#ended(watched);
    if (outcome === undefined || outcome.error !== undefined) return false;
    if (isCommand) this.#emit({ stream: ` ---> Removed intermediate container ${short(id)}\n` });
    const cached = hasLayer ? outcome.cached : next !== undefined && (await this.#soonCached(next));
    if (cached) this.#emit({ stream: " ---> Using cache\n" });
    this.#emit({ stream: ` ---> ${short(id)}\n` });
    return true;
  }

  /** Whether it came from the cache, as far as that is known by now or in a moment. */
  async #soonCached({ tree }: ClassicStep): Promise<boolean> {
    if (tree === undefined) return false;
    const begun = this.#begun(vertexDigest(tree.vertex));
    const watched = await Promise.race([begun, sleep(CACHE_ANSWERS_MS, undefined, { ref: false })]);
    return watched?.outcome?.cached === true;
  }

  /** Has said something or has ended: by then it is known whether the cache had it. */
  async #begun(id: Digest): Promise<Watched | undefined> {
    for (;;) {
      const watched = this.#watched.get(id);
      if (watched !== undefined && (watched.outcome !== undefined || watched.held.length > 0)) return watched;
      if (this.#over) return watched?.outcome === undefined ? undefined : watched;
      await this.#change();
    }
  }

  async #ended(watched: Watched): Promise<Watched["outcome"]> {
    while (watched.outcome === undefined && !this.#over) await this.#change();
    return watched.outcome;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiting.add(resolve));
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

function short(id: Digest): string {
  return digestHex(id).slice(0, 12);
}
