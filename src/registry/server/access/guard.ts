// Wrong passwords cost time: after a few for one name from one address, further tries are refused for a while. In memory
// and bounded; a restart forgets.

import { RegistryError } from "../errors.ts";

const TRIES = 10;
const WINDOW_MS = 5 * 60 * 1000;
const ENTRIES = 10_000;

export class Guard {
  readonly #failures = new Map<string, { count: number; until: number }>();

  /** @throws RegistryError TOOMANYREQUESTS (429) */
  check(key: string, now = Date.now()): void {
    const entry = this.#failures.get(key);
    if (entry === undefined || entry.until <= now || entry.count < TRIES) return;
    throw new RegistryError(429, "TOOMANYREQUESTS", "too many wrong passwords", {
      headers: { "Retry-After": String(Math.ceil((entry.until - now) / 1000)) },
    });
  }

  failed(key: string, now = Date.now()): void {
    const entry = this.#failures.get(key);
    const count = entry !== undefined && entry.until > now ? entry.count + 1 : 1;
    // Taken out first, so that the map's order is that of the last failure.
    this.#failures.delete(key);
    this.#failures.set(key, { count, until: now + WINDOW_MS });
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > ENTRIES && oldest !== undefined) this.#failures.delete(oldest);
  }
}
