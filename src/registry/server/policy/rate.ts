// So many requests a minute for each key (an address, an account): a bucket that fills evenly and holds a minute's worth,
// so bursts such as a pull of many layers pass. In memory and bounded; a restart forgets.

import { makeRoom } from "../../../base/bounded.ts";
import { RegistryError } from "../errors.ts";

const KEYS = 50_000;

interface Bucket {
  left: number;
  /** ms since the epoch, when `left` was right. */
  at: number;
}

export class RateLimit {
  readonly #perMinute: number;
  readonly #buckets = new Map<string, Bucket>();

  /** @param perMinute 0: no limit. */
  constructor(perMinute: number) {
    this.#perMinute = perMinute;
  }

  /** @throws RegistryError TOOMANYREQUESTS (429) with Retry-After */
  take(key: string, now = Date.now()): void {
    if (this.#perMinute === 0) return;
    const bucket = this.#buckets.get(key) ?? { left: this.#perMinute, at: now };
    const filled = ((now - bucket.at) * this.#perMinute) / 60_000;
    bucket.left = Math.min(this.#perMinute, bucket.left + Math.max(0, filled));
    bucket.at = now;
    // Taken out first, so that the map's order is that of the last use; the longest unused goes, whose bucket is fullest.
    this.#buckets.delete(key);
    makeRoom(this.#buckets, KEYS);
    this.#buckets.set(key, bucket);
    if (bucket.left < 1) {
      const seconds = Math.ceil(((1 - bucket.left) * 60) / this.#perMinute);
      throw new RegistryError(429, "TOOMANYREQUESTS", "too many requests", {
        headers: { "Retry-After": String(seconds) },
      });
    }
    bucket.left -= 1;
  }
}
