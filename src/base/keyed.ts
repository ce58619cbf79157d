// Work that must not run twice at once for the same key: who comes while it runs waits for its turn. Different
// keys run at once, and nothing is kept for a key that nobody works under.

export class Keyed<Key> {
  readonly #tails = new Map<Key, Promise<unknown>>();

  /** Runs `work` after all work of this key that was asked for before; a failure of theirs is not ours. */
  async run<T>(key: Key, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#tails.set(key, mine);
    try {
      return await mine;
    } finally {
      if (this.#tails.get(key) === mine) this.#tails.delete(key);
    }
  }
}
