// Ways to answer: JSON, nothing, a stream of bytes, a stream of JSON lines, an error. Streams stop reading their
// source while the client does not read, and let go of it when the client goes away.

import { type HoyError, toHoyError } from "../../base/error.ts";
import type { Call } from "./call.ts";
import { forward, put, together } from "./flow.ts";

export type Headers = Readonly<Record<string, string>>;

/** A JSON answer, with the newline at its end that Go's encoder writes. */
export function sendJson(call: Call, value: unknown, status = 200): void {
  sendText(call, status, "application/json", `${JSON.stringify(value)}\n`);
}

export function sendText(call: Call, status: number, type: string, text: string, headers: Headers = {}): void {
  const body = Buffer.from(text);
  together(call.response, () => {
    call.response.writeHead(status, { ...headers, "Content-Type": type, "Content-Length": body.length });
    call.response.end(call.request.method === "HEAD" ? undefined : body);
  });
}

/** An answer without body: 204, or 200 where Docker says so. */
export function sendEmpty(call: Call, status = 204, headers: Headers = {}): void {
  call.response.writeHead(status, status === 204 || status === 304 ? headers : { ...headers, "Content-Length": 0 });
  call.response.end();
}

/** Sends the head at once, whatever comes later: clients wait for it (wait, events, logs). */
export function beginStream(call: Call, type: string, headers: Headers = {}): void {
  call.response.writeHead(200, { ...headers, "Content-Type": type });
  call.response.flushHeaders();
}

/** Bytes until the source ends. An error in the middle cuts the answer, so that the client sees it is not whole. */
export async function sendBytes(
  call: Call,
  type: string,
  source: AsyncIterable<Uint8Array>,
  headers: Headers = {},
): Promise<void> {
  await pump(call, source, () => {
    if (!call.response.headersSent) beginStream(call, type, headers);
  });
  if (!call.response.headersSent) beginStream(call, type, headers);
  call.response.end();
}

/**
 * Progress messages, one JSON text a line. The head waits for the first message, so an error before it has its own
 * status; an error after it becomes a line `{"errorDetail":…,"error":…}`, as in Docker. With `always` every error does.
 */
export async function sendProgress(call: Call, source: AsyncIterable<unknown>, always = false): Promise<void> {
  const begin = () => {
    if (!call.response.headersSent) beginStream(call, "application/json");
  };
  try {
    await pump(call, lines(source), begin);
  } catch (thrown) {
    if (!call.response.headersSent && !always) throw thrown;
    begin();
    const error = toHoyError(thrown);
    if (error.code === "internal") call.parts.options.log.error(error.message, { path: call.parts.path });
    const text = messageOf(error);
    call.response.write(`${JSON.stringify({ errorDetail: { message: text }, error: text })}\r\n`);
  }
  begin();
  call.response.end();
}

/** Like sendProgress, for values that are not progress: one JSON text a line with \n. The head goes first. */
export async function sendLines(call: Call, source: AsyncIterable<unknown>): Promise<void> {
  beginStream(call, "application/json");
  await pump(call, lines(source, "\n"));
  call.response.end();
}

/** The error's words with its hint behind, as `{"message"}` carries it. */
export function messageOf(error: HoyError): string {
  return error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
}

async function* lines(source: AsyncIterable<unknown>, end = "\r\n"): AsyncGenerator<Uint8Array> {
  for await (const value of source) yield Buffer.from(`${JSON.stringify(value)}${end}`);
}

/** Writes a source to the answer with backpressure; ends quietly when the client is gone. */
export async function pump(call: Call, source: AsyncIterable<Uint8Array>, before?: () => void): Promise<void> {
  const { response, signal } = call;
  const take = async (data: Uint8Array) => {
    before?.();
    await put(response, data);
  };
  await forward(source, signal, take, (thrown) => {
    if (!signal.aborted) call.parts.options.log.warn(`closing a stream: ${String(thrown)}`);
  });
}

/** Answers with an error. When the head has gone already, the connection is cut: nothing truthful can be said. */
export function sendError(call: Call, thrown: unknown): void {
  const error = toHoyError(thrown);
  const { log } = call.parts.options;
  const where = { method: call.request.method, path: call.parts.path };
  if (error.code === "internal") log.error(error.message, { ...where, stack: stackOf(error) });
  else log.debug(error.message, { ...where, status: error.status });
  if (call.response.headersSent || call.signal.aborted) {
    call.parts.socket.destroy();
    return;
  }
  if (error.code === "not-modified") sendEmpty(call, 304);
  else sendJson(call, { message: messageOf(error) }, error.status);
}

function stackOf(error: HoyError): string | undefined {
  return error.cause instanceof Error ? error.cause.stack : error.stack;
}
