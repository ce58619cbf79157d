// Guessing passwords is made slow: after some wrong ones for a name from one address, further tries there are refused for
// a while; after more from one address, whatever the names, too. A name that many addresses guess at is not locked (that
// would lock its owner out) but answered late. Hashing costs memory and a core, so few run at once and few wait. In
// memory and bounded; a restart forgets.

import { makeRoom } from "../../../base/bounded.ts";
import { RegistryError } from "../errors.ts";

const TRIES = 10;
const TRIES_ADDRESS = 100;
const TRIES_NAME = 100;
const LATE_MS = 1000;
const WINDOW_MS = 5 * 60 * 1000;
const ENTRIES = 10_000;
const HASHES = 2;
const WAITING = 200;

export class Guard {
  readonly #failures = new Map<string, { count: number; until: number }>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** Lets `verify` run if this may be tried now. @throws RegistryError TOOMANYREQUESTS (429) */
  async attempt<T>(address: string, name: string, verify: () => Promise<T | undefined>): Promise<T | undefined> {
    const [pair, from, to] = [`${address} ${name}`, `from ${address}`, `to ${name}`];
    const check = () => {
      this.#check(pair, TRIES);
      this.#check(from, TRIES_ADDRESS);
    };
    check();
    if ((this.#entry(to)?.count ?? 0) >= TRIES_NAME) await new Promise((resolve) => setTimeout(resolve, LATE_MS));
    return this.#inTurn(async () => {
      // Again: those that waited with this one may have been wrong meanwhile.
      check();
      const result = await verify();
      if (result === undefined) for (const key of [pair, from, to]) this.#failed(key);
      return result;
    });
  }

  #check(key: string, tries: number): void {
    const entry = this.#entry(key);
    if (entry === undefined || entry.count < tries) return;
    throw tooMany("too many wrong passwords", Math.ceil((entry.until - Date.now()) / 1000));
  }

  #entry(key: string) {
    const entry = this.#failures.get(key);
    return entry !== undefined && entry.until > Date.now() ? entry : undefined;
  }

  #failed(key: string): void {
    const count = (this.#entry(key)?.count ?? 0) + 1;
    // Taken out first, so that the map's order is that of the last failure.
    this.#failures.delete(key);
    makeRoom(this.#failures, ENTRIES);
    this.#failures.set(key, { count, until: Date.now() + WINDOW_MS });
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= HASHES) {
      if (this.#waiting.length >= WAITING) throw tooMany("too many sign-ins at once", 5);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else this.#running++;
    try {
      return await work();
    } finally {
      // The place is handed on, or given up.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}

function tooMany(message: string, seconds: number): RegistryError {
  return new RegistryError(429, "TOOMANYREQUESTS", message, {
    headers: { "Retry-After": String(Math.max(1, seconds)) },
  });
}
