// What a running build has said so far: its steps in the order they came up, each with its state, counts and last lines
// of output. Fed with the engine's events; the displays read it.

import type {
  StatusResponse,
  Vertex,
  VertexStatus,
  VertexWarning,
} from "../../../build/buildkit/proto/gen/control_pb.ts";
import { timestampMs } from "./time.ts";

export interface Step {
  readonly digest: string;
  readonly name: string;
  /** From 1, in the order that steps were begun; 0: not begun. */
  number: number;
  /** Milliseconds since the epoch, by the engine's clock. */
  started: number | undefined;
  completed: number | undefined;
  cached: boolean;
  error: string;
  /** Milliseconds that it ran for in earlier goes: one that waits for another is begun and ended several times. */
  spent: number;
  readonly counts: Map<string, Count>;
  readonly output: LastLines;
  /** Why it was not in the cache, where that was asked for. */
  readonly explanation: string[];
}

export interface Count {
  readonly name: string;
  readonly current: number;
  readonly total: number;
  readonly started: number | undefined;
  readonly completed: number | undefined;
}

export type StepEvent =
  | { readonly kind: "started" | "ended"; readonly step: Step }
  | { readonly kind: "count"; readonly step: Step; readonly count: Count }
  | { readonly kind: "output"; readonly step: Step; readonly text: string; readonly at: number }
  | { readonly kind: "warning"; readonly warning: VertexWarning };

/** Number of the stream that says why a step was not in the cache; the engine's own. */
const EXPLANATION = 3n;

export class BuildState {
  readonly steps = new Map<string, Step>();
  readonly warnings: VertexWarning[] = [];
  #begun = 0;

  /** @returns what is new in it. */
  take({ vertexes, statuses, logs, warnings }: StatusResponse): StepEvent[] {
    const events: StepEvent[] = [];
    for (const vertex of vertexes) events.push(...this.#vertex(vertex));
    for (const status of statuses) {
      const step = this.steps.get(status.vertex);
      if (step === undefined) continue;
      const count = countOf(status);
      step.counts.set(status.id, count);
      events.push({ kind: "count", step, count });
    }
    for (const { vertex, msg, timestamp, stream } of logs) {
      const step = this.steps.get(vertex);
      if (step === undefined) continue;
      if (stream === EXPLANATION) {
        step.explanation.push(...Buffer.from(msg).toString().trimEnd().split("\n"));
        continue;
      }
      const text = step.output.add(msg);
      const at = timestamp === undefined ? 0 : timestampMs(timestamp);
      events.push({ kind: "output", step, text, at });
    }
    for (const warning of warnings) {
      this.warnings.push(warning);
      events.push({ kind: "warning", warning });
    }
    return events;
  }

  /** Steps that were begun, and how many of all are done. */
  counts(): { readonly done: number; readonly total: number } {
    let done = 0;
    for (const { completed } of this.steps.values()) if (completed !== undefined) done++;
    return { done, total: this.steps.size };
  }

  /** The step that failed first. */
  failed(): Step | undefined {
    const failed = [...this.steps.values()].filter(
      ({ error }) => error !== "" && !/^(?:.*: )?context canceled$/.test(error),
    );
    return failed.find(({ output }) => output.lines.length > 0) ?? failed[0];
  }

  #vertex({ digest, name, cached, error, started, completed }: Vertex): StepEvent[] {
    const known = this.steps.get(digest);
    const step: Step = known ?? {
      digest,
      name,
      number: 0,
      started: undefined,
      completed: undefined,
      cached: false,
      error: "",
      spent: 0,
      counts: new Map(),
      output: new LastLines(),
      explanation: [],
    };
    if (known === undefined) this.steps.set(digest, step);
    const events: StepEvent[] = [];
    const begin = started === undefined ? undefined : timestampMs(started);
    const end = completed === undefined ? undefined : timestampMs(completed);
    if (begin !== undefined && begin !== step.started) {
      if (step.started !== undefined && step.completed !== undefined) step.spent += step.completed - step.started;
      step.started = begin;
      step.completed = undefined;
      if (step.number === 0) step.number = ++this.#begun;
      events.push({ kind: "started", step });
    }
    if (end !== undefined && step.completed === undefined) {
      step.completed = end;
      step.cached = cached;
      step.error = error;
      if (step.number === 0) step.number = ++this.#begun;
      events.push({ kind: "ended", step });
    }
    return events;
  }
}

/** Seconds that a step ran, or has been running. */
export function secondsOf({ spent, started, completed }: Step, now: number): number {
  const last = started === undefined ? 0 : Math.max(0, (completed ?? now) - started);
  return (spent + last) / 1000;
}

function countOf({ id, current, total, started, completed }: VertexStatus): Count {
  return {
    name: id,
    current: Number(current),
    total: Number(total),
    started: started === undefined ? undefined : timestampMs(started),
    completed: completed === undefined ? undefined : timestampMs(completed),
  };
}

/** Bytes of a step's output that are kept for the report of its failure. */
const KEPT_LINES = 100;
const LINE_LIMIT = 16 * 1024;

/** A step's output, cut into lines, of which the last are kept. */
export class LastLines {
  readonly #decoder = new TextDecoder();
  readonly #lines: string[] = [];
  #rest = "";

  /** @returns the text. */
  add(data: Uint8Array): string {
    const text = this.#decoder.decode(data, { stream: true });
    const lines = `${this.#rest}${text}`.split("\n");
    this.#rest = (lines.pop() ?? "").slice(-LINE_LIMIT);
    for (const line of lines) this.#lines.push(overwritten(line.slice(0, LINE_LIMIT)));
    this.#lines.splice(0, this.#lines.length - KEPT_LINES);
    return text;
  }

  get lines(): readonly string[] {
    return this.#rest === "" ? this.#lines : [...this.#lines, overwritten(this.#rest)];
  }
}

/** What a terminal would show of a line that returns to its start, as progress bars do. */
function overwritten(line: string): string {
  const parts = line.replace(/\r+$/, "").split("\r");
  return parts.at(-1) ?? "";
}
