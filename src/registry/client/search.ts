// The search of a registry's index, version 1 of Docker's registry API: the only search that the Hub answers without a
// web page. Few other registries have it; that of the OCI has none.

import * as v from "valibot";
import type { RegistryAuth } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import type { RegistrySettings } from "../../base/settings.ts";
import { readJson } from "../../image/json.ts";
import { Authenticator } from "./auth.ts";
import { type Endpoint, endpointsFor } from "./endpoint.ts";
import { boundedText } from "./errors.ts";
import { type HttpOptions, send } from "./http.ts";

export interface SearchOptions {
  /** "index.docker.io", "registry.example:5000". */
  readonly host: string;
  readonly term: string;
  /** 1 to 100. */
  readonly limit: number;
  readonly auth: RegistryAuth | undefined;
  readonly settings: RegistrySettings;
  readonly userAgent: string;
}

const ANSWER_LIMIT = 1024 * 1024;
const SCOPE = "registry:catalog:search";

const resultSchema = v.object({
  name: v.pipe(v.string(), v.maxLength(255)),
  description: v.fallback(v.string(), ""),
  star_count: v.fallback(v.pipe(v.number(), v.safeInteger()), 0),
  is_official: v.fallback(v.boolean(), false),
});
const answerSchema = v.object({ results: v.fallback(v.nullable(v.array(resultSchema)), null) });

export type SearchHit = v.InferOutput<typeof resultSchema>;

/** At most `limit` hits, in the registry's order. @throws HoyError "unavailable" when no answer comes. */
export async function searchIndex(options: SearchOptions, signal: AbortSignal): Promise<SearchHit[]> {
  const { host, settings, userAgent } = options;
  // Somebody waits at a terminal: one more try is enough.
  const http = { userAgent, attempts: Math.min(settings.maxDownloadAttempts, 2) };
  let failure: unknown;
  for (const endpoint of endpointsFor(host, settings).filter(({ mirror }) => !mirror)) {
    let response: Response;
    try {
      response = await ask(endpoint, options, http, signal);
    } catch (error) {
      signal.throwIfAborted();
      failure ??= error;
      continue;
    }
    const text = await boundedText(response, ANSWER_LIMIT);
    if (!response.ok) throw refused(response.status, host);
    const { results } = readJson(answerSchema, Buffer.from(text), "registry's answer to a search");
    return (results ?? []).slice(0, options.limit);
  }
  throw failure;
}

async function ask(
  endpoint: Endpoint,
  { term, limit, auth }: SearchOptions,
  http: HttpOptions,
  signal: AbortSignal,
): Promise<Response> {
  const authenticator = new Authenticator(endpoint, auth, http);
  const url = `${endpoint.base}/v1/search?${new URLSearchParams({ q: term, n: String(limit) })}`;
  for (let round = 0; ; round++) {
    const authorization = authenticator.header(SCOPE);
    const headers = {
      Accept: "application/json",
      ...(authorization === undefined ? {} : { Authorization: authorization }),
    };
    const response = await send(endpoint, { method: "GET", url, headers, signal }, http);
    if (response.status !== 401 || round > 0) return response;
    if (!(await authenticator.answer(response, SCOPE, signal))) return response;
    await response.body?.cancel();
  }
}

/** Docker says no more than the number; what it mostly means is said beside it. */
function refused(status: number, host: string): HoyError {
  const message = `Unexpected status code ${status}`;
  switch (status) {
    case 401:
      return new HoyError("unauthorized", message, { hint: `log in to ${host} first (hoy login)` });
    case 403:
      return new HoyError("forbidden", message);
    case 404:
      return new HoyError("not-found", message, { hint: `the registry ${host} has no search` });
    default:
      return new HoyError(status >= 500 || status === 429 ? "unavailable" : "invalid", message);
  }
}
