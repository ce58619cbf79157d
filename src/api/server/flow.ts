// Moving bytes without piling them up: a source is asked for more only when the client has taken what was written, and
// is let go of when the client goes away, even if it is in the middle of waiting for something.

import type { Writable } from "node:stream";

/** Resolves at the first of these events. */
export function oneOf(emitter: NodeJS.EventEmitter, events: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of events) emitter.removeListener(event, done);
      resolve();
    };
    for (const event of events) emitter.on(event, done);
  });
}

/** What `write` writes goes out at once: else a head, its body, and both ends of a chunk are a system call each. */
export function together<T>(stream: Pick<Writable, "cork" | "uncork">, write: () => T): T {
  stream.cork();
  try {
    return write();
  } finally {
    stream.uncork();
  }
}

/** Writes, and waits while the other side does not read. Nothing is told of a stream that is gone. */
export async function put(stream: Writable, data: Uint8Array): Promise<void> {
  if (stream.destroyed) return;
  const taken = together(stream, () => stream.write(data));
  if (!taken && !stream.destroyed) await oneOf(stream, ["drain", "close", "error"]);
}

/**
 * Gives each item of a source to `take`, one at a time, until the source ends or the signal fires.
 * @param failed told when the source can't be closed; a source's own errors are thrown.
 */
export async function forward<T>(
  source: AsyncIterable<T>,
  signal: AbortSignal,
  take: (item: T) => Promise<void>,
  failed: (thrown: unknown) => void,
): Promise<void> {
  const iterator = source[Symbol.asyncIterator]();
  let stop: () => void = () => undefined;
  const abort = () => stop();
  signal.addEventListener("abort", abort, { once: true });
  try {
    while (!signal.aborted) {
      // A promise of its own each time: a race with one that lives as long as the stream would remember every item.
      const next = await new Promise<IteratorResult<T> | undefined>((resolve, reject) => {
        stop = () => resolve(undefined);
        iterator.next().then(resolve, reject);
      });
      if (next === undefined || next.done === true || signal.aborted) return;
      await take(next.value);
    }
  } finally {
    signal.removeEventListener("abort", abort);
    // Not awaited: a generator that waits for something else would hold the request; the signal tells it to end.
    iterator.return?.().catch(failed);
  }
}

/** A promise that resolves (with undefined) when the signal fires, and a way to stop listening. */
export function aborted(signal: AbortSignal): { promise: Promise<undefined>; forget: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const listener = () => resolve(undefined);
  if (signal.aborted) listener();
  else signal.addEventListener("abort", listener, { once: true });
  return { promise, forget: () => signal.removeEventListener("abort", listener) };
}
