// A repository of a registry, end-points of the OCI distribution spec 1.1 as methods. The first endpoint that answers
// (mirrors before the registry itself) is kept for reading; writing goes to the registry itself, never to a mirror.
// Every manifest is checked against its digest; blobs are streams whose digest the reader checks.

import type { FileHandle } from "node:fs/promises";
import type { RegistryAuth } from "../../api/backend.ts";
import { type Digest, isDigest, sha256 } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import type { RegistrySettings } from "../../base/settings.ts";
import { mediaTypes } from "../../image/media-types.ts";
import { Authenticator } from "./auth.ts";
import { type Endpoint, endpointsFor } from "./endpoint.ts";
import { refusal } from "./errors.ts";
import { filePart } from "./file-part.ts";
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

export interface FetchedManifest {
  readonly digest: Digest;
  /** What the registry calls it: any text. */
  readonly named: string | undefined;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

interface Place {
  readonly endpoint: Endpoint;
  readonly authenticator: Authenticator;
}

type Request = Omit<HttpRequest, "url"> & { readonly path: string };

const MANIFEST_LIMIT = 4 * 1024 * 1024;
const ACCEPT = [mediaTypes.ociIndex, mediaTypes.ociManifest, mediaTypes.dockerIndex, mediaTypes.dockerManifest].join(
  ", ",
);
const SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1";

export class Repository {
  readonly name: string;
  /** Without the registry's name. */
  readonly path: string;
  /** The registry is on this host. */
  readonly local: boolean;
  readonly #path: string;
  readonly #domain: string;
  readonly #peers: Peers;
  readonly #places: readonly Place[];
  readonly #http: HttpOptions;
  #reading: Place | undefined;

  constructor(options: RepositoryOptions) {
    this.name = `${options.domain}/${options.path}`;
    this.path = options.path;
    this.local = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/.test(options.domain);
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

  /** @param reference A tag or a digest. @throws "not-found" `manifest for X not found`, "invalid" for a wrong digest. */
  async manifest(reference: string, signal: AbortSignal): Promise<FetchedManifest> {
    const path = `/v2/${this.#path}/manifests/${reference}`;
    const request = { method: "GET", path, headers: { Accept: ACCEPT }, signal } as const;
    const response = isDigest(reference) ? await this.#readContent(request, reference) : await this.#readNamed(request);
    if (!response.ok) throw await refusal(response, this.name);
    const mediaType = (response.headers.get("content-type") ?? "").split(";", 1)[0]?.trim() ?? "";
    if (mediaType.startsWith(SCHEMA_1)) {
      await response.body?.cancel();
      throw new HoyError("invalid", `${this.name}:${reference} is a schema 1 image, a form that was given up in 2019`, {
        hint: "pull it with an old Docker and push it again, or build it anew",
      });
    }
    const bytes = await boundedBytes(response, MANIFEST_LIMIT);
    const digest = sha256(bytes);
    const named = response.headers.get("docker-content-digest") ?? undefined;
    const expected = isDigest(reference) ? reference : named;
    if (expected?.startsWith("sha256:") && expected !== digest) {
      if (this.distrust(reference)) return this.manifest(reference, signal);
      throw new HoyError("invalid", `manifest verification failed for digest ${expected}: got ${digest}`);
    }
    return { digest, named, mediaType, bytes };
  }

  /** Digest and size of a manifest that is there; undefined when it is not. */
  async manifestHead(
    reference: string,
    signal: AbortSignal,
  ): Promise<{ digest: string; mediaType: string; size: number } | undefined> {
    const path = `/v2/${this.#path}/manifests/${reference}`;
    const response = await this.#read({ method: "HEAD", path, headers: { Accept: ACCEPT }, signal });
    if (response.status === 404) return undefined;
    if (!response.ok) throw await refusal(response, this.name);
    return {
      digest: response.headers.get("docker-content-digest") ?? "",
      mediaType: response.headers.get("content-type") ?? "",
      size: Number(response.headers.get("content-length") ?? 0),
    };
  }

  /**
   * The blob's bytes from `offset` on; the registry may refuse a range, then `offset` of the answer is 0.
   * @param digest Of any algorithm, checked by who reads. @param claim Of this engine, where peers are to know of it.
   */
  async blob(
    digest: string,
    offset: number,
    signal: AbortSignal,
    claim?: Claim,
  ): Promise<{ offset: number; body: ReadableStream<Uint8Array> }> {
    const headers = offset > 0 ? { Range: `bytes=${offset}-` } : undefined;
    const path = `/v2/${this.#path}/blobs/${digest}`;
    const request = { method: "GET", path, signal, ...(headers === undefined ? {} : { headers }) } as const;
    const response = await this.#readContent(request, digest, claim);
    if (!response.ok || response.body === null) throw await refusal(response, `${this.name}@${digest}`);
    const start = response.status === 206 ? rangeStart(response.headers.get("content-range"), offset) : 0;
    if (start > offset) {
      await response.body.cancel();
      throw new HoyError(
        "invalid",
        `the registry answers with another part of ${this.name}@${digest} than was asked for`,
      );
    }
    return { offset: start, body: response.body };
  }

  /** What came under this digest was not it. @returns whether it came from a peer, so that asking again makes sense. */
  distrust(digest: string): boolean {
    return this.#peers.blame(digest, "sent something else than its digest says");
  }

  async blobExists(digest: Digest, signal: AbortSignal): Promise<boolean> {
    const response = await this.#write({ method: "HEAD", path: `/v2/${this.#path}/blobs/${digest}`, signal });
    if (response.ok) return true;
    if (response.status === 404) return false;
    throw await refusal(response, this.name);
  }

  /**
   * Begins an upload, or mounts the blob from another repository of the same registry.
   * @param headers More of them: a proof of handover.ts.
   * @returns undefined when nothing need be sent, else the upload's URL.
   */
  async startUpload(
    mount: { digest: Digest; from: string } | undefined,
    signal: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<string | undefined> {
    const query = mount === undefined ? "" : `?${new URLSearchParams({ mount: mount.digest, from: mount.from })}`;
    const response = await this.#write({
      method: "POST",
      path: `/v2/${this.#path}/blobs/uploads/${query}`,
      headers,
      body: "",
      signal,
    });
    if (response.status === 201) return undefined;
    if (response.status !== 202) throw await refusal(response, this.name);
    return this.#location(response);
  }

  /** Sends `size` bytes of a file from `offset` on. @returns the URL for the next part. */
  async uploadPart(url: string, file: FileHandle, offset: number, size: number, signal: AbortSignal): Promise<string> {
    const headers = {
      "Content-Type": "application/octet-stream",
      "Content-Length": String(size),
      "Content-Range": `${offset}-${offset + size - 1}`,
    };
    const body = filePart(file, offset, size);
    const response = await this.#write({ method: "PATCH", path: url, headers, body, signal });
    if (response.status !== 202) throw await refusal(response, this.name);
    return this.#location(response);
  }

  /** How much the registry has of an upload, and where to go on: after a connection broke. */
  async uploadStatus(url: string, signal: AbortSignal): Promise<{ offset: number; url: string }> {
    const response = await this.#write({ method: "GET", path: url, signal });
    if (response.status !== 204) throw await refusal(response, this.name);
    const last = response.headers.get("range")?.match(/^(?:bytes=)?0-(\d+)$/)?.[1];
    return { offset: last === undefined ? 0 : Number(last) + 1, url: this.#location(response) };
  }

  async finishUpload(url: string, digest: Digest, signal: AbortSignal): Promise<void> {
    const target = new URL(url);
    target.searchParams.set("digest", digest);
    const response = await this.#write({ method: "PUT", path: target.href, body: "", signal });
    if (response.status !== 201) throw await refusal(response, this.name);
    await response.body?.cancel();
  }

  async putManifest(reference: string, mediaType: string, bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const path = `/v2/${this.#path}/manifests/${reference}`;
    const response = await this.#write({
      method: "PUT",
      path,
      headers: { "Content-Type": mediaType },
      body: bytes,
      signal,
    });
    if (response.status !== 201) throw await refusal(response, this.name);
    await response.body?.cancel();
  }

  /** All tags, page by page, 100,000 at most. */
  async tags(signal: AbortSignal): Promise<string[]> {
    const found: string[] = [];
    for await (const bytes of this.pages("tags/list", signal)) {
      const body: unknown = JSON.parse(Buffer.from(bytes).toString());
      const tags =
        typeof body === "object" && body !== null && "tags" in body && Array.isArray(body.tags) ? body.tags : [];
      found.push(...tags.filter((tag: unknown) => typeof tag === "string"));
      if (found.length >= 100_000) break;
    }
    return found;
  }

  /** A list's documents, one a page. @param list "tags/list", "referrers/DIGEST". @throws "not-found" */
  async *pages(list: string, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    for (let path: string | undefined = `/v2/${this.#path}/${list}`; path !== undefined; ) {
      const response: Response = await this.#read({ method: "GET", path, signal });
      if (!response.ok) throw await refusal(response, this.name);
      yield await boundedBytes(response, MANIFEST_LIMIT);
      path = nextPage(response.headers.get("link"));
    }
  }

  /** What has this digest, wherever it comes from. */
  async #readContent(request: Request, digest: string, claim?: Claim): Promise<Response> {
    const response = await this.#peers.ask(request, this.#peerPath(request), digest, claim);
    claim?.receiving();
    return response ?? this.#read(request);
  }

  /** What the registry calls by this name; a peer's word only when nothing is heard of the registry. */
  async #readNamed(request: Request): Promise<Response> {
    try {
      return await this.#read(request);
    } catch (error) {
      if (!(error instanceof HoyError) || error.code !== "unavailable") throw error;
      const response = await this.#peers.ask(request, this.#peerPath(request), undefined);
      if (response === undefined) throw error;
      return response;
    }
  }

  #peerPath({ path }: Request): string {
    return `${path}?${new URLSearchParams({ ns: this.#domain })}`;
  }

  async #read(request: Request): Promise<Response> {
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

  async #write(request: Request): Promise<Response> {
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

  async #ask({ endpoint, authenticator }: Place, request: Request, actions: string): Promise<Response> {
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

  #location(response: Response): string {
    const location = response.headers.get("location");
    const base = URL.canParse(response.url) ? response.url : undefined;
    if (location === null || !URL.canParse(location, base))
      throw new HoyError("invalid", `the registry of ${this.name} gave no place to upload to`);
    void response.body?.cancel();
    return new URL(location, base).href;
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

/** Where a part begins (RFC 9110, 14.4); servers that do not say are taken at their word. */
function rangeStart(header: string | null, asked: number): number {
  if (header === null) return asked;
  const start = header.match(/^bytes (\d{1,15})-/)?.[1];
  return start === undefined ? Number.POSITIVE_INFINITY : Number(start);
}

async function boundedBytes(response: Response, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > limit) throw new HoyError("too-large", `a manifest of more than ${limit} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/** `</v2/x/tags/list?last=b&n=2>; rel="next"`: a path of the same registry, never another host. */
function nextPage(link: string | null): string | undefined {
  const target = link?.match(/<([^>]+)>\s*;\s*rel="?next"?/)?.[1];
  if (target === undefined) return undefined;
  const url = new URL(target, "http://registry.invalid");
  return `${url.pathname}${url.search}`;
}
