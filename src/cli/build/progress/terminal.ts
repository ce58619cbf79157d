// Progress on a terminal: all steps, drawn again and again in the same place, the running ones with their last lines of
// output. When there is no room for all, steps that are done go first; at the end everything is there.

import { stripVTControlCharacters } from "node:util";
import type { Output } from "../../base/output.ts";
import { ellipsis } from "../../base/text.ts";
import { countText } from "./plain.ts";
import { type BuildState, type Step, type StepEvent, secondsOf } from "./state.ts";

/** Milliseconds between two drawings. */
const INTERVAL = 100;
/** Lines of a running step's output. */
const LOG_LINES = 6;
/** As narrow as it is drawn for; what is narrower wraps. */
const MIN_COLUMNS = 20;

interface Line {
  readonly left: string;
  readonly right: string;
  readonly colour: Colour;
}

type Colour = "plain" | "done" | "error" | "cancelled" | "dim";

const CODES: Readonly<Record<Colour, string>> = { plain: "", done: "34", error: "31", cancelled: "33", dim: "2" };

export class TerminalProgress {
  readonly #out: Output;
  readonly #colours: boolean;
  readonly #now: () => number;
  readonly #begun: number;
  #state: BuildState | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Widths of the lines that are on the screen. */
  #drawn: readonly number[] = [];

  /** @param now milliseconds since the epoch */
  constructor(out: Output, colours: boolean, now: () => number = Date.now) {
    this.#out = out;
    this.#colours = colours;
    this.#now = now;
    this.#begun = now();
  }

  show(_events: readonly StepEvent[], state: BuildState): void {
    if (this.#state === undefined) {
      this.#out.print("\x1b[?25l");
      this.#timer = setInterval(() => this.draw(false), INTERVAL);
    }
    this.#state = state;
  }

  end(): void {
    clearInterval(this.#timer);
    if (this.#state === undefined) return;
    this.draw(true);
    this.#out.print("\x1b[?25h");
  }

  /** @param whole without regard to the terminal's height: it is the last time */
  draw(whole: boolean): void {
    const state = this.#state;
    if (state === undefined) return;
    const columns = Math.max(MIN_COLUMNS, this.#out.columns);
    const room = whole ? Number.POSITIVE_INFINITY : Math.max(1, this.#out.rows - 2);
    const lines = [this.#head(state, whole), ...fit(this.#blocks(state, whole), room)];
    const texts = lines.map((line) => this.#text(line, columns));
    // A terminal that became narrower has wrapped what was drawn.
    const height = this.#drawn.reduce((sum, width) => sum + Math.max(1, Math.ceil(width / columns)), 0);
    const up = height === 0 ? "" : `\x1b[${height}A`;
    this.#out.print(`${up}\r${texts.map(({ text }) => `\x1b[2K${text}\n`).join("")}\x1b[J`);
    this.#drawn = texts.map(({ width }) => width);
  }

  #head(state: BuildState, whole: boolean): Line {
    const { done, total } = state.counts();
    const seconds = ((this.#now() - this.#begun) / 1000).toFixed(1);
    const failed = state.failed() !== undefined;
    const finished = whole && !failed && done === total;
    return {
      left: `[+] Building ${seconds}s (${done}/${total})${finished ? " FINISHED" : ""}`,
      right: "",
      colour: failed ? "error" : finished ? "done" : "plain",
    };
  }

  #blocks(state: BuildState, whole: boolean): Block[] {
    return [...state.steps.values()]
      .filter(({ number }) => number > 0)
      .sort((a, b) => a.number - b.number)
      .map((step) => ({ isDone: step.completed !== undefined && step.error === "", lines: this.#step(step, whole) }));
  }

  #step(step: Step, whole: boolean): Line[] {
    const now = this.#now();
    const { completed, cached, error, name } = step;
    const isCancelled = /context canceled$/.test(error);
    const mark = isCancelled ? "CANCELED " : error !== "" ? "ERROR " : cached ? "CACHED " : "";
    const colour: Colour = isCancelled
      ? "cancelled"
      : error !== ""
        ? "error"
        : completed !== undefined
          ? "done"
          : "plain";
    const right = `${secondsOf(step, now).toFixed(1)}s`;
    const lines: Line[] = [{ left: ` => ${mark}${clean(name)}`, right, colour }];
    if (cached) return lines;
    for (const count of step.counts.values()) {
      const spent = count.started === undefined ? 0 : Math.max(0, (count.completed ?? now) - count.started) / 1000;
      const text = countText({ ...count, started: undefined }).replace(/ done$/, "");
      const its = count.completed === undefined ? colour : "done";
      lines.push({ left: ` => => ${clean(text)}`, right: `${spent.toFixed(1)}s`, colour: its });
    }
    if (completed !== undefined || whole) return lines;
    for (const line of step.output.lines.slice(-LOG_LINES)) {
      lines.push({ left: ` => => # ${clean(line)}`, right: "", colour: "dim" });
    }
    return lines;
  }

  #text({ left, right, colour }: Line, columns: number): { readonly text: string; readonly width: number } {
    const room = columns - (right === "" ? 0 : right.length + 1);
    const cut = ellipsis(left, room);
    const gap = right === "" ? "" : " ".repeat(Math.max(1, columns - Bun.stringWidth(cut) - right.length));
    const plain = `${cut}${gap}${right}`;
    const code = CODES[colour];
    const text = !this.#colours || code === "" ? plain : `\x1b[${code}m${plain}\x1b[0m`;
    return { text, width: Bun.stringWidth(plain) };
  }
}

interface Block {
  readonly isDone: boolean;
  readonly lines: readonly Line[];
}

/** At most so many lines: steps that are done go first, then details of the others, then the oldest. */
function fit(blocks: readonly Block[], room: number): readonly Line[] {
  const kept = [...blocks];
  const height = () => kept.reduce((sum, { lines }) => sum + lines.length, 0);
  while (height() > room) {
    const done = kept.findIndex(({ isDone }) => isDone);
    if (done < 0) break;
    kept.splice(done, 1);
  }
  for (let most = LOG_LINES; height() > room && most >= 0; most--) {
    for (const [index, { isDone, lines }] of kept.entries()) {
      kept[index] = { isDone, lines: [...lines.slice(0, 1), ...lines.slice(1).slice(-most || lines.length)] };
    }
  }
  const lines = kept.flatMap(({ lines }) => lines);
  return lines.length > room ? lines.slice(-room) : lines;
}

/** Without what would move the cursor or colour the rest: the text is a stranger's. */
export function clean(text: string): string {
  const plain = stripVTControlCharacters(text).replaceAll("\t", "    ");
  return plain.replaceAll(/\p{Cc}/gu, " ");
}
