// One HTTP request to a registry or its token server: TLS of the endpoint, proxies from the environment, a deadline for
// the answer's head (bodies may take long), retries of what may succeed when asked again. No authentication here.

import { setTimeout as sleep } from "node:timers/promises";
import { HoyError } from "../../base/error.ts";
import type { Endpoint } from "./endpoint.ts";
import { DIRECT, proxyFor } from "./proxy.ts";
import { REDIRECTS, redirectTarget } from "./redirect.ts";

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream is made anew for each try, and needs a Content-Length among the headers. */
  readonly body?: string | Uint8Array | (() => ReadableStream<Uint8Array>);
  readonly signal: AbortSignal;
}

export interface HttpOptions {
  readonly userAgent: string;
  /** How often a request is made at most; 1: no retry. */
  readonly attempts: number;
  /** How long the head of an answer may take; undefined: a minute. */
  readonly patienceMs?: number;
  /** False: a redirect is an answer like others. */
  readonly redirects?: boolean;
}

const HEAD_TIMEOUT_MS = 60_000;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 30_000;
/** Worth another try: too many requests, and the faults of a server or what stands before it. */
const RETRIED = new Set([408, 429, 500, 502, 503, 504]);

const REDIRECTED = new Set([301, 302, 303, 307, 308]);

/** The answer, whatever its status. @throws HoyError "unavailable" when no answer comes, "cancelled". */
export async function send(endpoint: Endpoint, request: HttpRequest, options: HttpOptions): Promise<Response> {
  const { attempts } = options;
  for (let attempt = 1; ; attempt++) {
    const outcome = await once(endpoint, request, options).catch((error: unknown) => error);
    request.signal.throwIfAborted();
    const failed = !(outcome instanceof Response);
    const most = failed && isNobodyThere(outcome) ? Math.min(attempts, 2) : attempts;
    if (attempt >= most || (!failed && !RETRIED.has(outcome.status)) || (failed && !isTransient(outcome))) {
      if (!failed) return outcome;
      if (outcome instanceof HoyError) throw outcome;
      throw new HoyError("unavailable", describe(request, outcome), { cause: outcome });
    }
    const wait = failed ? undefined : retryAfterMs(outcome.headers.get("retry-after"));
    if (!failed) await outcome.body?.cancel();
    await sleep(Math.min(wait ?? FIRST_WAIT_MS * 2 ** (attempt - 1), LONGEST_WAIT_MS), undefined, {
      signal: request.signal,
    });
  }
}

/** Follows redirects where no body would go elsewhere; the Authorization header stays with its host. */
async function once(endpoint: Endpoint, request: HttpRequest, options: HttpOptions): Promise<Response> {
  const headers = { "User-Agent": options.userAgent, ...request.headers };
  let response = await one(endpoint, request, request.url, headers, options.patienceMs);
  if ((request.method !== "GET" && request.method !== "HEAD") || options.redirects === false) return response;
  let url = request.url;
  for (let hops = 0; REDIRECTED.has(response.status); hops++) {
    await response.body?.cancel();
    if (hops === REDIRECTS) throw new HoyError("invalid", `${new URL(request.url).host} redirects for ever`);
    const target = await redirectTarget(url, response.headers.get("location"));
    const { Authorization: _, ...others } = headers as Record<string, string>;
    const same = target.host === new URL(request.url).host;
    url = target.href;
    response = await one(same ? endpoint : elsewhere(endpoint), request, url, same ? headers : others);
  }
  return response;
}

/** Another host gets no client certificate, and must have a certificate of its own that is good. */
function elsewhere(endpoint: Endpoint): Endpoint {
  return { ...endpoint, insecure: false, tls: { ca: endpoint.tls.ca, cert: undefined, key: undefined } };
}

async function one(
  endpoint: Endpoint,
  request: HttpRequest,
  url: string,
  headers: Readonly<Record<string, string>>,
  patienceMs = HEAD_TIMEOUT_MS,
): Promise<Response> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(new Error("no answer in time")), patienceMs);
  const { tls } = endpoint;
  const body = typeof request.body === "function" ? request.body() : request.body;
  const proxy = proxyFor(url, process.env);
  try {
    return await fetch(url, {
      method: request.method,
      headers,
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.any([request.signal, deadline.signal]),
      redirect: "manual",
      // Blobs are wanted as they are stored: a gzip layer must not be unpacked on its way.
      decompress: false,
      proxy: proxy ?? DIRECT,
      tls: {
        rejectUnauthorized: !endpoint.insecure,
        ...(tls.ca.length > 0 ? { ca: [...tls.ca] } : {}),
        ...(tls.cert === undefined || tls.key === undefined ? {} : { cert: tls.cert, key: tls.key }),
      },
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Seconds or a date (RFC 9110, 10.2.3), in ms; undefined when there is none. */
export function retryAfterMs(header: string | null, now = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,6}$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

const PERMANENT = /CERT|SSL|TLS|UNKNOWN_CA|SELF_SIGNED|ERR_INVALID_URL|EPROTO/i;

/** A certificate does not get better by asking again, nor does a port that speaks no TLS (EPROTO). */
function isTransient(error: unknown): boolean {
  if (error instanceof HoyError) return false;
  return !PERMANENT.test(codeOf(error));
}

/** Who mistypes a name or a port should not wait for it; a registry that starts anew is asked again by who pulls a layer. */
function isNobodyThere(error: unknown): boolean {
  return ["ConnectionRefused", "ECONNREFUSED", "ENOTFOUND"].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

function describe(request: HttpRequest, error: unknown): string {
  const { host } = new URL(request.url);
  const why = error instanceof Error ? error.message : String(error);
  return `failed to do request: ${request.method} ${host}: ${why}`;
}
