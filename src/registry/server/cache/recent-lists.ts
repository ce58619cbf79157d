// Upstream's lists as they were a minute ago, so that a client that turns pages asks upstream once. A bounded number of
// them; when upstream does not answer there is none.

import { makeRoom } from "../../../base/bounded.ts";
import { HoyError } from "../../../base/error.ts";

const FRESH_MS = 60_000;
const KEPT = 1000;

export class RecentLists<T> {
  readonly #lists = new Map<string, { readonly items: readonly T[]; readonly until: number }>();

  /** @returns undefined when upstream does not answer, or says something else. */
  async get(key: string, ask: () => Promise<readonly T[]>): Promise<readonly T[] | undefined> {
    const known = this.#lists.get(key);
    if (known !== undefined && known.until > Date.now()) return known.items;
    try {
      const items = await ask();
      makeRoom(this.#lists, KEPT);
      this.#lists.set(key, { items, until: Date.now() + FRESH_MS });
      return items;
    } catch (error) {
      if (!(error instanceof HoyError)) throw error;
      return undefined;
    }
  }
}
