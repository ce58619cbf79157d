// Work that several ask for at once is done once: the second joins the first. It is cancelled when the last one goes,
// and what it holds is let go when the last one has used it.

interface Entry<T> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  users: number;
}

export class Shared<T extends AsyncDisposable> {
  readonly #running = new Map<string, Entry<T>>();

  /**
   * Joins the work named `key`, or begins it, and uses its result. The signal given to `work` fires when everyone's own
   * has; the result is disposed of after the last `use`.
   */
  async run<U>(
    key: string,
    signal: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
    use: (result: T) => Promise<U>,
  ): Promise<U> {
    signal.throwIfAborted();
    const entry = this.#join(key, work);
    entry.users++;
    const left = Promise.withResolvers<never>();
    left.promise.catch(() => undefined);
    const leave = () => left.reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await use(await Promise.race([entry.result, left.promise]));
    } finally {
      signal.removeEventListener("abort", leave);
      entry.users--;
      if (entry.users === 0) await this.#end(key, entry, signal.reason);
    }
  }

  #join(key: string, work: (signal: AbortSignal) => Promise<T>): Entry<T> {
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const controller = new AbortController();
    const entry: Entry<T> = { result: work(controller.signal), controller, users: 0 };
    entry.result.catch(() => undefined);
    this.#running.set(key, entry);
    return entry;
  }

  async #end(key: string, entry: Entry<T>, reason: unknown): Promise<void> {
    this.#running.delete(key);
    entry.controller.abort(reason);
    const [outcome] = await Promise.allSettled([entry.result]);
    if (outcome.status === "fulfilled") await outcome.value[Symbol.asyncDispose]();
  }
}

/** At most `limit` at once; the others wait their turn, which comes when a work ends or says that it is done with its own. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  async run<T>(work: (done: () => void) => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let held = true;
    const done = () => {
      if (held) this.#pass();
      held = false;
    };
    try {
      return await work(done);
    } finally {
      done();
    }
  }

  #pass(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
