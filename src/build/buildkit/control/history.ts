// What was built lately, for `buildx history`: kept in memory, bounded, gone with the engine.

import type { MessageInitShape } from "@bufbuild/protobuf";
import type { BuildHistoryEventSchema, BuildHistoryRecordSchema } from "../proto/gen/control_pb.ts";

export type HistoryRecord = MessageInitShape<typeof BuildHistoryRecordSchema> & { readonly ref: string };
type HistoryEvent = MessageInitShape<typeof BuildHistoryEventSchema>;

/** BuildKit keeps 50 by default too. */
const MAX_RECORDS = 50;

const STARTED = 0;
const COMPLETE = 1;
const DELETED = 2;

export class History {
  readonly #records = new Map<string, HistoryRecord>();
  readonly #watchers = new Set<(event: HistoryEvent) => void>();

  started(record: HistoryRecord): void {
    this.#records.delete(record.ref);
    this.#records.set(record.ref, record);
    for (const [ref, { completedAt, pinned }] of this.#records) {
      if (this.#records.size <= MAX_RECORDS) break;
      if (completedAt !== undefined && pinned !== true) this.#records.delete(ref);
    }
    this.#tell({ type: STARTED, record });
  }

  completed(record: HistoryRecord): void {
    this.#records.set(record.ref, record);
    this.#tell({ type: COMPLETE, record });
  }

  /** Nothing of that name is no error. */
  remove(ref: string): void {
    const record = this.#records.get(ref);
    if (record === undefined) return;
    this.#records.delete(ref);
    this.#tell({ type: DELETED, record });
  }

  pin(ref: string, pinned: boolean): void {
    const record = this.#records.get(ref);
    if (record !== undefined) this.#records.set(ref, { ...record, pinned });
  }

  /** What is there, oldest first, then what comes, unless only the first was asked for. */
  async *listen(
    wanted: { readonly ref: string; readonly activeOnly: boolean; readonly earlyExit: boolean; readonly limit: number },
    signal: AbortSignal,
  ): AsyncGenerator<HistoryEvent, void, void> {
    const fits = ({ record }: HistoryEvent) =>
      (wanted.ref === "" || record?.ref === wanted.ref) && !(wanted.activeOnly && record?.completedAt !== undefined);
    const queue: HistoryEvent[] = [];
    let wake: () => void = () => undefined;
    const watcher = (event: HistoryEvent) => {
      queue.push(event);
      wake();
    };
    const stop = () => wake();
    if (!wanted.earlyExit) this.#watchers.add(watcher);
    signal.addEventListener("abort", stop, { once: true });
    try {
      const now = [...this.#records.values()]
        .map((record): HistoryEvent => ({ type: record.completedAt === undefined ? STARTED : COMPLETE, record }))
        .filter(fits);
      yield* wanted.limit > 0 ? now.slice(-wanted.limit) : now;
      while (!wanted.earlyExit && !signal.aborted) {
        for (const event of queue.splice(0)) if (fits(event)) yield event;
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        if (queue.length === 0 && !signal.aborted) await promise;
      }
    } finally {
      this.#watchers.delete(watcher);
      signal.removeEventListener("abort", stop);
    }
  }

  #tell(event: HistoryEvent): void {
    for (const watcher of this.#watchers) watcher(event);
  }
}
