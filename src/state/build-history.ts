// What was built lately: one row a build that has ended, written when it has. Records and logs are bytes here; who
// writes them knows what they are.

import type { Database } from "bun:sqlite";
import { type Migration, withoutSync } from "./database.ts";

export const buildHistoryMigrations: readonly Migration[] = [
  {
    name: "build history",
    sql: `
      CREATE TABLE build_history (
        ref       TEXT PRIMARY KEY,
        record    BLOB NOT NULL,
        logs      BLOB NOT NULL,
        completed TEXT NOT NULL,
        pinned    INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
];

export interface BuildHistoryRow {
  readonly ref: string;
  readonly record: Uint8Array;
  /** RFC 3339 with ns. */
  readonly completed: string;
  /** 1: it stays until it is removed by name. */
  readonly pinned: number;
}

export class BuildHistoryTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** In place of one of the same ref. A power cut may lose it: no build waits for the disk for that. */
  add(row: BuildHistoryRow, logs: Uint8Array): void {
    const query = this.#db.query(
      `INSERT OR REPLACE INTO build_history (ref, record, logs, completed, pinned)
       VALUES ($ref, $record, $logs, $completed, $pinned)`,
    );
    withoutSync(this.#db, () => query.run({ ...row, logs }));
  }

  /** Oldest first. */
  all(): BuildHistoryRow[] {
    return this.#db
      .query<BuildHistoryRow, []>("SELECT ref, record, completed, pinned FROM build_history ORDER BY completed, ref")
      .all();
  }

  logs(ref: string): Uint8Array | undefined {
    return (
      this.#db
        .query<{ logs: Uint8Array }, { ref: string }>("SELECT logs FROM build_history WHERE ref = $ref")
        .get({ ref })?.logs ?? undefined
    );
  }

  remove(ref: string): void {
    const query = this.#db.query("DELETE FROM build_history WHERE ref = $ref");
    withoutSync(this.#db, () => query.run({ ref }));
  }
}
