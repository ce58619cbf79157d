// All images that are here: their rows, configs and layers behind the questions the rest of the engine asks
// (`ImageStore`), and the two changes every verb is made of: an image is added, an image is removed.

import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeRoom } from "../../base/bounded.ts";
import { chainId, type Digest, isDigest, parseDigest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { type ImageConfigFile, parseConfig } from "../../image/config.ts";
import type { Descriptor } from "../../image/descriptor.ts";
import { parseManifest } from "../../image/manifest.ts";
import { type Platform, parsePlatform } from "../../image/platform.ts";
import { familiarString, parseReference } from "../../image/reference.ts";
import { BlobsUnderWay } from "../../registry/client/under-way.ts";
import type { ImageIndex } from "../../state/image-indexes.ts";
import type { ImageRow, ImageTable } from "../../state/images.ts";
import type { ContentStore } from "../../storage/content.ts";
import type { LayerInfo, SnapshotDriver } from "../../storage/snapshot.ts";
import { now } from "../time.ts";
import { Collector, type IngestSession, type Stores } from "./collector.ts";
import type { ImageStore, ResolvedImage } from "./contract.ts";
import { sweepPartials } from "./pull/partial.ts";
import { checkPlatform, findImage, indexOf } from "./resolve.ts";

/** Parsed configs are small; this many are kept. */
const CONFIGS_KEPT = 500;
/** Begins the names of what is made beside in the temporary directory. */
export const TEMPORARY_PREFIX = "image-";

export interface ShelfOptions extends Stores {
  /** Directory for half-made things, on the data root's file system. */
  readonly temporary: string;
}

export interface AddImage {
  /** The exact bytes; their digest is the id. */
  readonly config: Uint8Array;
  /** Bottom first, as the config has them; all added in `session`. */
  readonly layers: readonly LayerInfo[];
  /** Other blobs that belong to the image (manifest, compressed layers); all put in `session`. */
  readonly blobs: readonly Digest[];
  /** Compressed layers that no manifest names, by diff id; all put in `session`. */
  readonly packed?: readonly (readonly [Digest, Descriptor])[];
  /** Digest of the manifest the image came with. */
  readonly manifest: Digest | undefined;
  readonly parent: Digest | undefined;
  readonly session: IngestSession;
}

export class ImageShelf implements ImageStore {
  readonly table: ImageTable;
  readonly content: ContentStore;
  readonly driver: SnapshotDriver;
  readonly temporary: string;
  /** What pulls are just fetching. */
  readonly underWay = new BlobsUnderWay();
  readonly #collector: Collector;
  readonly #configs = new Map<string, ImageConfigFile>();

  private constructor(options: ShelfOptions) {
    this.table = options.table;
    this.content = options.content;
    this.driver = options.driver;
    this.temporary = options.temporary;
    this.#collector = new Collector(options);
  }

  /** Opens it and repairs what a crash left: unfinished files, layers and blobs without a row. */
  static async open(options: ShelfOptions): Promise<ImageShelf> {
    await mkdir(options.temporary, { recursive: true, mode: 0o700 });
    for (const name of await readdir(options.temporary)) {
      const ours = name.startsWith(TEMPORARY_PREFIX) || name.startsWith("blob-");
      if (ours) await rm(join(options.temporary, name), { recursive: true, force: true });
    }
    const shelf = new ImageShelf(options);
    await shelf.sweep();
    return shelf;
  }

  // ── what the engine asks ──────────────────────────────────────────────────────────────────────────────────────

  async resolve(ref: string, platform?: string): Promise<ResolvedImage> {
    const wanted = platform === undefined || platform === "" ? undefined : parsePlatform(platform);
    const row = findImage(this.table, ref, wanted);
    const config = await this.config(row.id);
    if (wanted !== undefined) checkPlatform(ref, wanted, config);
    const names = this.table.names(row.id).map(({ name }) => familiarString(parseReference(name)));
    return {
      id: parseDigest(row.id),
      config,
      diffIds: config.rootfs.diff_ids,
      repoTags: names.filter((name) => !name.includes("@")),
      repoDigests: names.filter((name) => name.includes("@")),
      size: row.size,
    };
  }

  async lowers(imageId: string): Promise<readonly string[]> {
    return this.#mount(imageId);
  }

  async retain(imageId: string, user: string): Promise<void> {
    if (this.table.get(imageId) === null) throw new HoyError("not-found", `No such image: ${imageId}`);
    this.table.addUser(user, imageId);
  }

  async lowersOf(user: string): Promise<readonly string[]> {
    return this.#mount(user);
  }

  async release(user: string): Promise<void> {
    this.table.removeUser(user);
    await this.#collector.collect();
  }

  /** Ends many holds at once: those of `retain`, and those of the build cache's records with the blobs they held. */
  async releaseAll(users: readonly string[], blobs: readonly Digest[]): Promise<void> {
    if (users.length === 0 && blobs.length === 0) return;
    for (const user of users) this.table.removeUser(user);
    this.#collector.suspect(blobs);
    await this.#collector.collect();
  }

  /** Finds and frees what no row refers to, as every start does: layers, blobs, beginnings of pulls that nobody took up. */
  async sweep(): Promise<void> {
    await sweepPartials(this.temporary);
    this.#collector.suspect(this.table.indexes.release().blobs);
    await this.#collector.repair();
  }

  users(): readonly { readonly user: string; readonly image: string }[] {
    return this.table.users();
  }

  // ── what the verbs are made of ────────────────────────────────────────────────────────────────────────────────

  /** Finds an image's row; see `findImage`. @throws "not-found" `No such image: …`, "invalid" */
  find(ref: string, platform?: Platform): ImageRow {
    return findImage(this.table, ref, platform);
  }

  async config(id: string): Promise<ImageConfigFile> {
    const known = this.#configs.get(id);
    if (known !== undefined) return known;
    const config = parseConfig(await this.content.read(parseDigest(id)));
    makeRoom(this.#configs, CONFIGS_KEPT);
    this.#configs.set(id, config);
    return config;
  }

  session(): IngestSession {
    return this.#collector.session();
  }

  /** Writes the image's config and rows; from then on it is here, whatever happens. */
  async add(image: AddImage): Promise<Digest> {
    const { config, layers, blobs, manifest, parent, session } = image;
    const parsed = parseConfig(config);
    const diffIds = layers.map((layer) => layer.diffId);
    if (diffIds.join() !== parsed.rootfs.diff_ids.join()) {
      throw new HoyError("invalid", "the layers are not the ones that the image config names");
    }
    const { digest: id } = await session.putBlob(config);
    const packed = [...(image.packed ?? []), ...(await this.#packedIn(manifest, diffIds))];
    const forms = await this.#otherForms(diffIds, session);
    this.table.add({
      image: {
        id,
        parent: parent ?? null,
        manifest: manifest ?? null,
        chain: diffIds.length === 0 ? "" : chainId(diffIds),
      },
      layers: layers.map(({ diffId, tarSize, size, entries }) => ({
        diff_id: diffId,
        tar_size: tarSize,
        size,
        entries,
      })),
      blobs: [...new Set([id, ...blobs, ...packed.map(([, { digest }]) => digest), ...forms])],
    });
    for (const [diffId, { digest, size, mediaType }] of packed) {
      this.table.setLayerBlob({ diff_id: diffId, digest, size, media_type: mediaType });
    }
    return id;
  }

  /** The compressed layers that a manifest names. */
  async #packedIn(
    manifest: Digest | undefined,
    diffIds: readonly Digest[],
  ): Promise<(readonly [Digest, Descriptor])[]> {
    if (manifest === undefined) return [];
    const document = parseManifest(await this.content.read(manifest));
    if (document.kind !== "manifest") throw new HoyError("internal", `${manifest} is not an image's manifest`);
    return diffIds.flatMap((diffId, index) => {
      const layer = document.layers[index];
      return layer === undefined || layer.digest === diffId ? [] : [[diffId, layer] as const];
    });
  }

  /** What is here already of the same layers, compressed or as a tar: an image holds it too, to be saved and pushed. */
  async #otherForms(diffIds: readonly Digest[], session: IngestSession): Promise<Digest[]> {
    const known = diffIds
      .flatMap((diffId) => [diffId, this.table.layerBlob(diffId)?.digest ?? diffId])
      .filter(isDigest);
    const here: Digest[] = [];
    for (const digest of new Set(known)) if ((await session.useBlob(digest)) !== undefined) here.push(digest);
    return here;
  }

  /** Gives the image a normalised name with a tag or digest. */
  setName(name: string, id: string): void {
    this.table.setName(name, id, now());
  }

  /** The name, which an image has already, stands for an index; its blobs and images are here, held by a session. */
  async setIndex(name: string, index: ImageIndex): Promise<void> {
    this.table.indexes.set(name, index);
    // It may have stood for another one.
    await this.releaseIndexes();
  }

  /** Digest of the index that a name (or its digest) stands for, as a user typed it. */
  indexOf(ref: string): string | undefined {
    return indexOf(this.table, ref);
  }

  /** Lets go of the indexes that no name stands for any more, and frees their blobs. @returns images that they had. */
  async releaseIndexes(): Promise<readonly string[]> {
    const { images, blobs } = this.table.indexes.release();
    if (blobs.length > 0) {
      this.#collector.suspect(blobs);
      await this.#collector.collect();
    }
    return images;
  }

  /** Removes the image's rows and frees what it alone held. */
  async remove(id: string): Promise<void> {
    const blobs = this.table.blobsOf(id);
    this.table.remove(id);
    this.#configs.delete(id);
    this.#collector.suspect(blobs);
    await this.#collector.collect();
  }

  async #mount(owner: string): Promise<readonly string[]> {
    const diffIds = this.table
      .layersOf(owner)
      .map((row) => row.diff_id)
      .filter(isDigest);
    if (diffIds.length === 0) return [];
    try {
      return await this.driver.mountChain(diffIds);
    } catch (cause) {
      for (const diffId of diffIds) {
        if ((await this.driver.hasLayer(diffId)) !== undefined) continue;
        throw new HoyError("internal", `the layer ${diffId} is not here for the storage driver "${this.driver.name}"`, {
          hint: "if it was stored by another driver, start with that one, or load or pull the image again",
          cause,
        });
      }
      throw cause;
    }
  }
}
