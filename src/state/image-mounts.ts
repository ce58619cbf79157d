// Rows of images that are mounted on the host (`hoy image mount`). A row says which mount is meant, by the kernel's own
// number of it, and is written before the mount is put in its place and removed after it is gone.

import type { Database } from "bun:sqlite";
import type { Migration } from "./database.ts";

export const imageMountMigrations: readonly Migration[] = [
  {
    name: "image mounts",
    sql: `
      CREATE TABLE image_mounts (
        path     TEXT PRIMARY KEY,
        image    TEXT NOT NULL,
        name     TEXT NOT NULL,
        own      INTEGER NOT NULL,
        created  TEXT NOT NULL,
        mark     TEXT NOT NULL,
        state    TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX image_mounts_image ON image_mounts (image);
    `,
  },
];

export interface ImageMountRow {
  /** Absolute, without links. */
  readonly path: string;
  readonly image: string;
  /** The image as it was named. */
  readonly name: string;
  /** 1: the directory is the engine's, and goes with the mount. */
  readonly own: number;
  /** RFC 3339. */
  readonly created: string;
  /** Which mount it is (mount-mark.ts); means nothing after a boot. */
  readonly mark: string;
  /** "making" and "ending": half done, to be undone by the next start. */
  readonly state: "making" | "mounted" | "ending";
}

export class ImageMountTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** All, in the order of their paths. */
  all(): ImageMountRow[] {
    return this.#db.query<ImageMountRow, []>("SELECT * FROM image_mounts ORDER BY path").all();
  }

  get(path: string): ImageMountRow | null {
    return this.#db
      .query<ImageMountRow, { path: string }>("SELECT * FROM image_mounts WHERE path = $path")
      .get({ path });
  }

  put(row: ImageMountRow): void {
    this.#db
      .query(
        `INSERT OR REPLACE INTO image_mounts (path, image, name, own, created, mark, state)
         VALUES ($path, $image, $name, $own, $created, $mark, $state)`,
      )
      .run({ ...row });
  }

  remove(path: string): void {
    this.#db.query("DELETE FROM image_mounts WHERE path = $path").run({ path });
  }
}
