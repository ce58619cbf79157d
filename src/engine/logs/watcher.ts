// Wakes whoever follows a log: when something happens in its directory, when the container ends, and once in a while,
// should an event be lost or inotify have no room.

import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";
import { log } from "../../base/log.ts";

const POLL_MS = 1000;

export class LogWatcher implements Disposable {
  readonly #watch: FSWatcher | undefined;
  readonly #stop: () => void;
  readonly #signal: AbortSignal;
  readonly #wake = () => this.#ring();
  #happened = false;
  #resolve: (() => void) | undefined;

  constructor(path: string, signal: AbortSignal, onEnd: (wake: () => void) => () => void) {
    this.#signal = signal;
    this.#watch = watchDirectory(dirname(path), this.#wake);
    this.#stop = onEnd(this.#wake);
    signal.addEventListener("abort", this.#wake);
  }

  /** Resolves at the next event, or at once when there was one since the last call. */
  async next(): Promise<void> {
    if (!this.#happened && !this.#signal.aborted) {
      const timer = setTimeout(this.#wake, POLL_MS);
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
      clearTimeout(timer);
    }
    this.#happened = false;
  }

  [Symbol.dispose](): void {
    this.#watch?.close();
    this.#stop();
    this.#signal.removeEventListener("abort", this.#wake);
  }

  #ring(): void {
    this.#happened = true;
    this.#resolve?.();
    this.#resolve = undefined;
  }
}

/** Undefined where inotify has no room: then the polling must do. */
function watchDirectory(directory: string, wake: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(directory, { persistent: false }, wake);
    watcher.on("error", (error) => {
      log.debug("a log's directory is not watched any more", { directory, error });
      watcher.close();
    });
    return watcher;
  } catch (error) {
    log.debug("a log's directory can't be watched", { directory, error });
    return undefined;
  }
}
