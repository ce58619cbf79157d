// Messages of several who write, for one who reads: in the order in which they came, and no more of them waiting than a
// few. Who writes waits while the reader is behind.

const FULL = 64;

export class Mailbox<T> implements AsyncIterable<T> {
  readonly #waiting: T[] = [];
  #room = Promise.withResolvers<void>();
  #news = Promise.withResolvers<void>();
  #end: { readonly error: unknown } | "well" | undefined;

  /** Resolves when there is room again; what is put after the end is lost. */
  async put(item: T): Promise<void> {
    if (this.#end !== undefined) return;
    this.#waiting.push(item);
    this.#news.resolve();
    if (this.#waiting.length >= FULL) await this.#room.promise;
  }

  /** What waits is still read. */
  end(): void {
    this.#finish("well");
  }

  /** The reader is told when it has read what waits. */
  fail(error: unknown): void {
    this.#finish({ error });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    try {
      for (;;) {
        const items = this.#waiting.splice(0);
        this.#room.resolve();
        this.#room = Promise.withResolvers();
        yield* items;
        if (this.#waiting.length > 0) continue;
        if (this.#end === "well") return;
        if (this.#end !== undefined) throw this.#end.error;
        await this.#news.promise;
        this.#news = Promise.withResolvers();
      }
    } finally {
      // Nobody reads any more: who writes must not wait.
      this.#finish("well");
      this.#room.resolve();
    }
  }

  #finish(end: { readonly error: unknown } | "well"): void {
    this.#end ??= end;
    this.#news.resolve();
  }
}
