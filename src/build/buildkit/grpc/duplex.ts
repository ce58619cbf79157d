// One HTTP/2 stream, read as messages and written with backpressure; the same for both ends of a call.

import type * as http2 from "node:http2";
import { Unframer } from "./frames.ts";
import { CODE, GrpcError } from "./status.ts";

/** The other side's messages until it closes its half. @throws GrpcError when the stream is cut. */
export async function* messages(stream: http2.Http2Stream): AsyncGenerator<Uint8Array, void, void> {
  const unframer = new Unframer();
  for await (const chunk of chunks(stream)) {
    unframer.push(chunk);
    for (let message = unframer.next(); message !== undefined; message = unframer.next()) yield message;
  }
  unframer.end();
}

/** Reads by hand: a `for await` over the stream itself would destroy it when left, and with it the answer. */
async function* chunks(stream: http2.Http2Stream): AsyncGenerator<Uint8Array, void, void> {
  let ended = false;
  const end = () => {
    ended = true;
  };
  stream.once("end", end);
  try {
    for (;;) {
      const chunk: unknown = stream.read();
      if (chunk instanceof Uint8Array) yield chunk;
      else if (ended || stream.readableEnded) return;
      else if (stream.destroyed || stream.aborted) throw cut(stream);
      else await oneOf(stream, ["readable", "end", "close", "aborted", "error"]);
    }
  } finally {
    stream.removeListener("end", end);
  }
}

/** Writes a framed message and waits while the other side does not read. */
export async function put(stream: http2.Http2Stream, framed: Uint8Array): Promise<void> {
  if (stream.destroyed || stream.closed) throw cut(stream);
  if (!stream.write(framed) && !stream.destroyed) await oneOf(stream, ["drain", "close", "error"]);
}

function cut(stream: http2.Http2Stream): GrpcError {
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
