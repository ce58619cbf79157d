// Entries of a log in order: what is there (all, or the last n), then, when followed, what comes, over any number of
// rotations, until the container has ended and its log is at its end.

import { closeAll, contents, inodeOf, type LogFile, openLogFiles, readAt } from "./files.ts";
import type { LogEntry, LogFormat } from "./format.ts";
import { LogWatcher } from "./watcher.ts";

const CHUNK = 64 * 1024;

/** Files that are open already. With `end` one is read to a place in it and those after it not at all. */
export interface OpenedLog {
  readonly files: readonly LogFile[];
  readonly end: { readonly inode: number; readonly size: number } | undefined;
}

export interface EntriesOptions {
  readonly path: string;
  readonly format: LogFormat;
  /** The last n; undefined: all. */
  readonly tail: number | undefined;
  readonly follow: boolean;
  /** Whether more may be written (asked before the last look at the file). */
  readonly live: () => boolean;
  /** Ends following. */
  readonly signal: AbortSignal;
  /** Calls `wake` when `live` has changed; the result ends that. */
  readonly onEnd: (wake: () => void) => () => void;
  /** Begin with this in place of opening `path`; without an `end` when followed. The files are closed at the end. */
  readonly opened?: OpenedLog | undefined;
}

export async function* logEntries(options: EntriesOptions): AsyncGenerator<LogEntry, void, void> {
  await using reader = new LogReader(options);
  // Watched before the first look, so that nothing is written unseen in between.
  using watcher = options.follow ? new LogWatcher(options.path, options.signal, options.onEnd) : undefined;
  yield* reader.past();
  while (watcher !== undefined && !options.signal.aborted) {
    const live = options.live();
    let progress = false;
    for await (const entry of reader.more()) {
      progress = true;
      yield entry;
    }
    if (await reader.rotated()) {
      yield* reader.next();
      continue;
    }
    if (progress) continue;
    if (!live) return;
    await watcher.next();
  }
}

class LogReader implements AsyncDisposable {
  readonly #options: EntriesOptions;
  #files: readonly LogFile[] = [];
  #decode: (chunk: Uint8Array) => LogEntry[];
  /** How far the file that is written to has been read. */
  #position = 0;
  /** Time of the last entry given. */
  #last = 0n;

  constructor(options: EntriesOptions) {
    this.#options = options;
    this.#decode = options.format.decoder();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeAll(this.#files);
  }

  /** What is there when this is called, from the oldest entry that `tail` asks for. */
  async *past(): AsyncGenerator<LogEntry, void, void> {
    const { opened } = this.#options;
    this.#files = opened?.files ?? (await openLogFiles(this.#options.path));
    const from = await this.#start();
    for (const [index, file] of this.#files.entries()) {
      if (index < from.file) continue;
      let skip = index === from.file ? from.skip : 0;
      this.#position = index === from.file ? from.offset : 0;
      this.#decode = this.#options.format.decoder();
      const end = file.inode === opened?.end?.inode ? opened.end.size : undefined;
      for await (const chunk of contents(file, this.#position, end)) {
        this.#position += chunk.length;
        for (const entry of this.#decode(chunk)) if (skip-- <= 0) yield this.#seen(entry);
      }
      if (end !== undefined) return;
    }
  }

  /** What has been added to the file that was the current one at the last look. */
  async *more(): AsyncGenerator<LogEntry, void, void> {
    const current = this.#current;
    if (current === undefined) return;
    for (;;) {
      const chunk = await readAt(current.handle, this.#position, CHUNK);
      if (chunk.length === 0) return;
      this.#position += chunk.length;
      for (const entry of this.#decode(chunk)) yield this.#seen(entry);
    }
  }

  /** Whether another file has the log's name by now. */
  async rotated(): Promise<boolean> {
    return (await inodeOf(this.#options.path)) !== this.#current?.inode;
  }

  /** After a rotation: the rest of the file that was current, the files between that and the new one, then the new one. */
  async *next(): AsyncGenerator<LogEntry, void, void> {
    // Nothing more comes to it once another has its name.
    yield* this.more();
    const before = this.#current;
    const files = await openLogFiles(this.#options.path);
    await closeAll(this.#files);
    this.#files = files;
    this.#position = 0;
    this.#decode = this.#options.format.decoder();
    for (const file of unseen(files, before)) {
      const decode = this.#options.format.decoder();
      for await (const chunk of contents(file)) {
        // Compressed, the file that was read already can't be told from the others but by its times.
        for (const entry of decode(chunk)) if (entry.time > this.#last) yield this.#seen(entry);
      }
    }
    yield* this.more();
  }

  get #current(): LogFile | undefined {
    const newest = this.#files.at(-1);
    return newest?.number === 0 ? newest : undefined;
  }

  #seen(entry: LogEntry): LogEntry {
    this.#last = entry.time;
    return entry;
  }

  /** Which file, and where in it, the last `tail` entries begin. */
  async #start(): Promise<{ file: number; offset: number; skip: number }> {
    const { tail, format } = this.#options;
    if (tail === undefined) return { file: 0, offset: 0, skip: 0 };
    let wanted = tail;
    for (const [file, log] of [...this.#files.entries()].reverse()) {
      if (log.compressed) {
        const count = await countEntries(log, format);
        if (count >= wanted) return { file, offset: 0, skip: count - wanted };
        wanted -= count;
        continue;
      }
      const { size } = await log.handle.stat();
      const { offset, count } = await format.tail((at, length) => readAt(log.handle, at, length), size, wanted);
      if (count >= wanted) return { file, offset, skip: 0 };
      wanted -= count;
    }
    return { file: 0, offset: 0, skip: 0 };
  }
}

/** Rotated files that were never current at a look: all after the one that was, or all when that is gone. */
function unseen(files: readonly LogFile[], seen: LogFile | undefined): readonly LogFile[] {
  const rotated = files.filter((file) => file.number > 0);
  return rotated.slice(rotated.findIndex((file) => file.inode === seen?.inode) + 1);
}

async function countEntries(file: LogFile, format: LogFormat): Promise<number> {
  const decode = format.decoder();
  let count = 0;
  for await (const chunk of contents(file)) count += decode(chunk).length;
  return count;
}
