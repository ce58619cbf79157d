// One request as the end-points see it, and the small answers they share. Bodies are read with a bound; answers without
// a body say so, so that connections are kept.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Access } from "./access.ts";
import { RegistryError } from "./errors.ts";
import type { RegistryEvent } from "./events/event.ts";
import type { Notifier } from "./events/notifier.ts";
import type { Handover } from "./handover.ts";
import type { Metrics } from "./metrics.ts";
import type { RegistryStorage } from "./storage.ts";

export interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly query: URLSearchParams;
  readonly storage: RegistryStorage;
  readonly access: Access;
  /** Filled in by whoever finds out; for the books and the audit log. `claimed` was not shown to be right. */
  readonly who: { user: string | undefined; claimed: string | undefined };
  /** Of the caller. */
  readonly address: string;
  readonly notifier: Notifier;
  readonly metrics: Metrics;
  /** Of an engine on this host; undefined: none hands over. */
  readonly handover: Handover | undefined;
}

type Headers = Readonly<Record<string, string | number>>;

/** An answer without a body. */
export function empty({ response }: Call, status: number, headers: Headers = {}): void {
  response.writeHead(status, status === 204 ? { ...headers } : { "Content-Length": 0, ...headers });
  response.end();
}

export function json(call: Call, status: number, body: unknown, headers: Headers = {}): void {
  bytes(call, status, Buffer.from(JSON.stringify(body)), { "Content-Type": "application/json", ...headers });
}

/** To a HEAD, the same without the body. */
export function bytes({ response, method }: Call, status: number, body: Uint8Array, headers: Headers = {}): void {
  response.writeHead(status, { "Content-Length": body.length, ...headers });
  response.end(method === "HEAD" ? undefined : body);
}

/** Tells the webhooks. */
export function tell(call: Call, event: Omit<RegistryEvent, "user" | "request">): void {
  const { headers } = call.request;
  call.notifier.tell({
    ...event,
    user: call.who.user,
    request: {
      address: call.address,
      host: headers.host ?? "",
      method: call.method,
      userAgent: headers["user-agent"]?.slice(0, 500) ?? "",
    },
  });
}

/** The whole body. @throws RegistryError (413) past `limit` bytes. */
export async function readBody({ request }: Call, limit: number, fault: () => RegistryError): Promise<Uint8Array> {
  if (Number(request.headers["content-length"] ?? 0) > limit) throw fault();
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body(request)) {
    size += chunk.length;
    if (size > limit) throw fault();
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/** The bytes of a request, never more nor fewer than its Content-Length said. */
export async function* body(request: IncomingMessage): AsyncGenerator<Uint8Array, void, void> {
  const said = request.headers["content-length"];
  let size = 0;
  for await (const chunk of request) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("a request's body came as text");
    size += chunk.length;
    yield chunk;
  }
  if (said !== undefined && size !== Number(said))
    throw new RegistryError(400, "SIZE_INVALID", "the connection ended before the body did");
}

/** `n` and `last` of a list. @throws RegistryError for a number that is none. */
export function page(query: URLSearchParams, largest: number): { limit: number; after: string } {
  const text = query.get("n");
  if (text !== null && !/^\d{1,9}$/.test(text))
    throw new RegistryError(400, "UNSUPPORTED", "n must be a number of entries");
  return { limit: text === null ? largest : Math.min(Number(text), largest), after: query.get("last") ?? "" };
}

/** `Link` to what follows `last` (RFC 8288). */
export function nextLink(path: string, query: Readonly<Record<string, string>>): Headers {
  return { Link: `<${path}?${new URLSearchParams(query)}>; rel="next"` };
}

export function notAllowed(): RegistryError {
  return new RegistryError(405, "UNSUPPORTED", "the operation is unsupported");
}
