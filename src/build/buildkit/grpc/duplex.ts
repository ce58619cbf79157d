// One HTTP/2 stream, read as messages and written with backpressure; the same for both ends of a call.

import type * as http2 from "node:http2";
import type { Readable } from "node:stream";
import { Unframer } from "./frames.ts";
import { CODE, GrpcError } from "./status.ts";

/** A stream of HTTP/2, or any other. */
export type Incoming = Readable & { readonly aborted?: boolean };

/** The other side's messages until it closes its half. @throws GrpcError when the stream is cut. */
export async function* messages(stream: http2.Http2Stream): AsyncGenerator<Uint8Array, void, void> {
  for await (const batch of batches(stream)) yield* batch;
}

/** The same, as many at once as have come. */
export async function* batches(stream: http2.Http2Stream): AsyncGenerator<readonly Uint8Array[], void, void> {
  const unframer = new Unframer();
  for await (const taken of chunks(stream)) {
    const found: Uint8Array[] = [];
    for (const chunk of taken) {
      unframer.push(chunk);
      for (let message = unframer.next(); message !== undefined; message = unframer.next()) found.push(message);
    }
    if (found.length > 0) yield found;
  }
  unframer.end();
}

/** Bytes that wait to be read before the other side is slowed down. */
const HIGH = 1024 * 1024;

/** By events: a `for await` over the stream itself would destroy it when left, and with it the answer. */
export async function* chunks(stream: Incoming): AsyncGenerator<readonly Uint8Array[], void, void> {
  let queue: Uint8Array[] = [];
  let waiting = 0;
  let ended = false;
  let wake: () => void = () => undefined;
  const take = (chunk: Uint8Array) => {
    queue.push(chunk);
    waiting += chunk.length;
    if (waiting > HIGH) stream.pause();
    wake();
  };
  const end = () => {
    ended = true;
    wake();
  };
  const stop = () => wake();
  stream.on("data", take);
  stream.on("end", end);
  for (const event of STOPS) stream.on(event, stop);
  try {
    for (;;) {
      const taken = queue;
      queue = [];
      waiting = 0;
      if (stream.isPaused()) stream.resume();
      if (taken.length > 0) yield taken;
      if (queue.length > 0) continue;
      if (ended) return;
      if (stream.destroyed || stream.aborted === true) throw cut(stream);
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    stream.removeListener("data", take);
    stream.removeListener("end", end);
    for (const event of STOPS) stream.removeListener(event, stop);
    // What nobody reads any more must not hold the others of its connection.
    stream.resume();
  }
}

const STOPS = ["close", "aborted", "error"] as const;

/** Writes a framed message and waits while the other side does not read. */
export async function put(stream: http2.Http2Stream, framed: Uint8Array): Promise<void> {
  if (stream.destroyed || stream.closed) throw cut(stream);
  if (!stream.write(framed) && !stream.destroyed) await oneOf(stream, ["drain", "close", "error"]);
}

function cut(stream: { readonly errored: Error | null }): GrpcError {
  return new GrpcError(CODE.cancelled, "the stream was cut", [], { cause: stream.errored ?? undefined });
}

function oneOf(emitter: NodeJS.EventEmitter, events: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of events) emitter.removeListener(event, done);
      resolve();
    };
    for (const event of events) emitter.on(event, done);
  });
}
