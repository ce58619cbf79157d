// The verbs on images, thin.

import type {
  Filters,
  HistoryItem,
  ImageListOptions,
  ImportOptions,
  ProgressMessage,
  RegistryAuth,
} from "../backend.ts";
import { encodeFilters } from "../filters.ts";
import type { DistributionInspect, ImageDeleteResponseItem, ImageInspect, ImageSummary } from "../types/image.ts";
import type { Transport } from "./transport.ts";
import { authHeaders, jsonLines, platformJson, reference } from "./verbs.ts";

export interface SearchResult {
  readonly name: string;
  readonly description: string;
  readonly star_count: number;
  readonly is_official: boolean;
  readonly is_automated?: boolean;
}

type Bytes = AsyncIterable<Uint8Array>;
type Progress = Promise<AsyncGenerator<ProgressMessage>>;

export class ImagesClient {
  readonly #t: Transport;

  constructor(transport: Transport) {
    this.#t = transport;
  }

  list(options: Partial<ImageListOptions> = {}): Promise<ImageSummary[]> {
    const { all, digests, sharedSize, manifests, filters } = options;
    const query = { all, digests, "shared-size": sharedSize, manifests, filters: filters && encodeFilters(filters) };
    return this.#t.json("GET", "/images/json", { query });
  }

  inspect(ref: string, options: { manifests?: boolean; platform?: string | undefined } = {}): Promise<ImageInspect> {
    const query = { manifests: options.manifests, platform: platformJson(options.platform) };
    return this.#t.json("GET", `/images/${reference(ref)}/json`, { query });
  }

  history(ref: string, platform?: string): Promise<HistoryItem[]> {
    const query = { platform: platformJson(platform) };
    return this.#t.json("GET", `/images/${reference(ref)}/history`, { query });
  }

  async tag(ref: string, repo: string, tag: string | undefined): Promise<void> {
    await this.#t.done("POST", `/images/${reference(ref)}/tag`, { query: { repo, tag } });
  }

  remove(ref: string, options: { force?: boolean; prune?: boolean } = {}): Promise<ImageDeleteResponseItem[]> {
    const query = { force: options.force, noprune: options.prune === false };
    return this.#t.json("DELETE", `/images/${reference(ref)}`, { query });
  }

  prune(filters?: Filters): Promise<{ ImagesDeleted: ImageDeleteResponseItem[] | null; SpaceReclaimed: number }> {
    return this.#t.json("POST", "/images/prune", { query: { filters: filters && encodeFilters(filters) } });
  }

  /** `tag` is a tag or a digest; undefined: every tag of the repository. */
  async pull(
    repository: string,
    options: { tag: string | undefined; platform?: string | undefined; auth?: RegistryAuth | undefined },
    signal?: AbortSignal,
  ): Progress {
    const query = { fromImage: repository, tag: options.tag, platform: options.platform };
    return jsonLines(
      await this.#t.send("POST", "/images/create", { query, headers: authHeaders(options.auth), signal }),
    );
  }

  async push(
    repository: string,
    options: { tag: string | undefined; platform?: string | undefined; auth?: RegistryAuth | undefined },
    signal?: AbortSignal,
  ): Progress {
    const query = { tag: options.tag, platform: platformJson(options.platform) };
    // Docker wants the header of a push even when there is nothing to say.
    const headers = authHeaders(options.auth ?? {});
    return jsonLines(await this.#t.send("POST", `/images/${reference(repository)}/push`, { query, headers, signal }));
  }

  async import(options: ImportOptions, body: Bytes | undefined, signal?: AbortSignal): Progress {
    const { source, repo, tag, message, changes, platform } = options;
    const query = { fromSrc: source, repo, tag, message: message || undefined, changes, platform };
    const upload = body && { type: "application/x-tar", body };
    return jsonLines(await this.#t.send("POST", "/images/create", { query, ...(upload && { upload }), signal }));
  }

  async load(
    body: Bytes,
    options: { quiet?: boolean; platform?: string | undefined } = {},
    signal?: AbortSignal,
  ): Progress {
    const query = { quiet: options.quiet === true ? "1" : "0", platform: platformJson(options.platform) };
    const upload = { type: "application/x-tar", body };
    return jsonLines(await this.#t.send("POST", "/images/load", { query, upload, signal }));
  }

  async save(
    refs: readonly string[],
    options: { platform?: string | undefined } = {},
    signal?: AbortSignal,
  ): Promise<AsyncGenerator<Uint8Array>> {
    const query = { names: refs, platform: platformJson(options.platform) };
    return (await this.#t.send("GET", "/images/get", { query, signal })).body;
  }

  search(term: string, options: { limit?: number | undefined; filters?: Filters; auth?: RegistryAuth } = {}) {
    const query = { term, limit: options.limit, filters: options.filters && encodeFilters(options.filters) };
    return this.#t.json<SearchResult[]>("GET", "/images/search", { query, headers: authHeaders(options.auth) });
  }

  distribution(ref: string, auth?: RegistryAuth): Promise<DistributionInspect> {
    return this.#t.json("GET", `/distribution/${reference(ref)}/json`, { headers: authHeaders(auth) });
  }
}
