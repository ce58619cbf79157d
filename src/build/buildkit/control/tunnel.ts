// A session inside of a call (Control.Session): where a client can't open a second connection, the bytes of one travel
// as messages of a call. Here they become a stream again.

import { Duplex } from "node:stream";

export interface Tunnel {
  /** What the session is opened on. */
  readonly socket: Duplex;
  /** What it writes, until it ends. */
  readonly outgoing: AsyncIterable<{ readonly data: Uint8Array }>;
}

/** @param incoming the client's messages; when they end, so does the stream */
export function tunnel(incoming: AsyncIterable<{ readonly data: Uint8Array }>, signal: AbortSignal): Tunnel {
  const written: { readonly data: Uint8Array; readonly taken: (error?: Error | null) => void }[] = [];
  let wake: () => void = () => undefined;
  let wanted: () => void = () => undefined;
  const socket = new Duplex({
    read: () => wanted(),
    write(chunk: Buffer, _encoding, taken) {
      written.push({ data: chunk, taken });
      wake();
    },
    final(done) {
      done();
      wake();
    },
    destroy(error, done) {
      wake();
      wanted();
      done(error);
    },
  });
  socket.on("error", () => undefined); // told to who reads and writes
  signal.addEventListener("abort", () => socket.destroy(), { once: true });
  const pump = async () => {
    for await (const { data } of incoming) {
      if (socket.destroyed) return;
      if (data.length === 0 || socket.push(data)) continue;
      const { promise, resolve } = Promise.withResolvers<void>();
      wanted = resolve;
      if (!socket.destroyed) await promise;
    }
    socket.push(null);
  };
  pump().catch(() => socket.destroy());
  async function* outgoing(): AsyncGenerator<{ readonly data: Uint8Array }, void, void> {
    try {
      for (;;) {
        for (const { data, taken } of written.splice(0)) {
          yield { data };
          taken();
        }
        if (written.length > 0) continue;
        if (socket.destroyed || socket.writableFinished) return;
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        await promise;
      }
    } finally {
      socket.destroy();
    }
  }
  return { socket, outgoing: outgoing() };
}
