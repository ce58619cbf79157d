// Rows of volumes. The row is written before the volume's directory is made and removed after it is gone.

import type { Database } from "bun:sqlite";
import type { Migration } from "./database.ts";

export const volumeMigrations: readonly Migration[] = [
  {
    name: "volumes",
    sql: `
      CREATE TABLE volumes (
        name      TEXT PRIMARY KEY,
        created   TEXT NOT NULL,
        anonymous INTEGER NOT NULL,
        labels    TEXT NOT NULL,
        options   TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
];

export interface VolumeRecord {
  readonly name: string;
  /** RFC 3339. */
  readonly created: string;
  /** Named by the engine: pruned without asking for `all`. */
  readonly anonymous: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
}

interface Row {
  name: string;
  created: string;
  anonymous: number;
  labels: string;
  options: string;
}

export class VolumeTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  all(): VolumeRecord[] {
    const rows = this.#db.query<Row, []>("SELECT name, created, anonymous, labels, options FROM volumes").all();
    return rows.map((row) => ({
      name: row.name,
      created: row.created,
      anonymous: row.anonymous !== 0,
      labels: JSON.parse(row.labels),
      options: JSON.parse(row.options),
    }));
  }

  put(volume: VolumeRecord): void {
    this.#db
      .query(
        `INSERT INTO volumes (name, created, anonymous, labels, options)
         VALUES ($name, $created, $anonymous, $labels, $options)`,
      )
      .run({
        name: volume.name,
        created: volume.created,
        anonymous: volume.anonymous ? 1 : 0,
        labels: JSON.stringify(volume.labels),
        options: JSON.stringify(volume.options),
      });
  }

  remove(name: string): void {
    this.#db.query("DELETE FROM volumes WHERE name = $name").run({ name });
  }
}
