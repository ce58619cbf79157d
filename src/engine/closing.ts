// A stream together with what it reads from: that is let go of when the stream ends, fails or is left, and also when it
// is never begun and its reader goes away.

export function closing(
  stream: AsyncGenerator<Uint8Array, void, void>,
  owned: Disposable | AsyncDisposable,
  signal: AbortSignal,
): AsyncIterable<Uint8Array> {
  let closed: Promise<void> | undefined;
  const close = () => {
    signal.removeEventListener("abort", unread);
    closed ??= dispose(owned);
    return closed;
  };
  let begun = false;
  const unread = () => {
    if (!begun) close().catch(() => undefined);
  };
  signal.addEventListener("abort", unread);
  if (signal.aborted) unread();
  return (async function* () {
    begun = true;
    try {
      yield* stream;
    } finally {
      await close();
    }
  })();
}

async function dispose(owned: Disposable | AsyncDisposable): Promise<void> {
  if (Symbol.asyncDispose in owned) await owned[Symbol.asyncDispose]();
  else owned[Symbol.dispose]();
}
