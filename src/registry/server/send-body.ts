// A stream of bytes as the body of an answer, no faster than its reader takes it.

import type { ServerResponse } from "node:http";
import { finished } from "node:stream/promises";

/** Ends the answer; returns when it is sent or the reader is gone. @param onSent Told of each piece's bytes. */
export async function sendBody(
  response: ServerResponse,
  data: AsyncIterable<Uint8Array>,
  onSent: (bytes: number) => void = () => undefined,
): Promise<void> {
  for await (const chunk of data) {
    if (response.destroyed) return;
    onSent(chunk.length);
    if (!response.write(chunk)) await drained(response);
  }
  await ended(response);
}

/** Ends the answer, and waits until it is sent; the reader may go whenever it likes. */
export async function ended(response: ServerResponse): Promise<void> {
  response.end();
  await finished(response).catch(() => undefined);
}

/** Until there is room again, or nobody reads any more. */
export function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.on("drain", done);
    response.on("close", done);
  });
}
