// The tables of images, and their rows: images, their names, layers and blobs, and who holds which layers. The queries
// are in images.ts.

import type { Migration } from "./database.ts";

export const imageMigrations: readonly Migration[] = [
  {
    name: "images",
    sql: `
      CREATE TABLE images (
        id       TEXT PRIMARY KEY,
        parent   TEXT,
        manifest TEXT,
        chain    TEXT NOT NULL,
        size     INTEGER NOT NULL,
        tagged   TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX images_parent ON images (parent);
      CREATE INDEX images_chain ON images (chain);
      CREATE TABLE image_names (
        name  TEXT PRIMARY KEY,
        image TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX image_names_image ON image_names (image);
      CREATE TABLE image_users (
        user  TEXT PRIMARY KEY,
        image TEXT NOT NULL,
        chain TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX image_users_chain ON image_users (chain);
      CREATE TABLE layers (
        diff_id  TEXT PRIMARY KEY,
        tar_size INTEGER NOT NULL,
        size     INTEGER NOT NULL,
        entries  INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE layer_refs (
        owner    TEXT NOT NULL,
        position INTEGER NOT NULL,
        diff_id  TEXT NOT NULL REFERENCES layers (diff_id),
        PRIMARY KEY (owner, position)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX layer_refs_layer ON layer_refs (diff_id);
      CREATE TABLE blob_refs (
        owner  TEXT NOT NULL,
        digest TEXT NOT NULL,
        PRIMARY KEY (owner, digest)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX blob_refs_digest ON blob_refs (digest);
      CREATE TABLE layer_blobs (
        diff_id    TEXT PRIMARY KEY REFERENCES layers (diff_id) ON DELETE CASCADE,
        digest     TEXT NOT NULL,
        size       INTEGER NOT NULL,
        media_type TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE dropped_chains (
        chain TEXT PRIMARY KEY,
        diffs TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
];

/** Later than the tables that others refer to: see migrations.ts. */
export const imageUseMigrations: readonly Migration[] = [
  {
    name: "image use",
    // Of images from before, nothing is known: they count as used now.
    sql: `
      ALTER TABLE images ADD COLUMN used TEXT NOT NULL DEFAULT '';
      UPDATE images SET used = strftime('%Y-%m-%dT%H:%M:%fZ', 'now');
    `,
  },
];

export interface ImageRow {
  /** Digest of the config. */
  readonly id: string;
  /** The image this was committed or built from, here; it may be gone by now. */
  readonly parent: string | null;
  /** Digest of the manifest it came with; null when it was made here or came without. */
  readonly manifest: string | null;
  /** Chain id of its layers; "" when it has none. */
  readonly chain: string;
  /** Sum of the layers' sizes. */
  readonly size: number;
  /** When it was last tagged, RFC 3339; "" for never. */
  readonly tagged: string;
  /** When it came, or a container of it was last made or removed, RFC 3339. */
  readonly used: string;
}

export interface LayerRow {
  readonly diff_id: string;
  readonly tar_size: number;
  readonly size: number;
  readonly entries: number;
}

/** A layer's compressed form, as it came or as it was pushed. It may be gone: nothing is held by this row. */
export interface LayerBlobRow {
  readonly diff_id: string;
  readonly digest: string;
  readonly size: number;
  readonly media_type: string;
}

export interface NewImage {
  readonly image: Omit<ImageRow, "tagged" | "size" | "used">;
  readonly layers: readonly LayerRow[];
  /** Blobs that go when the image goes, unless another image has them too. */
  readonly blobs: readonly string[];
}
