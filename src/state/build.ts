// Rows of the build cache: results of build steps by key, and the directories of cache mounts. A record holds its layers
// by rows of its own beside the images' (see images.ts), so that a layer is there as long as anything names it.

import type { Database } from "bun:sqlite";
import { type Migration, withoutSync } from "./database.ts";
import type { LayerBlobRow, LayerRow } from "./images.ts";

export const buildMigrations: readonly Migration[] = [
  {
    name: "build cache",
    sql: `
      CREATE TABLE build_records (
        id          TEXT PRIMARY KEY,
        key         TEXT NOT NULL,
        outputs     TEXT NOT NULL,
        parents     TEXT NOT NULL,
        type        TEXT NOT NULL,
        description TEXT NOT NULL,
        size        INTEGER NOT NULL,
        created     TEXT NOT NULL,
        used        TEXT NOT NULL,
        uses        INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX build_records_key ON build_records (key, created);
      CREATE TABLE build_mounts (
        id          TEXT PRIMARY KEY,
        key         TEXT NOT NULL,
        description TEXT NOT NULL,
        size        INTEGER NOT NULL,
        created     TEXT NOT NULL,
        used        TEXT NOT NULL,
        uses        INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX build_mounts_key ON build_mounts (key);
    `,
  },
];

export const buildMountMigrations: readonly Migration[] = [
  {
    name: "what cache mounts are made of",
    sql: "ALTER TABLE build_mounts ADD COLUMN made_of TEXT NOT NULL DEFAULT '';",
  },
];

export interface BuildRecordRow {
  readonly id: string;
  readonly key: string;
  /** JSON: the diff ids of each output, bottom first. */
  readonly outputs: string;
  /** JSON: ids of the records that it was made from. */
  readonly parents: string;
  readonly type: string;
  readonly description: string;
  /** Bytes of the layers that it added. */
  readonly size: number;
  /** RFC 3339 with ns. */
  readonly created: string;
  readonly used: string;
  readonly uses: number;
}

export interface BuildMountRow {
  /** Name of its directory. */
  readonly id: string;
  readonly key: string;
  /** JSON: what the key is the digest of; "": an engine made it that did not note it, and no build has used it since. */
  readonly made_of: string;
  readonly description: string;
  /** Bytes when it was last looked at. */
  readonly size: number;
  readonly created: string;
  readonly used: string;
  readonly uses: number;
}

/** What one output of a record holds. */
export interface HeldChain {
  readonly chain: string;
  readonly layers: readonly LayerRow[];
  /** Blobs that belong to the layers. */
  readonly blobs: readonly string[];
}

export class BuildTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  // ── records ───────────────────────────────────────────────────────────────────────────────────────────────────

  /** Adds the record, and holds its layers in the same step. */
  add(record: BuildRecordRow, held: readonly HeldChain[]): void {
    this.#db.transaction(() => {
      this.#db
        .query(
          `INSERT INTO build_records (id, key, outputs, parents, type, description, size, created, used, uses)
           VALUES ($id, $key, $outputs, $parents, $type, $description, $size, $created, $used, $uses)`,
        )
        .run({ ...record });
      for (const [output, chain] of held.entries()) this.#hold(holderOf(record.id, output), chain);
    })();
  }

  /** Holds a chain without a record, until its user is released like that of an image. */
  hold(user: string, chain: HeldChain): void {
    this.#db.transaction(() => this.#hold(user, chain))();
  }

  isChainUsed(chain: string): boolean {
    return (
      this.#db
        .query("SELECT 1 FROM images WHERE chain = $chain UNION SELECT 1 FROM image_users WHERE chain = $chain LIMIT 1")
        .get({ chain }) !== null
    );
  }

  /** The latest record of a key. */
  find(key: string): BuildRecordRow | null {
    return this.#db
      .query<BuildRecordRow, { key: string }>(
        "SELECT * FROM build_records WHERE key = $key ORDER BY created DESC LIMIT 1",
      )
      .get({ key });
  }

  get(id: string): BuildRecordRow | null {
    return this.#db.query<BuildRecordRow, { id: string }>("SELECT * FROM build_records WHERE id = $id").get({ id });
  }

  all(): BuildRecordRow[] {
    return this.#db.query<BuildRecordRow, []>("SELECT * FROM build_records ORDER BY created").all();
  }

  touch(uses: ReadonlyMap<string, number>, at: string): void {
    if (uses.size === 0) return;
    const write = this.#db.transaction(() => {
      const query = this.#db.query("UPDATE build_records SET used = $at, uses = uses + $count WHERE id = $id");
      for (const [id, count] of uses) query.run({ id, at, count });
    });
    // A build should not wait for the disk to have it noted that it used what is there.
    withoutSync(this.#db, write);
  }

  /** Removes records; who frees what they held is told which holders and blobs lost a reference. */
  remove(ids: readonly string[]): { readonly holders: readonly string[]; readonly blobs: readonly string[] } {
    const holders: string[] = [];
    const blobs: string[] = [];
    this.#db.transaction(() => {
      for (const id of ids) {
        const record = this.get(id);
        if (record === null) continue;
        const outputs: unknown = JSON.parse(record.outputs);
        const count = Array.isArray(outputs) ? outputs.length : 0;
        for (let output = 0; output < count; output++) {
          const owner = holderOf(id, output);
          holders.push(owner);
          const held = this.#db
            .query<{ digest: string }, { owner: string }>("DELETE FROM blob_refs WHERE owner = $owner RETURNING digest")
            .all({ owner });
          blobs.push(...held.map(({ digest }) => digest));
        }
        this.#db.query("DELETE FROM build_records WHERE id = $id").run({ id });
      }
    })();
    return { holders, blobs };
  }

  /** Whether an image or a container has the layer too. */
  isShared(diffId: string): boolean {
    const found = this.#db
      .query("SELECT 1 FROM layer_refs WHERE diff_id = $diffId AND owner NOT LIKE 'build:%' LIMIT 1")
      .get({ diffId });
    return found !== null;
  }

  /** A layer's packed form stays for as long as an image or a record has the layer. Nothing for a layer of nobody. */
  keepPacked(blob: LayerBlobRow): void {
    if (this.layer(blob.diff_id) === null) return;
    const { diff_id, digest, size, media_type } = blob;
    this.#db.transaction(() => {
      this.#db
        .query(
          "INSERT OR REPLACE INTO layer_blobs (diff_id, digest, size, media_type) VALUES ($diff_id, $digest, $size, $media_type)",
        )
        .run({ diff_id, digest, size, media_type });
      this.#db
        .query(
          `INSERT OR IGNORE INTO blob_refs (owner, digest)
           SELECT owner, $digest FROM layer_refs WHERE diff_id = $diff_id
             AND (owner LIKE 'build:%' OR owner IN (SELECT id FROM images))`,
        )
        .run({ diff_id, digest });
    })();
  }

  layer(diffId: string): LayerRow | null {
    return this.#db.query<LayerRow, { diffId: string }>("SELECT * FROM layers WHERE diff_id = $diffId").get({ diffId });
  }

  // ── cache mounts ──────────────────────────────────────────────────────────────────────────────────────────────

  addMount(mount: BuildMountRow): void {
    this.#db
      .query(
        `INSERT INTO build_mounts (id, key, made_of, description, size, created, used, uses)
         VALUES ($id, $key, $made_of, $description, $size, $created, $used, $uses)`,
      )
      .run({ ...mount });
  }

  mounts(key?: string): BuildMountRow[] {
    return key === undefined
      ? this.#db.query<BuildMountRow, []>("SELECT * FROM build_mounts ORDER BY created").all()
      : this.#db
          .query<BuildMountRow, { key: string }>("SELECT * FROM build_mounts WHERE key = $key ORDER BY created")
          .all({ key });
  }

  /** It was used; its size is as given. */
  usedMount(id: string, at: string, size: number): void {
    this.#db
      .query("UPDATE build_mounts SET used = $at, uses = uses + 1, size = $size WHERE id = $id")
      .run({ id, at, size });
  }

  noteMount(id: string, madeOf: string): void {
    this.#db.query("UPDATE build_mounts SET made_of = $madeOf WHERE id = $id").run({ id, madeOf });
  }

  removeMount(id: string): void {
    this.#db.query("DELETE FROM build_mounts WHERE id = $id").run({ id });
  }

  #hold(user: string, { chain, layers, blobs }: HeldChain): void {
    this.#db
      .query("INSERT OR IGNORE INTO image_users (user, image, chain) VALUES ($user, '', $chain)")
      .run({ user, chain });
    const layer = this.#db.query(
      "INSERT OR IGNORE INTO layers (diff_id, tar_size, size, entries) VALUES ($diff_id, $tar_size, $size, $entries)",
    );
    const ref = this.#db.query(
      "INSERT OR IGNORE INTO layer_refs (owner, position, diff_id) VALUES ($user, $position, $diff_id)",
    );
    for (const [position, row] of layers.entries()) {
      layer.run({ ...row });
      ref.run({ user, position, diff_id: row.diff_id });
    }
    const blob = this.#db.query("INSERT OR IGNORE INTO blob_refs (owner, digest) VALUES ($user, $digest)");
    for (const digest of blobs) blob.run({ user, digest });
  }
}

/** The name under which a record's output stands among those who hold layers. */
export function holderOf(record: string, output: number): string {
  return `build:${record}:${output}`;
}
