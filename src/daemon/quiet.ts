// What the daemon does when nobody has asked it for anything for a while: it gives memory back. Starting it, and each burst
// of work, leaves garbage and pages of program text of which the next command needs few. This decides when, not what.

import { giveMemoryBack } from "../storage/give-memory-back.ts";

/** Milliseconds. A script's next command within it finds everything in its place. */
const QUIET_MS = 10_000;

export class QuietTime implements Disposable {
  readonly #timer: NodeJS.Timeout;

  constructor(giveBack: () => void = giveMemoryBack, milliseconds = QUIET_MS) {
    this.#timer = setTimeout(giveBack, milliseconds);
    this.#timer.unref();
  }

  /** Somebody has asked for something. */
  disturb(): void {
    this.#timer.refresh();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}
