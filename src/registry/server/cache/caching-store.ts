// The store with upstreams behind it: what is not here of a cached repository is fetched, checked and kept as it is given
// out. Tags are asked for again when their time is over; when upstream does not answer, what is here is given. Cached
// repositories are read-only for clients; repositories of one's own pass through.

import type { FileHandle } from "node:fs/promises";
import { HoyError } from "../../../base/error.ts";
import { log } from "../../../base/log.ts";
import { listTags } from "../../client/listing.ts";
import { RegistryError } from "../errors.ts";
import { readManifest } from "../manifest.ts";
import { type AnyDigest, parseAnyDigest } from "../names.ts";
import type {
  BlobInfo,
  ByteRange,
  NewManifest,
  Page,
  Referrer,
  RegistryStorage,
  StoredManifest,
  Upload,
} from "../storage.ts";
import type { Store } from "../store.ts";
import { BlobFetch } from "./fetch.ts";
import { RecentLists } from "./recent-lists.ts";
import { remoteReferrers } from "./referrers.ts";
import { remoteOf, type Upstream } from "./upstreams.ts";

export class CachingStore implements RegistryStorage {
  readonly #store: Store;
  readonly #stop = new AbortController();
  /** By repository and digest, or tag: whoever comes second waits for the first. */
  readonly #blobs = new Map<string, BlobFetch>();
  readonly #manifests = new Map<string, Promise<StoredManifest | undefined>>();
  readonly #running = new Set<Promise<void>>();
  readonly #tags = new RecentLists<string>();
  readonly #referrers = new RecentLists<Referrer>();

  constructor(store: Store) {
    this.#store = store;
  }

  async blob(repository: string, digest: AnyDigest): Promise<BlobInfo | undefined> {
    const here = await this.#store.blob(repository, digest);
    if (here !== undefined || this.#store.upstreams.of(repository) === undefined) return here;
    // Only what a manifest that we have names: upstream is not asked for what anybody thinks of.
    const size = this.#store.namedSize(repository, digest.text);
    return size === undefined ? undefined : { digest: digest.text, size };
  }

  async readBlob(repository: string, digest: AnyDigest, range: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    const here = await this.#store.blob(repository, digest);
    const upstream = this.#store.upstreams.of(repository);
    const info = here === undefined ? await this.blob(repository, digest) : undefined;
    if (upstream === undefined || info === undefined) return this.#store.readBlob(repository, digest, range);
    return this.#fetch(repository, digest, info.size, upstream).read(range);
  }

  async blobFile(repository: string, digest: AnyDigest): Promise<FileHandle | undefined> {
    const here = await this.#store.blob(repository, digest);
    return here === undefined ? undefined : this.#store.blobFile(repository, digest);
  }

  async manifest(repository: string, reference: string): Promise<StoredManifest | undefined> {
    const upstream = this.#store.upstreams.of(repository);
    const here = await this.#store.manifest(repository, reference);
    if (upstream === undefined) return here;
    if (here !== undefined && (reference.includes(":") || this.#fresh(upstream, repository, reference))) return here;
    const key = `${repository} ${reference}`;
    const running = this.#manifests.get(key);
    if (running !== undefined) return running;
    const asked = this.#ask(upstream, repository, reference, here).finally(() => this.#manifests.delete(key));
    this.#manifests.set(key, asked);
    return asked;
  }

  async tags(repository: string, page: Page): Promise<readonly string[] | undefined> {
    const upstream = this.#store.upstreams.of(repository);
    if (upstream === undefined) return this.#store.tags(repository, page);
    const all = await this.#remoteTags(upstream, repository);
    return all === undefined
      ? this.#store.tags(repository, page)
      : all.filter((tag) => tag > page.after).slice(0, page.limit);
  }

  async startUpload(repository: string): Promise<Upload> {
    this.#requireOwn(repository);
    return this.#store.startUpload(repository);
  }

  async mount(repository: string, digest: AnyDigest, from: string): Promise<boolean> {
    this.#requireOwn(repository);
    return this.#store.mount(repository, digest, from);
  }

  async putManifest(repository: string, manifest: NewManifest, tags: readonly string[], by?: string): Promise<void> {
    this.#requireOwn(repository);
    return this.#store.putManifest(repository, manifest, tags, by);
  }

  async adopt(repository: string, digest: AnyDigest, path: string): Promise<boolean> {
    this.#requireOwn(repository);
    return this.#store.adopt(repository, digest, path);
  }

  async upload(repository: string, id: string): Promise<Upload> {
    this.#requireOwn(repository);
    return this.#store.upload(repository, id);
  }

  async append(repository: string, id: string, data: AsyncIterable<Uint8Array>, at: number | undefined) {
    this.#requireOwn(repository);
    return this.#store.append(repository, id, data, at);
  }

  async finishUpload(repository: string, id: string, digest: AnyDigest): Promise<BlobInfo> {
    this.#requireOwn(repository);
    return this.#store.finishUpload(repository, id, digest);
  }

  async cancelUpload(repository: string, id: string): Promise<void> {
    this.#requireOwn(repository);
    return this.#store.cancelUpload(repository, id);
  }

  blobUrl = (repository: string, digest: AnyDigest) => this.#store.blobUrl(repository, digest);
  deleteBlob = (repository: string, digest: AnyDigest) => this.#store.deleteBlob(repository, digest);
  deleteManifest = (repository: string, reference: string) => this.#store.deleteManifest(repository, reference);
  deleteRepository = (repository: string) => this.#store.deleteRepository(repository);
  repositories = (page: Page) => this.#store.repositories(page);
  collect = (before: number) => this.#store.collect(before);

  async referrers(repository: string, digest: AnyDigest, artifactType: string | undefined, page: Page) {
    const upstream = this.#store.upstreams.of(repository);
    const all = upstream === undefined ? undefined : await this.#remoteReferrers(upstream, repository, digest);
    if (all === undefined) return this.#store.referrers(repository, digest, artifactType, page);
    const wanted = all.filter((each) => artifactType === undefined || each.artifactType === artifactType);
    return wanted.filter((each) => each.digest > page.after).slice(0, page.limit);
  }

  /** Breaks off what is under way; not the store below, which is its opener's. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  close(): void {
    this.#store.close();
  }

  #fetch(repository: string, digest: AnyDigest, size: number, upstream: Upstream): BlobFetch {
    const key = `${repository} ${digest.text}`;
    const running = this.#blobs.get(key);
    if (running !== undefined) return running;
    const fetch = new BlobFetch(this.#store, repository, digest, size, remoteOf(upstream, repository));
    this.#blobs.set(key, fetch);
    const run = fetch.run(this.#stop.signal).then(
      () => undefined,
      // Its readers are told by their own streams.
      (error: unknown) =>
        log.warn("a blob could not be fetched from upstream", { repository, digest: digest.text, error }),
    );
    const ended = run.finally(() => {
      this.#blobs.delete(key);
      this.#running.delete(ended);
    });
    this.#running.add(ended);
    return fetch;
  }

  async #ask(upstream: Upstream, repository: string, reference: string, here: StoredManifest | undefined) {
    const remote = remoteOf(upstream, repository);
    const { signal } = this.#stop;
    const tag = reference.includes(":") ? undefined : reference;
    try {
      if (tag !== undefined && here !== undefined) {
        // A question that registries with limits do not count.
        const head = await remote.manifestHead(reference, signal);
        if (head?.digest === here.digest) return this.#seen(repository, tag, here);
      }
      const fetched = await remote.manifest(reference, signal);
      // Kept under what it was asked for, or is called upstream; sha256 was checked when it came.
      const name = parseAnyDigest(tag === undefined ? reference : (fetched.named ?? ""));
      const read = readManifest(fetched.bytes, fetched.mediaType, name?.algorithm ?? "sha256");
      if (name !== undefined && name.text !== read.digest)
        throw new HoyError("invalid", `manifest verification failed for digest ${name.text}: got ${read.digest}`);
      await this.#store.putManifest(repository, { ...read, sparse: true }, tag === undefined ? [] : [tag]);
      return this.#seen(repository, tag, { ...read, size: fetched.bytes.length });
    } catch (error) {
      if (!(error instanceof HoyError)) throw error;
      if (error.code === "not-found") return undefined;
      if (here !== undefined) {
        log.warn("upstream does not answer: what is here is given", { repository, reference, error });
        return here;
      }
      throw unavailable(error);
    }
  }

  #seen(repository: string, tag: string | undefined, manifest: StoredManifest): StoredManifest {
    if (tag !== undefined) this.#store.upstreams.checked(repository, tag, Date.now());
    return manifest;
  }

  #fresh({ ttl }: Upstream, repository: string, tag: string): boolean {
    return this.#store.upstreams.checkedAt(repository, tag) + ttl > Date.now();
  }

  #remoteTags(upstream: Upstream, repository: string): Promise<readonly string[] | undefined> {
    return this.#tags.get(repository, async () =>
      (await listTags(remoteOf(upstream, repository), this.#stop.signal)).sort(),
    );
  }

  #remoteReferrers(upstream: Upstream, repository: string, digest: AnyDigest) {
    return this.#referrers.get(`${repository} ${digest.text}`, () =>
      remoteReferrers(remoteOf(upstream, repository), digest, this.#stop.signal),
    );
  }

  #requireOwn(repository: string): void {
    const upstream = this.#store.upstreams.of(repository);
    if (upstream === undefined) return;
    throw new RegistryError(405, "UNSUPPORTED", `${repository} is a cache of ${upstream.remote}: push there`);
  }
}

/** What stands between us and upstream, as one who stands before us sees it. */
function unavailable(error: HoyError): RegistryError {
  if (error.code === "unauthorized" || error.code === "forbidden")
    return new RegistryError(403, "DENIED", `upstream refuses: ${error.message}`, { cause: error });
  return new RegistryError(502, "UNKNOWN", `upstream failed: ${error.message}`, { cause: error });
}
