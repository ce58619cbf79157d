// The builds that run now, by the name that their client gave them. Calls about a build may come a little before the
// build itself does: the client makes them all at once.

import { HoyError } from "../../../base/error.ts";
import { Build, type BuildParts } from "./build.ts";

const MAX_BUILDS = 200;
/** Milliseconds. */
const PATIENCE = 10_000;

export class Builds {
  readonly #parts: BuildParts;
  readonly #running = new Map<string, Build>();
  readonly #waiting = new Map<string, Set<() => void>>();

  constructor(parts: BuildParts) {
    this.#parts = parts;
  }

  /** @throws HoyError "invalid", "conflict", "unavailable". */
  open(ref: string, sessionId: string): Build {
    if (!/^[\x21-\x7e]{1,200}$/.test(ref)) throw new HoyError("invalid", "the build has no usable ref");
    if (this.#running.has(ref)) throw new HoyError("conflict", `a build ${ref} runs already`);
    if (this.#running.size >= MAX_BUILDS) throw new HoyError("unavailable", "too many builds at once");
    const build = new Build(ref, sessionId, this.#parts);
    this.#running.set(ref, build);
    for (const wake of this.#waiting.get(ref) ?? []) wake();
    return build;
  }

  has(ref: string): boolean {
    return this.#running.has(ref);
  }

  close(build: Build): void {
    this.#running.delete(build.ref);
  }

  /** Resolves when all of them have let go of what they held. */
  async cancelAll(reason: unknown): Promise<void> {
    const all = [...this.#running.values()];
    for (const build of all) build.cancel(reason);
    await Promise.all(all.map(({ ended }) => ended));
  }

  /** @throws HoyError "not-found" when it does not come. */
  async get(ref: string, signal: AbortSignal): Promise<Build> {
    const found = this.#running.get(ref);
    if (found !== undefined) return found;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const waiting = this.#waiting.get(ref) ?? new Set();
    this.#waiting.set(ref, waiting.add(wake));
    const timer = setTimeout(wake, PATIENCE);
    signal.addEventListener("abort", wake, { once: true });
    await promise;
    clearTimeout(timer);
    signal.removeEventListener("abort", wake);
    waiting.delete(wake);
    if (waiting.size === 0) this.#waiting.delete(ref);
    const came = this.#running.get(ref);
    if (came === undefined) throw new HoyError("not-found", `no such job ${ref.slice(0, 200)}`);
    return came;
  }
}
