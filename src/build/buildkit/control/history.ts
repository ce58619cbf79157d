// What was built lately, for `buildx history`: builds that run in memory, those that have ended in the engine's state, so
// that they outlive it. As many stay as the settings say, those that are pinned besides.

import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { BuildHistoryTable } from "../../../state/build-history.ts";
import {
  type BuildHistoryEventSchema,
  BuildHistoryRecordSchema,
  type StatusResponse,
} from "../proto/gen/control_pb.ts";
import { historyFilter } from "./history-filter.ts";
import { packLog, unpackLog } from "./history-log.ts";
import type { StatusEvent } from "./progress.ts";

export type HistoryRecord = MessageInitShape<typeof BuildHistoryRecordSchema> & { readonly ref: string };
type HistoryEvent = MessageInitShape<typeof BuildHistoryEventSchema>;

export interface HistorySettings {
  /** That stay whatever their age. */
  readonly maxEntries: number;
  /** Milliseconds; younger ones stay too, up to a bound. */
  readonly maxAgeMs: number;
}

export interface HistoryParts {
  readonly table: BuildHistoryTable;
  readonly settings: () => HistorySettings;
  /** RFC 3339 with ns. */
  readonly now: () => string;
}

export interface HistoryRequest {
  readonly ref: string;
  readonly activeOnly: boolean;
  readonly earlyExit: boolean;
  readonly limit: number;
  readonly filter: readonly string[];
}

/** Rows, however young. */
const MAX_ROWS = 1000;
const STARTED = 0;
const COMPLETE = 1;
const DELETED = 2;

export class History {
  readonly #parts: HistoryParts;
  readonly #running = new Map<string, HistoryRecord>();
  readonly #watchers = new Set<(event: HistoryEvent) => void>();

  constructor(parts: HistoryParts) {
    this.#parts = parts;
  }

  started(record: HistoryRecord): void {
    this.#running.set(record.ref, record);
    this.#tell({ type: STARTED, record });
  }

  async completed(record: HistoryRecord, said: Iterable<StatusEvent>): Promise<void> {
    const logs = await packLog(said);
    this.#running.delete(record.ref);
    this.#store(record, logs);
    this.#collect();
    this.#tell({ type: COMPLETE, record });
  }

  /** Nothing of that name is no error. */
  remove(ref: string): void {
    const record = this.#ended().find((each) => each.ref === ref);
    if (record === undefined) return;
    this.#parts.table.remove(ref);
    this.#tell({ type: DELETED, record });
  }

  pin(ref: string, pinned: boolean): void {
    const record = this.#ended().find((each) => each.ref === ref);
    const logs = this.#parts.table.logs(ref);
    if (record !== undefined && logs !== undefined) this.#store({ ...record, pinned }, logs);
  }

  /** What a build said that has ended; undefined: it is not known. */
  said(ref: string): Iterable<StatusResponse> | undefined {
    const logs = this.#parts.table.logs(ref);
    return logs === undefined ? undefined : unpackLog(logs);
  }

  /** What is there, then what comes, unless only the first was asked for. @throws HoyError "invalid" for a filter. */
  async *listen(wanted: HistoryRequest, signal: AbortSignal): AsyncGenerator<HistoryEvent, void, void> {
    const matches = historyFilter(wanted.filter);
    const fits = ({ record }: HistoryEvent) =>
      record !== undefined &&
      (wanted.ref === "" || record.ref === wanted.ref) &&
      !(wanted.activeOnly && record.completedAt !== undefined) &&
      matches(record as HistoryRecord);
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
      const ended = wanted.activeOnly ? [] : this.#ended().map((record): HistoryEvent => ({ type: COMPLETE, record }));
      const running = [...this.#running.values()].map((record): HistoryEvent => ({ type: STARTED, record }));
      const now = [...ended, ...running].filter(fits);
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

  #ended(): HistoryRecord[] {
    return this.#parts.table.all().map(({ record }) => fromBinary(BuildHistoryRecordSchema, record));
  }

  #store(record: HistoryRecord, logs: Uint8Array): void {
    const bytes = toBinary(BuildHistoryRecordSchema, create(BuildHistoryRecordSchema, record));
    const { now, table } = this.#parts;
    const before = table.all().find(({ ref }) => ref === record.ref);
    const completed = before?.completed ?? now();
    table.add({ ref: record.ref, record: bytes, completed, pinned: record.pinned === true ? 1 : 0 }, logs);
  }

  /** As BuildKit does: what is both too old and one too many. */
  #collect(): void {
    const { maxEntries, maxAgeMs } = this.#parts.settings();
    const rows = this.#parts.table.all().filter(({ pinned }) => pinned === 0);
    const oldest = Date.now() - maxAgeMs;
    for (const [index, { ref, completed }] of rows.toReversed().entries()) {
      const isTooMany = index >= maxEntries && Date.parse(completed) < oldest;
      if (isTooMany || index >= MAX_ROWS) this.#parts.table.remove(ref);
    }
  }

  #tell(event: HistoryEvent): void {
    for (const watcher of this.#watchers) watcher(event);
  }
}
