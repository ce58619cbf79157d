// Which ranges of host ids the containers hold: one range a container, from create to remove. Ranges stand in the
// containers' rows; this is the view in memory, so that two creates at once can't get the same.

import type { IdMap } from "../runtime/contract.ts";
import { allocateRange, baseOf, type RangePool } from "../runtime/userns/allocate.ts";

export class IdRanges {
  readonly #pool: RangePool;
  readonly #holders = new Map<number, number>();

  constructor(pool: RangePool) {
    this.#pool = pool;
  }

  /** @throws HoyError "unavailable" when the pool is used up. */
  allocate(): IdMap {
    const map = allocateRange(this.#pool, this.#holders.keys());
    this.hold(map);
    return map;
  }

  /** One more container has this range (found in its row, or shared with another container). */
  hold(map: IdMap | undefined): void {
    const base = map === undefined ? undefined : baseOf(map);
    if (base !== undefined) this.#holders.set(base, (this.#holders.get(base) ?? 0) + 1);
  }

  release(map: IdMap | undefined): void {
    const base = map === undefined ? undefined : baseOf(map);
    if (base === undefined) return;
    const left = (this.#holders.get(base) ?? 1) - 1;
    if (left <= 0) this.#holders.delete(base);
    else this.#holders.set(base, left);
  }
}
