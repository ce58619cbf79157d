// Small parts of an exchange that the transport is made of: the query, the head of an answer to an upload, bodies with
// an end, the abort.

import { HoyError } from "../../base/error.ts";
import { type Reader, type ResponseHead, readHead } from "./http1.ts";
import type { Wire } from "./wire.ts";

/** undefined and false are left out, true is "1", lists are repeated. */
export type QueryValue = string | number | boolean | readonly string[] | undefined;

/** An engine may refuse an upload and close while it is still written: its answer counts, not our broken write. */
export async function headOf(reader: Reader, uploading: Promise<void> | undefined): Promise<ResponseHead> {
  const head = readHead(reader);
  if (uploading === undefined) return head;
  const failed = uploading.then(
    () => undefined,
    (thrown: unknown) => ({ thrown }),
  );
  const first = await Promise.race([head, failed]);
  if (first !== undefined && "status" in first) return first;
  if (first === undefined) return head;
  try {
    return await head;
  } catch {
    throw first.thrown; // why the upload failed is what the user should read
  }
}

/** Closes the wire when the signal fires, until disposed of. */
export function abortCloses(signal: AbortSignal | undefined, wire: Wire): Disposable {
  const close = () => wire.close();
  signal?.addEventListener("abort", close, { once: true });
  return { [Symbol.dispose]: () => signal?.removeEventListener("abort", close) };
}

/** The generator, with a last word when it is left early or fails. A broken stream after an abort is the abort. */
export async function* closing<T>(
  source: AsyncGenerator<T>,
  close: () => void,
  signal: AbortSignal | undefined,
): AsyncGenerator<T> {
  try {
    yield* source;
  } catch (thrown) {
    signal?.throwIfAborted();
    throw thrown;
  } finally {
    close();
  }
}

const MAX_TEXT = 256 * 1024 * 1024;

/** The whole body as text. */
export async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of body) {
    size += piece.length;
    if (size > MAX_TEXT) throw new HoyError("too-large", "the engine's answer is too large");
    pieces.push(piece);
  }
  return new TextDecoder().decode(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces));
}

/** "?a=1&b=2", or "" when nothing is said. */
export function encodeQuery(query: Readonly<Record<string, QueryValue>> | undefined): string {
  if (query === undefined) return "";
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === false) continue;
    if (value === true) params.append(name, "1");
    else if (typeof value === "object") for (const each of value) params.append(name, each);
    else params.append(name, String(value));
  }
  const text = params.toString();
  return text === "" ? "" : `?${text}`;
}
