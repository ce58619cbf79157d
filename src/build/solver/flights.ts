// Work in flight that several may share: who asks for the same key joins; it is cancelled when the last one has gone.
// Each may listen to what the work says; who joins late is told what was said before, as far as it was kept.

import { HoyError } from "../../base/error.ts";

/** Sayings kept for those who join late. */
const KEPT = 1000;

interface Flight<T, Said> {
  readonly result: Promise<T>;
  readonly controller: AbortController;
  readonly listeners: Set<(said: Said) => void>;
  readonly said: Said[];
}

export class Flights<T, Said> {
  readonly #flights = new Map<string, Flight<T, Said>>();
  readonly #finish: (result: T) => void;

  /** @param finish is given each result when everyone who asked for it has it. */
  constructor(finish: (result: T) => void) {
    this.#finish = finish;
  }

  /**
   * @param work is given a signal that fires when everyone who asked has gone, and a way to speak to all of them.
   * @throws HoyError "cancelled" as soon as `signal` fires and, for the last one, the work has ended.
   */
  async run(
    key: string,
    signal: AbortSignal,
    listener: (said: Said) => void,
    work: (signal: AbortSignal, say: (said: Said) => void) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#begin(key, work);
    for (const said of flight.said) listener(said);
    flight.listeners.add(listener);
    const gone = Promise.withResolvers<never>();
    gone.promise.catch(() => undefined);
    const leave = () => gone.reject(new HoyError("cancelled", "the build was cancelled"));
    signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([flight.result, gone.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
      flight.listeners.delete(listener);
      if (flight.listeners.size === 0) await this.#end(key, flight);
    }
  }

  #begin(key: string, work: (signal: AbortSignal, say: (said: Said) => void) => Promise<T>): Flight<T, Said> {
    const controller = new AbortController();
    const listeners = new Set<(said: Said) => void>();
    const said: Said[] = [];
    const say = (one: Said) => {
      if (said.length < KEPT) said.push(one);
      for (const listener of listeners) listener(one);
    };
    // In a later turn, so that the first listener is there.
    const result = Promise.resolve().then(() => work(controller.signal, say));
    result.catch(() => undefined);
    const flight = { result, controller, listeners, said };
    this.#flights.set(key, flight);
    return flight;
  }

  /** Nobody builds on a cancelled one: from here on who asks begins anew. */
  async #end(key: string, flight: Flight<T, Said>): Promise<void> {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
    flight.controller.abort(new HoyError("cancelled", "the build was cancelled"));
    const [outcome] = await Promise.allSettled([flight.result]);
    if (outcome.status === "fulfilled") this.#finish(outcome.value);
  }
}
