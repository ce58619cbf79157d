// A bounded queue between one writer that can't wait and one reader: live events, health of a slow client. When the
// reader lags behind by more than the bound, the queue ends with an error instead of growing.

import { HoyError } from "../base/error.ts";

export class Queue<T> implements AsyncIterable<T> {
  readonly #limit: number;
  readonly #items: T[] = [];
  #wake: (() => void) | undefined;
  #ended = false;
  #error: HoyError | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(item: T): void {
    if (this.#ended) return;
    if (this.#items.length >= this.#limit) this.end(new HoyError("unavailable", "the client reads too slowly"));
    else this.#items.push(item);
    this.#wake?.();
  }

  end(error?: HoyError): void {
    this.#ended = true;
    this.#error ??= error;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        yield item;
        continue;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#ended) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }
}
