// Turns work that reports as it goes into the stream of messages that a client reads. A slow client does not hold the
// work up: a progress message that is still waiting is replaced by the next one of the same thing.

import type { ProgressMessage } from "../../api/backend.ts";

export type Say = (message: ProgressMessage) => void;

/**
 * Runs `work` at once. Its error ends the stream after everything it said; a reader that leaves early aborts it.
 * @param work Is given a signal that fires when `signal` does or when the reader leaves.
 */
export function messagesOf(
  signal: AbortSignal,
  work: (say: Say, signal: AbortSignal) => Promise<void>,
): AsyncIterable<ProgressMessage> {
  const left = new AbortController();
  const waiting: ProgressMessage[] = [];
  let wake: (() => void) | undefined;
  let ended = false;
  const say: Say = (message) => {
    const last = waiting.at(-1);
    const newer = message.progressDetail !== undefined && last?.id === message.id && last?.status === message.status;
    if (newer) waiting.pop();
    waiting.push(message);
    wake?.();
  };
  const done = work(say, AbortSignal.any([signal, left.signal])).finally(() => {
    ended = true;
    wake?.();
  });
  done.catch(() => undefined);
  return (async function* () {
    try {
      for (;;) {
        const message = waiting.shift();
        if (message !== undefined) yield message;
        else if (ended) break;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
      await done;
    } finally {
      left.abort();
      await done.catch(() => undefined);
    }
  })();
}

/** Passes a stream on and reports how many bytes of it have passed, once for every half mebibyte. */
export async function* counted(
  source: AsyncIterable<Uint8Array>,
  report: (current: number) => void,
): AsyncGenerator<Uint8Array, void, void> {
  const step = 512 * 1024;
  let passed = 0;
  let reported = 0;
  for await (const chunk of source) {
    yield chunk;
    passed += chunk.byteLength;
    if (passed - reported < step) continue;
    reported = passed;
    report(passed);
  }
  if (passed !== reported) report(passed);
}
