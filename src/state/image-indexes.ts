// Names that stand for an index: an image for each of several platforms, and what goes with them (attestations). The
// name's own row leads to the image that this machine runs; the others are images without names of their own, which the
// index keeps. An index lives as long as a name stands for it; its blobs have `index:` and its digest as their owner.

import type { Database } from "bun:sqlite";
import type { Migration } from "./database.ts";

export const imageIndexMigrations: readonly Migration[] = [
  {
    name: "image indexes",
    sql: `
      CREATE TABLE index_names (
        name   TEXT PRIMARY KEY REFERENCES image_names (name) ON DELETE CASCADE,
        digest TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX index_names_digest ON index_names (digest);
      CREATE TABLE index_members (
        digest   TEXT NOT NULL,
        position INTEGER NOT NULL,
        image    TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE,
        manifest TEXT NOT NULL,
        platform TEXT NOT NULL,
        PRIMARY KEY (digest, position)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX index_members_image ON index_members (image);
    `,
  },
];

export interface IndexMember {
  /** Id of the image. */
  readonly image: string;
  /** Digest of its manifest in the index. */
  readonly manifest: string;
  /** "os/arch[/variant]". */
  readonly platform: string;
}

export interface ImageIndex {
  /** Of the index's document. */
  readonly digest: string;
  readonly members: readonly IndexMember[];
  /** The document, and everything that it leads to and no member has. */
  readonly blobs: readonly string[];
}

export class ImageIndexTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** The name, which an image must have already, stands for the index from now on. */
  set(name: string, { digest, members, blobs }: ImageIndex): void {
    this.#db.transaction(() => {
      const member = this.#db.query(
        `INSERT OR REPLACE INTO index_members (digest, position, image, manifest, platform)
         VALUES ($digest, $position, $image, $manifest, $platform)`,
      );
      for (const [position, one] of members.entries()) member.run({ digest, position, ...one });
      const blob = this.#db.query("INSERT OR IGNORE INTO blob_refs (owner, digest) VALUES ($owner, $digest)");
      for (const one of blobs) blob.run({ owner: owner(digest), digest: one });
      this.#name(name, digest);
    })();
  }

  /** The name stands for this index of another name; undefined: for none. */
  copy(name: string, digest: string | undefined): void {
    if (digest !== undefined) this.#name(name, digest);
    else if (this.of(name) !== undefined) this.#db.query("DELETE FROM index_names WHERE name = $name").run({ name });
  }

  /** Digest of the index that the name stands for. */
  of(name: string): string | undefined {
    const query = this.#db.query<{ digest: string }, { name: string }>(
      "SELECT digest FROM index_names WHERE name = $name",
    );
    return query.get({ name })?.digest;
  }

  /** The index of an image's names; of several, that of the first name. */
  ofImage(image: string): string | undefined {
    const query = this.#db.query<{ digest: string }, { image: string }>(
      `SELECT digest FROM index_names JOIN image_names USING (name) WHERE image = $image ORDER BY name LIMIT 1`,
    );
    return query.get({ image })?.digest;
  }

  /** The image that names of this index lead to. */
  imageOf(digest: string): string | undefined {
    const query = this.#db.query<{ image: string }, { digest: string }>(
      "SELECT image FROM index_names JOIN image_names USING (name) WHERE digest = $digest LIMIT 1",
    );
    return query.get({ digest })?.image;
  }

  /** As the index lists them; those that were removed are not there. */
  members(digest: string): IndexMember[] {
    return this.#db
      .query<IndexMember, { digest: string }>(
        "SELECT image, manifest, platform FROM index_members WHERE digest = $digest ORDER BY position",
      )
      .all({ digest });
  }

  /** Its document, and everything that it leads to and no member has. */
  blobs(digest: string): string[] {
    return this.#db
      .query<{ digest: string }, { owner: string }>("SELECT digest FROM blob_refs WHERE owner = $owner")
      .all({ owner: owner(digest) })
      .map((row) => row.digest);
  }

  /** Whether a name's index has the image. */
  isMember(image: string): boolean {
    const query = this.#db.query<unknown, { image: string }>(
      "SELECT 1 FROM index_members JOIN index_names USING (digest) WHERE image = $image LIMIT 1",
    );
    return query.get({ image }) !== null;
  }

  /** Forgets indexes that no name stands for. @returns their members, and blobs that lost this reference. */
  release(): { readonly images: readonly string[]; readonly blobs: readonly string[] } {
    const unnamed = "NOT EXISTS (SELECT 1 FROM index_names WHERE index_names.digest =";
    const gone = this.#db
      .query<{ digest: string; image: string }, []>(
        `SELECT digest, image FROM index_members WHERE ${unnamed} index_members.digest)`,
      )
      .all();
    // An index whose members all went is found by its blobs.
    const lone = this.#db
      .query<{ owner: string; digest: string }, []>(
        `SELECT owner, digest FROM blob_refs WHERE owner >= 'index:' AND owner < 'index;'
           AND ${unnamed} substr(owner, 7))`,
      )
      .all();
    if (gone.length === 0 && lone.length === 0) return { images: [], blobs: [] };
    this.#db.transaction(() => {
      for (const { digest } of gone) this.#db.query("DELETE FROM index_members WHERE digest = $digest").run({ digest });
      for (const one of lone) this.#db.query("DELETE FROM blob_refs WHERE owner = $owner").run({ owner: one.owner });
    })();
    return { images: [...new Set(gone.map(({ image }) => image))], blobs: lone.map(({ digest }) => digest) };
  }

  #name(name: string, digest: string): void {
    this.#db
      .query(
        "INSERT INTO index_names (name, digest) VALUES ($name, $digest) ON CONFLICT DO UPDATE SET digest = $digest",
      )
      .run({ name, digest });
  }
}

function owner(digest: string): string {
  return `index:${digest}`;
}
