// The places of a repository: peers, mirrors, the registry itself, and who is asked for what. The first that answers is kept
// for reading; writing goes to the registry itself, never to a mirror. Each has its own authentication.

import type { RegistryAuth } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import type { RegistrySettings } from "../../base/settings.ts";
import { Authenticator } from "./auth.ts";
import { type Endpoint, endpointsFor } from "./endpoint.ts";
import { type HttpOptions, type HttpRequest, send } from "./http.ts";
import { Peers } from "./peers.ts";
import type { Claim } from "./under-way.ts";

export interface RepositoryOptions {
  /** Domain and path of a normalised name: "docker.io", "library/busybox". */
  readonly domain: string;
  readonly path: string;
  readonly auth: RegistryAuth | undefined;
  readonly settings: RegistrySettings;
  readonly userAgent: string;
}

/** A request to wherever it goes: `path` begins with "/v2/", or is the whole URL that a registry gave. */
export type PlacedRequest = Omit<HttpRequest, "url"> & { readonly path: string };

interface Place {
  readonly endpoint: Endpoint;
  readonly authenticator: Authenticator;
}

export class Places {
  readonly #path: string;
  readonly #domain: string;
  readonly #peers: Peers;
  readonly #places: readonly Place[];
  readonly #http: HttpOptions;
  #reading: Place | undefined;

  constructor(options: RepositoryOptions) {
    this.#path = options.path;
    this.#domain = options.domain;
    this.#http = { userAgent: options.userAgent, attempts: options.settings.maxDownloadAttempts };
    const endpoints = endpointsFor(options.domain, options.settings);
    this.#peers = new Peers(
      endpoints.filter(({ peer }) => peer),
      this.#http,
    );
    const others = endpoints.filter(({ peer }) => !peer);
    this.#places = others.map((endpoint) => ({
      endpoint,
      // A mirror is someone else: it does not get the registry's password.
      authenticator: new Authenticator(endpoint, endpoint.mirror ? undefined : options.auth, this.#http),
    }));
  }

  /** What came under this digest was not it. @returns whether it came from a peer, so that asking again makes sense. */
  distrust(digest: string): boolean {
    return this.#peers.blame(digest, "sent something else than its digest says");
  }

  /** What has this digest, wherever it comes from. */
  async readContent(request: PlacedRequest, digest: string, claim?: Claim): Promise<Response> {
    const response = await this.#peers.ask(request, this.#peerPath(request), digest, claim);
    claim?.receiving();
    return response ?? this.read(request);
  }

  /** What the registry calls by this name; a peer's word only when nothing is heard of the registry. */
  async readNamed(request: PlacedRequest): Promise<Response> {
    try {
      return await this.read(request);
    } catch (error) {
      if (!(error instanceof HoyError) || error.code !== "unavailable") throw error;
      const response = await this.#peers.ask(request, this.#peerPath(request), undefined);
      if (response === undefined) throw error;
      return response;
    }
  }

  #peerPath({ path }: PlacedRequest): string {
    return `${path}?${new URLSearchParams({ ns: this.#domain })}`;
  }

  /** The answer of the first place that has one; that place is kept. */
  async read(request: PlacedRequest): Promise<Response> {
    if (this.#reading !== undefined) return this.#ask(this.#reading, request, "pull");
    let last: Response | undefined;
    const failures: unknown[] = [];
    for (const place of this.#places) {
      try {
        const response = await this.#ask(place, request, "pull");
        if (response.ok) {
          this.#reading = place;
          return response;
        }
        await last?.body?.cancel();
        last = response;
      } catch (error) {
        request.signal.throwIfAborted();
        failures.push(error);
      }
    }
    // The registry's own word counts more than a mirror's silence.
    if (last !== undefined) return last;
    throw mostTelling(failures);
  }

  /** The registry's own answer: nothing is written to a mirror. */
  async write(request: PlacedRequest): Promise<Response> {
    const own = this.#places.filter((place) => !place.endpoint.mirror);
    const failures: unknown[] = [];
    for (const place of own) {
      try {
        return await this.#ask(place, request, "pull,push");
      } catch (error) {
        request.signal.throwIfAborted();
        failures.push(error);
      }
    }
    throw mostTelling(failures);
  }

  async #ask({ endpoint, authenticator }: Place, request: PlacedRequest, actions: string): Promise<Response> {
    const scope = `repository:${this.#path}:${actions}`;
    const url = request.path.startsWith("/") ? urlAt(endpoint, request.path) : request.path;
    // An upload may be sent to another host; what lets us in here is not that host's business.
    const own = new URL(url).host === new URL(endpoint.base).host;
    for (let round = 0; ; round++) {
      const authorization = own ? authenticator.header(scope) : undefined;
      const headers = { ...request.headers, ...(authorization === undefined ? {} : { Authorization: authorization }) };
      const response = await send(endpoint, { ...request, url, headers }, this.#http);
      if (response.status !== 401 || !own || round > 0) return response;
      if (!(await authenticator.answer(response, scope, request.signal))) return response;
      await response.body?.cancel();
    }
  }
}

function urlAt({ base, namespace }: Endpoint, path: string): string {
  if (namespace === undefined) return `${base}${path}`;
  return `${base}${path}${path.includes("?") ? "&" : "?"}${new URLSearchParams({ ns: namespace })}`;
}

/** Of several places tried: what one said counts more than that another did not answer, and the registry's own is last. */
function mostTelling(failures: readonly unknown[]): unknown {
  return failures.find((error) => error instanceof HoyError && error.code !== "unavailable") ?? failures.at(-1);
}
