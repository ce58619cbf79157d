// Other engines of one's own (`peer-registry`), asked before a registry for what is known by its digest: a layer then
// comes from outside once for all of them. What a tag means is the registry's to say; a peer is asked only when the
// registry can't be reached.
//
// A peer is not trusted: what it sends is checked like anything else, it gets no credentials, and its redirects are not
// followed. One that is silent, breaks off or lies is set aside for a while, so that it costs one pull a few seconds. One
// that is just fetching the same blob is waited for, as long as it gets on with it (under-way.ts).

import { setTimeout as sleep } from "node:timers/promises";
import { log } from "../../base/log.ts";
import type { Endpoint } from "./endpoint.ts";
import { type HttpOptions, type HttpRequest, send } from "./http.ts";
import { type Claim, COMING_HEADER, type Coming, comingHeader, Patience, parseComing } from "./under-way.ts";

/** A peer is near; one that needs longer for the head of an answer is as good as down. */
const PATIENCE_MS = 3_000;
const ASIDE_MS = 60_000;
/** A peer that fetches is asked again so often. */
const POLL_MS = 300;

/** Until when (ms) each peer is left alone, by its URL: known to all pulls of this process. */
const aside = new Map<string, number>();

export class Peers {
  readonly #endpoints: readonly Endpoint[];
  readonly #http: HttpOptions;
  /** Who sent the blob of a digest last. */
  readonly #senders = new Map<string, Endpoint>();

  constructor(endpoints: readonly Endpoint[], http: HttpOptions) {
    this.#endpoints = endpoints;
    this.#http = { ...http, attempts: 1, patienceMs: PATIENCE_MS, redirects: false };
  }

  /**
   * Asks one after the other. @param path Begins with "/v2/". @param digest Of a blob: asking for it again says that
   * the last sender failed. @param claim Ours on that blob: who is ahead of it is waited for.
   * @returns the first answer that has it; undefined when none has.
   */
  async ask(
    request: Omit<HttpRequest, "url">,
    path: string,
    digest: string | undefined,
    claim?: Claim,
  ): Promise<Response | undefined> {
    if (digest !== undefined) this.blame(digest, "broke off");
    const patience = new Patience();
    const headers =
      claim === undefined ? request.headers : { ...request.headers, [COMING_HEADER]: comingHeader(claim.coming) };
    const told = { ...request, ...(headers === undefined ? {} : { headers }) };
    for (;;) {
      const ahead: Coming[] = [];
      const response = await this.#askAll(told, path, digest, (coming) => {
        if (claim?.isBehind(coming)) ahead.push(coming);
      });
      if (response !== undefined || !patience.holds(ahead)) return response;
      await sleep(POLL_MS, undefined, { signal: request.signal });
    }
  }

  async #askAll(
    request: Omit<HttpRequest, "url">,
    path: string,
    digest: string | undefined,
    onComing: (coming: Coming) => void,
  ): Promise<Response | undefined> {
    for (const endpoint of this.#endpoints) {
      if ((aside.get(endpoint.base) ?? 0) > Date.now()) continue;
      try {
        const response = await send(endpoint, { ...request, url: `${endpoint.base}${path}` }, this.#http);
        if (response.ok) {
          if (digest !== undefined) this.#senders.set(digest, endpoint);
          return response;
        }
        await response.body?.cancel();
        const coming = parseComing(response.headers.get(COMING_HEADER));
        if (coming !== undefined) onComing(coming);
        // Not having something is no fault.
        if (response.status !== 404) setAside(endpoint, `answers ${response.status}`);
      } catch (error) {
        request.signal.throwIfAborted();
        setAside(endpoint, "does not answer", error);
      }
    }
    return undefined;
  }

  /** What was sent under this digest was not good. @returns whether it was a peer who sent it. */
  blame(digest: string, why: string): boolean {
    const sender = this.#senders.get(digest);
    if (sender === undefined) return false;
    this.#senders.delete(digest);
    setAside(sender, why);
    return true;
  }
}

function setAside({ base }: Endpoint, why: string, error?: unknown): void {
  aside.set(base, Date.now() + ASIDE_MS);
  log.warn("a peer is left alone for a minute", { peer: base, why, ...(error === undefined ? {} : { error }) });
}
