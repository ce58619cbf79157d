// Entries of a log in order: what is there (all, or the last n), then, when followed, what comes, over any number of
// rotations, until the container has ended and its log is at its end.

import { watch } from "node:fs";
import { dirname } from "node:path";
import { closeAll, contents, inodeOf, type LogFile, openLogFiles, readAt } from "./files.ts";
import type { LogEntry, LogFormat } from "./format.ts";

/** A lost inotify event costs no more than this. */
const POLL_MS = 1000;
const CHUNK = 64 * 1024;

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
  /** Wakes the follower when `live` has changed. */
  readonly onEnd: (wake: () => void) => () => void;
}

export async function* logEntries(options: EntriesOptions): AsyncGenerator<LogEntry, void, void> {
  let files = await openLogFiles(options.path);
  const watcher = options.follow ? new Watcher(options) : undefined;
  try {
    const from = await startOf(files, options);
    let last = 0n;
    const decode = options.format.decoder();
    let position = 0;
    for (const [index, file] of files.entries()) {
      if (index < from.file) continue;
      const offset = index === from.file ? from.offset : 0;
      let skip = index === from.file ? from.skip : 0;
      position = offset;
      for await (const chunk of contents(file, offset)) {
        position += chunk.length;
        for (const entry of decode(chunk)) {
          if (skip-- > 0) continue;
          last = entry.time;
          yield entry;
        }
      }
    }
    if (watcher === undefined) return;
    while (!options.signal.aborted) {
      const live = options.live();
      const active = files.at(-1)?.number === 0 ? files.at(-1) : undefined;
      let progress = false;
      if (active !== undefined) {
        for (let chunk = await readAt(active.handle, position, CHUNK); chunk.length > 0; ) {
          progress = true;
          position += chunk.length;
          for (const entry of decode(chunk)) {
            last = entry.time;
            yield entry;
          }
          chunk = await readAt(active.handle, position, CHUNK);
        }
      }
      if ((await inodeOf(options.path)) !== active?.inode) {
        // Rotated; nothing more comes to the file at hand once another has its name.
        if (active !== undefined) {
          const rest = await readAt(active.handle, position, CHUNK);
          if (rest.length > 0) continue;
        }
        const next = await openLogFiles(options.path);
        const between = newerThan(next, active);
        await closeAll(files);
        files = next;
        position = 0;
        for (const file of between) {
          const fresh = options.format.decoder();
          for await (const chunk of contents(file)) {
            for (const entry of fresh(chunk)) {
              if (entry.time <= last) continue;
              last = entry.time;
              yield entry;
            }
          }
        }
        if (files.at(-1)?.number !== 0) await watcher.next();
        continue;
      }
      if (progress) continue;
      if (!live) return;
      await watcher.next();
    }
  } finally {
    watcher?.close();
    await closeAll(files);
  }
}

/** Rotated files that were never seen: all between the one at hand and the new one, or all when that is gone. */
function newerThan(files: readonly LogFile[], seen: LogFile | undefined): readonly LogFile[] {
  const rotated = files.filter((file) => file.number > 0);
  if (seen === undefined) return rotated;
  const at = rotated.findIndex((file) => file.inode === seen.inode);
  return at < 0 ? rotated : rotated.slice(at + 1);
}

/** Which file, and where in it, the last `tail` entries begin. */
async function startOf(
  files: readonly LogFile[],
  { tail, format }: EntriesOptions,
): Promise<{ file: number; offset: number; skip: number }> {
  if (tail === undefined) return { file: 0, offset: 0, skip: 0 };
  let wanted = tail;
  for (let index = files.length - 1; index >= 0; index--) {
    const file = files[index];
    if (file === undefined) continue;
    if (file.compressed) {
      const count = await countEntries(file, format);
      if (count >= wanted) return { file: index, offset: 0, skip: count - wanted };
      wanted -= count;
      continue;
    }
    const { size } = await file.handle.stat();
    const { offset, count } = await format.tail((at, length) => readAt(file.handle, at, length), size, wanted);
    if (count >= wanted) return { file: index, offset, skip: 0 };
    wanted -= count;
  }
  return { file: 0, offset: 0, skip: 0 };
}

async function countEntries(file: LogFile, format: LogFormat): Promise<number> {
  const decode = format.decoder();
  let count = 0;
  for await (const chunk of contents(file)) count += decode(chunk).length;
  return count;
}

/** Wakes when something happens in the log's directory, when the container ends, and once in a while. */
class Watcher {
  readonly #watch: ReturnType<typeof watch> | undefined;
  readonly #stop: () => void;
  readonly #signal: AbortSignal;
  readonly #wake = () => this.#ring();
  #happened = false;
  #resolve: (() => void) | undefined;

  constructor({ path, signal, onEnd }: EntriesOptions) {
    this.#signal = signal;
    this.#watch = watchDirectory(dirname(path), this.#wake);
    this.#stop = onEnd(this.#wake);
    signal.addEventListener("abort", this.#wake);
  }

  async next(): Promise<void> {
    if (!this.#happened && !this.#signal.aborted) {
      const timer = setTimeout(this.#wake, POLL_MS);
      await new Promise<void>((resolve) => {
        this.#resolve = resolve;
      });
      clearTimeout(timer);
    }
    this.#happened = false;
  }

  close(): void {
    this.#watch?.close();
    this.#stop();
    this.#signal.removeEventListener("abort", this.#wake);
  }

  #ring(): void {
    this.#happened = true;
    this.#resolve?.();
    this.#resolve = undefined;
  }
}

/** Undefined where inotify has no room: then the polling must do. */
function watchDirectory(directory: string, wake: () => void): ReturnType<typeof watch> | undefined {
  try {
    const watcher = watch(directory, { persistent: false }, wake);
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return undefined;
  }
}
