// Rows of images, their names, layers and blobs, and of who holds which layers. References are rows, never counters:
// what nothing refers to is found by a query, so a count can't drift. Containers hold layers in their own right, because
// an image may be removed by force while a stopped container of it is kept.

import type { Database } from "bun:sqlite";
import { withoutSync } from "./database.ts";
import { ImageIndexTable } from "./image-indexes.ts";
import type { ImageRow, LayerBlobRow, LayerRow, NewImage } from "./image-schema.ts";

export {
  type ImageRow,
  imageMigrations,
  imageUseMigrations,
  type LayerBlobRow,
  type LayerRow,
  type NewImage,
} from "./image-schema.ts";

const NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";

export class ImageTable {
  readonly #db: Database;
  readonly indexes: ImageIndexTable;

  constructor(db: Database) {
    this.#db = db;
    this.indexes = new ImageIndexTable(db);
  }

  /** Adds the image; one that is there keeps its parent and names, and learns blobs and a manifest it had not. */
  add({ image, layers, blobs }: NewImage): void {
    const size = layers.reduce((sum, layer) => sum + layer.size, 0);
    const write = this.#db.transaction(() => {
      this.#addLayers(image.id, layers);
      this.#db
        .query(
          `INSERT INTO images (id, parent, manifest, chain, size, tagged, used)
           VALUES ($id, $parent, $manifest, $chain, $size, '', ${NOW})
           ON CONFLICT (id) DO UPDATE SET parent = coalesce(parent, $parent), manifest = coalesce(manifest, $manifest),
             used = excluded.used`,
        )
        .run({ ...image, size });
      const blob = this.#db.query("INSERT OR IGNORE INTO blob_refs (owner, digest) VALUES ($owner, $digest)");
      for (const digest of blobs) blob.run({ owner: image.id, digest });
    });
    // Built again and the same: that it was used can be learnt again.
    if (image.manifest === null && this.get(image.id) !== null) withoutSync(this.#db, write);
    else write();
  }

  get(id: string): ImageRow | null {
    return this.#db.query<ImageRow, { id: string }>("SELECT * FROM images WHERE id = $id").get({ id });
  }

  all(): ImageRow[] {
    return this.#db.query<ImageRow, []>("SELECT * FROM images").all();
  }

  /** The image that came with this manifest. */
  byManifest(manifest: string): ImageRow | null {
    return this.#db
      .query<ImageRow, { manifest: string }>("SELECT * FROM images WHERE manifest = $manifest LIMIT 1")
      .get({ manifest });
  }

  /** Ids that begin with these hex digits, at most two: enough to know whether one is meant. */
  byPrefix(hex: string): string[] {
    const from = `sha256:${hex}`;
    return this.#db
      .query<{ id: string }, { from: string; to: string }>(
        "SELECT id FROM images WHERE id >= $from AND id < $to LIMIT 2",
      )
      .all({ from, to: `${from}g` })
      .map((row) => row.id);
  }

  setParent(id: string, parent: string): void {
    this.#db.query("UPDATE images SET parent = coalesce(parent, $parent) WHERE id = $id").run({ id, parent });
  }

  /** Gives an image that was made here the manifest it was pushed as, and that manifest's blobs. */
  setManifest(id: string, manifest: string, blobs: readonly string[]): void {
    this.#db.transaction(() => {
      this.#db.query("UPDATE images SET manifest = $manifest WHERE id = $id").run({ id, manifest });
      const insert = this.#db.query("INSERT OR IGNORE INTO blob_refs (owner, digest) VALUES ($id, $digest)");
      for (const digest of blobs) insert.run({ id, digest });
    })();
  }

  children(id: string): string[] {
    return this.#db
      .query<{ id: string }, { id: string }>("SELECT id FROM images WHERE parent = $id")
      .all({ id })
      .map((row) => row.id);
  }

  /** Removes the image with its names and references. What it held alone is then found by the `orphan…` queries. */
  remove(id: string): void {
    this.#db.transaction(() => {
      const row = this.get(id);
      if (row === null) return;
      const diffs = this.layersOf(id).map((layer) => layer.diff_id);
      this.#db.query("DELETE FROM blob_refs WHERE owner = $id").run({ id });
      this.#db.query("DELETE FROM layer_refs WHERE owner = $id").run({ id });
      this.#db.query("DELETE FROM images WHERE id = $id").run({ id });
      this.#dropChain(row.chain, diffs);
    })();
  }

  // ── names ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Gives the name (normalised, with tag or digest) to the image, taking it from whichever had it. */
  setName(name: string, image: string, at: string): void {
    const write = this.#db.transaction(() => {
      this.indexes.copy(name, undefined);
      this.#db
        .query("INSERT INTO image_names (name, image) VALUES ($name, $image) ON CONFLICT DO UPDATE SET image = $image")
        .run({ name, image });
      this.#db.query("UPDATE images SET tagged = $at WHERE id = $image").run({ at, image });
    });
    // Named so already: only when it was last is new.
    if (this.byName(name) === image) withoutSync(this.#db, write);
    else write();
  }

  /** @param waiting False: a later commit that waits for the disk follows, and takes this one along. */
  removeName(name: string, waiting = true): void {
    const remove = () => this.#db.query("DELETE FROM image_names WHERE name = $name").run({ name });
    if (waiting) remove();
    else withoutSync(this.#db, remove);
  }

  byName(name: string): string | undefined {
    const row = this.#db
      .query<{ image: string }, { name: string }>("SELECT image FROM image_names WHERE name = $name")
      .get({ name });
    return row?.image;
  }

  /** Names of one image, or all, in alphabetical order. */
  names(image?: string): { name: string; image: string }[] {
    return image === undefined
      ? this.#db.query<{ name: string; image: string }, []>("SELECT name, image FROM image_names ORDER BY name").all()
      : this.#db
          .query<{ name: string; image: string }, { image: string }>(
            "SELECT name, image FROM image_names WHERE image = $image ORDER BY name",
          )
          .all({ image });
  }

  // ── who uses what ─────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * A container (or a build) holds the image's layers until `removeUser`. Idempotent. Not waited for: the user's own
   * row, which is, comes after it and takes it along; and what holds without a user is released at the next start.
   */
  addUser(user: string, image: string): void {
    const add = this.#db.transaction(() => {
      const row = this.get(image);
      if (row === null) return;
      this.#db
        .query("INSERT OR IGNORE INTO image_users (user, image, chain) VALUES ($user, $image, $chain)")
        .run({ user, image, chain: row.chain });
      this.#db.query(`UPDATE images SET used = ${NOW} WHERE id = $image`).run({ image });
      this.#addLayers(user, this.layersOf(image));
    });
    withoutSync(this.#db, add);
  }

  removeUser(user: string): void {
    const remove = this.#db.transaction(() => {
      const row = this.#db
        .query<{ chain: string }, { user: string }>("SELECT chain FROM image_users WHERE user = $user")
        .get({ user });
      if (row === null) return;
      const diffs = this.layersOf(user).map((layer) => layer.diff_id);
      this.#db.query("DELETE FROM layer_refs WHERE owner = $user").run({ user });
      this.#db
        .query(`UPDATE images SET used = ${NOW} WHERE id = (SELECT image FROM image_users WHERE user = $user)`)
        .run({ user });
      this.#db.query("DELETE FROM image_users WHERE user = $user").run({ user });
      this.#dropChain(row.chain, diffs);
    });
    withoutSync(this.#db, remove);
  }

  users(): { user: string; image: string }[] {
    return this.#db.query<{ user: string; image: string }, []>("SELECT user, image FROM image_users").all();
  }

  // ── layers and blobs ──────────────────────────────────────────────────────────────────────────────────────────

  /** Layers of an image or of a user of one, bottom first. */
  layersOf(owner: string): LayerRow[] {
    return this.#db
      .query<LayerRow, { owner: string }>(
        `SELECT layers.* FROM layer_refs JOIN layers USING (diff_id) WHERE owner = $owner ORDER BY position`,
      )
      .all({ owner });
  }

  layers(): LayerRow[] {
    return this.#db.query<LayerRow, []>("SELECT * FROM layers").all();
  }

  hasLayer(diffId: string): boolean {
    return this.#db.query("SELECT 1 FROM layers WHERE diff_id = $diffId").get({ diffId }) !== null;
  }

  /** The latest one known wins. */
  setLayerBlob({ diff_id, digest, size, media_type }: LayerBlobRow): void {
    this.#db
      .query(
        `INSERT OR REPLACE INTO layer_blobs (diff_id, digest, size, media_type)
         VALUES ($diff_id, $digest, $size, $media_type)`,
      )
      .run({ diff_id, digest, size, media_type });
  }

  layerBlob(diffId: string): LayerBlobRow | null {
    return this.#db
      .query<LayerBlobRow, { diffId: string }>("SELECT * FROM layer_blobs WHERE diff_id = $diffId")
      .get({ diffId });
  }

  orphanLayers(): string[] {
    return this.#db
      .query<{ diff_id: string }, []>(
        "SELECT diff_id FROM layers WHERE NOT EXISTS (SELECT 1 FROM layer_refs WHERE layer_refs.diff_id = layers.diff_id)",
      )
      .all()
      .map((row) => row.diff_id);
  }

  /**
   * The layers are gone. Not waited for: a row without its layer is found by the next start, which frees what is not there.
   * The row of one that something refers to (again) stays.
   */
  forgetLayers(diffIds: readonly string[]): void {
    if (diffIds.length === 0) return;
    const forget = this.#db.query(
      "DELETE FROM layers WHERE diff_id = $diffId AND NOT EXISTS (SELECT 1 FROM layer_refs WHERE diff_id = $diffId)",
    );
    const all = this.#db.transaction(() => {
      for (const diffId of diffIds) forget.run({ diffId });
    });
    withoutSync(this.#db, () => all());
  }

  blobsOf(owner: string): string[] {
    return this.#db
      .query<{ digest: string }, { owner: string }>("SELECT digest FROM blob_refs WHERE owner = $owner")
      .all({ owner })
      .map((row) => row.digest);
  }

  isBlobUsed(digest: string): boolean {
    return this.#db.query("SELECT 1 FROM blob_refs WHERE digest = $digest LIMIT 1").get({ digest }) !== null;
  }

  /** Images that have this as a blob (a document, a compressed layer) or as a layer. */
  imagesWith(digest: string): string[] {
    return this.#db
      .query<{ id: string }, { digest: string }>(
        `SELECT images.id FROM images JOIN blob_refs ON owner = images.id WHERE digest = $digest
         UNION SELECT images.id FROM images JOIN layer_refs ON owner = images.id WHERE diff_id = $digest`,
      )
      .all({ digest })
      .map((row) => row.id);
  }

  /** Chains that lost their last image and container; `forgetChain` when what they took is freed. */
  droppedChains(): { chain: string; diffs: readonly string[] }[] {
    return this.#db
      .query<{ chain: string; diffs: string }, []>("SELECT chain, diffs FROM dropped_chains")
      .all()
      .map(({ chain, diffs }) => ({ chain, diffs: JSON.parse(diffs) }));
  }

  isChainUsed(chain: string): boolean {
    return (
      this.#db
        .query("SELECT 1 FROM images WHERE chain = $chain UNION SELECT 1 FROM image_users WHERE chain = $chain LIMIT 1")
        .get({ chain }) !== null
    );
  }

  /** What it took is gone. Not waited for, as for a layer. */
  forgetChain(chain: string): void {
    withoutSync(this.#db, () => this.#db.query("DELETE FROM dropped_chains WHERE chain = $chain").run({ chain }));
  }

  #addLayers(owner: string, layers: readonly LayerRow[]): void {
    const row = this.#db.query(
      "INSERT OR IGNORE INTO layers (diff_id, tar_size, size, entries) VALUES ($diff_id, $tar_size, $size, $entries)",
    );
    const ref = this.#db.query(
      "INSERT OR IGNORE INTO layer_refs (owner, position, diff_id) VALUES ($owner, $position, $diff_id)",
    );
    for (const [position, layer] of layers.entries()) {
      const { diff_id, tar_size, size, entries } = layer;
      row.run({ diff_id, tar_size, size, entries });
      ref.run({ owner, position, diff_id });
    }
  }

  #dropChain(chain: string, diffs: readonly string[]): void {
    if (chain === "" || this.isChainUsed(chain)) return;
    this.#db
      .query("INSERT OR IGNORE INTO dropped_chains (chain, diffs) VALUES ($chain, $diffs)")
      .run({ chain, diffs: JSON.stringify(diffs) });
  }
}
