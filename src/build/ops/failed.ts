// A command that ended with another code than 0. Frontends and protocols say it each in their own words; what it left of
// its file system may be looked at for as long as somebody holds it.

import { HoyError } from "../../base/error.ts";
import type { ExecMount, ExecOp, Vertex } from "../graph.ts";
import type { Tree } from "../solver-contract.ts";

export class StepFailed extends HoyError {
  readonly args: readonly string[];
  readonly exitCode: number;
  /** To be asked only by who holds it. */
  readonly left: FailedStep | undefined;

  constructor(args: readonly string[], exitCode: number, oomKilled: boolean, left?: FailedStep) {
    const memory = oomKilled ? " (out of memory)" : "";
    const command = JSON.stringify(args.join(" "));
    super("internal", `process ${command} did not complete successfully: exit code: ${exitCode}${memory}`);
    this.args = args;
    this.exitCode = exitCode;
    this.left = left;
  }
}

export interface FailedStepParts extends AsyncDisposable {
  readonly vertex: Vertex;
  readonly op: ExecOp;
  readonly inputs: readonly Tree[];
  /** What the command changed there, as a layer; undefined: nothing that it could have changed is kept. */
  changes(mount: ExecMount, signal: AbortSignal): AsyncIterable<Uint8Array> | undefined;
}

/** Several builds may have shared the step: its files go when the last of those who want them lets go. */
export class FailedStep {
  readonly #parts: FailedStepParts;
  #holders = 1;

  /** Held by who makes it. */
  constructor(parts: FailedStepParts) {
    this.#parts = parts;
  }

  get vertex(): Vertex {
    return this.#parts.vertex;
  }

  get op(): ExecOp {
    return this.#parts.op;
  }

  get inputs(): readonly Tree[] {
    return this.#parts.inputs;
  }

  changes(mount: ExecMount, signal: AbortSignal): AsyncIterable<Uint8Array> | undefined {
    if (this.#holders === 0) throw new HoyError("not-found", "what the failed step left is gone");
    return this.#parts.changes(mount, signal);
  }

  /** False: it is gone already. */
  hold(): boolean {
    if (this.#holders === 0) return false;
    this.#holders++;
    return true;
  }

  async release(): Promise<void> {
    if (--this.#holders === 0) await this.#parts[Symbol.asyncDispose]();
  }
}
