// Progress as lines, for files, pipes and CI: `#3 [2/4] RUN make`, its output with the seconds since it began, `#3 DONE
// 1.2s`. The form is BuildKit's, which tools read.

import type { Output } from "../../base/output.ts";
import { humanSize } from "../../format/units.ts";
import { type BuildState, type Count, type Step, type StepEvent, secondsOf } from "./state.ts";

/** Milliseconds between two counts of the same thing. */
const INTERVAL = 5000;

export class PlainProgress {
  readonly #out: Output;
  readonly #partial = new Map<Step, string>();
  readonly #told = new Map<Step, Map<string, number>>();
  #last: Step | undefined;

  constructor(out: Output) {
    this.#out = out;
  }

  show(events: readonly StepEvent[], _state: BuildState): void {
    for (const event of events) this.#event(event);
  }

  end(): void {
    for (const [step, rest] of this.#partial) if (rest !== "") this.#say(step, rest);
    this.#partial.clear();
  }

  #event(event: StepEvent): void {
    switch (event.kind) {
      case "started":
        this.#turnTo(event.step);
        break;
      case "ended":
        this.#ended(event.step);
        break;
      case "count":
        this.#count(event.step, event.count);
        break;
      case "output":
        this.#output(event);
        break;
      case "warning":
        break; // all of them are told at the end
    }
  }

  #ended(step: Step): void {
    this.#turnTo(step);
    const rest = this.#partial.get(step);
    if (rest !== undefined && rest !== "") this.#say(step, rest);
    this.#partial.delete(step);
    if (step.error !== "") this.#say(step, /context canceled$/.test(step.error) ? "CANCELED" : `ERROR: ${step.error}`);
    else if (step.cached) this.#say(step, "CACHED");
    else this.#say(step, `DONE ${secondsOf(step, 0).toFixed(1)}s`);
    this.#out.line();
    this.#last = undefined;
  }

  #count(step: Step, count: Count): void {
    const told = this.#told.get(step) ?? new Map<string, number>();
    this.#told.set(step, told);
    const now = performance.now();
    const last = told.get(count.name);
    if (count.completed === undefined && last !== undefined && now - last < INTERVAL) return;
    if (last === Number.POSITIVE_INFINITY) return;
    told.set(count.name, count.completed === undefined ? now : Number.POSITIVE_INFINITY);
    this.#turnTo(step);
    this.#say(step, countText(count));
  }

  #output({ step, text, at }: Extract<StepEvent, { kind: "output" }>): void {
    this.#turnTo(step);
    const lines = `${this.#partial.get(step) ?? ""}${text}`.split("\n");
    this.#partial.set(step, lines.pop() ?? "");
    const since = step.started === undefined || at === 0 ? 0 : Math.max(0, at - step.started) / 1000;
    for (const line of lines)
      this.#say(step, `${since < 10 ? since.toFixed(3) : since < 100 ? since.toFixed(2) : since.toFixed(1)} ${line}`);
  }

  /** Another step speaks: its name comes first. */
  #turnTo(step: Step): void {
    if (this.#last === step) return;
    if (this.#last !== undefined) this.#out.line();
    this.#last = step;
    this.#say(step, step.name);
  }

  #say({ number }: Step, text: string): void {
    this.#out.line(`#${number} ${text}`);
  }
}

/** "transferring context: 1.2MB / 3MB 0.4s done" */
export function countText({ name, current, total, started, completed }: Count): string {
  const size =
    total > 0 && current < total
      ? ` ${humanSize(current)} / ${humanSize(total)}`
      : current > 0
        ? ` ${humanSize(current)}`
        : "";
  if (completed === undefined) return `${name}${size}`;
  const seconds = started === undefined ? 0 : (completed - started) / 1000;
  return `${name}${size}${seconds >= 0.05 ? ` ${seconds.toFixed(1)}s` : ""} done`;
}
