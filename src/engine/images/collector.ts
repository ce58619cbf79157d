// Frees layers, chains and blobs that nothing refers to, as soon as that is so, and never one that is just being added.
// What a load or pull adds is pinned by its session until the image's rows are written; a session that fails leaves
// what it had added to the next collection. A collection waits until no single layer or blob is in the middle of being
// written, because an addition that finds its layer already here must be able to rely on that.

import type { Digest } from "../../base/digest.ts";
import { isDigest } from "../../base/digest.ts";
import { log } from "../../base/log.ts";
import type { ImageTable } from "../../state/images.ts";
import type { ContentStore, PutOptions } from "../../storage/content.ts";
import type { AddLayerOptions, LayerInfo, SnapshotDriver } from "../../storage/snapshot.ts";
import { Lock } from "../lock.ts";

/** Files that are removed side by side. */
const AT_ONCE = 8;

export interface Stores {
  readonly table: ImageTable;
  readonly content: ContentStore;
  readonly driver: SnapshotDriver;
}

/** What one load, pull, import or commit adds. Ends with `await using`. */
export interface IngestSession extends AsyncDisposable {
  addLayer(tar: AsyncIterable<Uint8Array>, options?: AddLayerOptions): Promise<LayerInfo>;
  /** The layer when it is here already; it then stays for this session. */
  useLayer(diffId: Digest): Promise<LayerInfo | undefined>;
  putBlob(
    data: Uint8Array | AsyncIterable<Uint8Array>,
    options?: PutOptions,
  ): Promise<{ digest: Digest; size: number }>;
  /** The blob's size when it is here already; it then stays for this session. */
  useBlob(digest: Digest): Promise<number | undefined>;
}

export class Collector {
  readonly #stores: Stores;
  readonly #lock = new Lock();
  readonly #pins = new Map<string, number>();
  /** May be without a row: what sessions added, and blobs of removed images. */
  readonly #loose = { layers: new Set<Digest>(), blobs: new Set<Digest>() };
  #adding = 0;
  #deferred = false;

  constructor(stores: Stores) {
    this.#stores = stores;
  }

  /** Blobs that lost a reference; looked at in the next collection. */
  suspect(blobs: Iterable<string>): void {
    for (const digest of blobs) if (isDigest(digest)) this.#loose.blobs.add(digest);
  }

  /** Frees what is not referred to now, or, while something is being written, right after that. */
  async collect(): Promise<void> {
    await this.#lock.run(async () => {
      this.#deferred = this.#adding > 0;
      if (this.#deferred) return;
      await this.#freeChains();
      const gone: Digest[] = [];
      await together([...this.#freeLayers(gone), ...this.#freeBlobs()]);
      this.#stores.table.forgetLayers(gone);
    });
  }

  /** Start of the engine, before anything runs: removes what no row refers to. */
  async repair(): Promise<void> {
    const { driver, content } = this.#stores;
    for (const diffId of await driver.listLayers()) this.#loose.layers.add(diffId);
    for await (const digest of content.list()) this.#loose.blobs.add(digest);
    await this.collect();
  }

  session(): IngestSession {
    const { driver, content } = this.#stores;
    const mine: string[] = [];
    const pin = (digest: Digest, kind: "layers" | "blobs") => {
      const key = `${kind}/${digest}`;
      mine.push(key);
      this.#pins.set(key, (this.#pins.get(key) ?? 0) + 1);
      this.#loose[kind].add(digest);
    };
    return {
      addLayer: (tar, options) =>
        this.#add(async () => {
          const layer = await driver.addLayer(tar, options);
          pin(layer.diffId, "layers");
          return layer;
        }),
      useLayer: (diffId) =>
        this.#add(async () => {
          const layer = await driver.hasLayer(diffId);
          if (layer !== undefined) pin(diffId, "layers");
          return layer;
        }),
      putBlob: (data, options) =>
        this.#add(async () => {
          const blob = await content.put(data, options);
          pin(blob.digest, "blobs");
          return blob;
        }),
      useBlob: (digest) =>
        this.#add(async () => {
          const size = await content.size(digest);
          if (size !== undefined) pin(digest, "blobs");
          return size;
        }),
      [Symbol.asyncDispose]: async () => {
        for (const key of mine) {
          const count = this.#pins.get(key) ?? 0;
          if (count > 1) this.#pins.set(key, count - 1);
          else this.#pins.delete(key);
        }
        await this.collect();
      },
    };
  }

  /** The lock only orders the beginning: additions run side by side, collections run alone. */
  async #add<T>(work: () => Promise<T>): Promise<T> {
    await this.#lock.run(async () => {
      this.#adding++;
    });
    try {
      return await work();
    } finally {
      this.#adding--;
      if (this.#adding === 0 && this.#deferred) await this.collect();
    }
  }

  async #freeChains(): Promise<void> {
    const { table, driver } = this.#stores;
    for (const { chain, diffs } of table.droppedChains()) {
      await attempt("chain", chain, async () => {
        if (!table.isChainUsed(chain)) await driver.removeChain(diffs.filter(isDigest));
        table.forgetChain(chain);
      });
    }
  }

  /** @param gone Takes those that are. @returns what is to be done; of what, is decided now. */
  #freeLayers(gone: Digest[]): (() => Promise<void>)[] {
    const { table, driver } = this.#stores;
    const loose = [...this.#loose.layers].filter((diffId) => !table.hasLayer(diffId));
    const candidates = new Set([...table.orphanLayers().filter(isDigest), ...loose]);
    return this.#unpinned("layers", candidates).map(
      (diffId) => () =>
        attempt("layer", diffId, async () => {
          await driver.removeLayer(diffId);
          gone.push(diffId);
        }),
    );
  }

  #freeBlobs(): (() => Promise<void>)[] {
    const { table, content } = this.#stores;
    const unused = [...this.#loose.blobs].filter((digest) => !table.isBlobUsed(digest));
    return this.#unpinned("blobs", unused).map((digest) => () => attempt("blob", digest, () => content.delete(digest)));
  }

  /**
   * Those that no session holds. Only what is pinned now stays loose, decided in the same moment: a session that ends while
   * files are removed must find what it held in its own collection.
   */
  #unpinned(kind: "layers" | "blobs", candidates: Iterable<Digest>): Digest[] {
    const free = [...candidates].filter((digest) => !this.#pins.has(`${kind}/${digest}`));
    for (const digest of this.#loose[kind]) {
      if (!this.#pins.has(`${kind}/${digest}`)) this.#loose[kind].delete(digest);
    }
    return free;
  }
}

/** A few at a time: each waits for the file system, mostly for its journal. */
async function together(all: readonly (() => Promise<void>)[]): Promise<void> {
  const left = all.values();
  const worker = async () => {
    for (const work of left) await work();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/**
 * What can't be freed now (a file system that went read-only, a mount that is busy) keeps its row or is found by the next
 * start, and must not fail the load or removal that only came by.
 */
async function attempt(what: string, digest: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.warn(`a ${what} that nothing needs could not be freed; it is tried again later`, { digest, error });
  }
}
