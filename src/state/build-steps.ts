// What build steps were made from: the parts of their keys, and the files of copies, by which a later build can be told
// why a step was not in the cache. Only told from, never built from: a row that is missing costs an explanation.

import type { Database } from "bun:sqlite";
import type { Migration } from "./database.ts";

export const buildStepMigrations: readonly Migration[] = [
  {
    name: "inputs of build steps",
    sql: `
      CREATE TABLE build_steps (
        key     TEXT PRIMARY KEY,
        kind    TEXT NOT NULL,
        parts   TEXT NOT NULL,
        created TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX build_steps_kind ON build_steps (kind, created);
      CREATE TABLE build_step_files (
        digest  TEXT PRIMARY KEY,
        files   BLOB NOT NULL,
        created TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
];

export interface BuildStepRow {
  readonly key: string;
  /** "exec" or "file". */
  readonly kind: string;
  /** JSON: name of a part → its value. */
  readonly parts: string;
  /** RFC 3339 with ns. */
  readonly created: string;
}

/** Rows that are kept, the latest. */
const MAX_STEPS = 5000;
const MAX_FILES = 500;

export class BuildStepTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  add(row: BuildStepRow): void {
    this.#db.transaction(() => {
      this.#db
        .query("INSERT OR REPLACE INTO build_steps (key, kind, parts, created) VALUES ($key, $kind, $parts, $created)")
        .run({ ...row });
      this.#db
        .query(
          "DELETE FROM build_steps WHERE key IN (SELECT key FROM build_steps ORDER BY created DESC LIMIT -1 OFFSET $most)",
        )
        .run({ most: MAX_STEPS });
    })();
  }

  /** The latest of a kind, newest first. */
  latest(kind: string, most: number): BuildStepRow[] {
    return this.#db
      .query<BuildStepRow, { kind: string; most: number }>(
        "SELECT * FROM build_steps WHERE kind = $kind ORDER BY created DESC LIMIT $most",
      )
      .all({ kind, most });
  }

  /** @param files packed; what was added first goes first */
  addFiles(digest: string, files: Uint8Array, created: string): void {
    this.#db.transaction(() => {
      this.#db
        .query("INSERT OR REPLACE INTO build_step_files (digest, files, created) VALUES ($digest, $files, $created)")
        .run({ digest, files, created });
      this.#db
        .query(
          `DELETE FROM build_step_files WHERE digest IN
             (SELECT digest FROM build_step_files ORDER BY created DESC LIMIT -1 OFFSET $most)`,
        )
        .run({ most: MAX_FILES });
    })();
  }

  files(digest: string): Uint8Array | undefined {
    return this.#db
      .query<{ files: Uint8Array }, { digest: string }>("SELECT files FROM build_step_files WHERE digest = $digest")
      .get({ digest })?.files;
  }
}
