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

export const doomedVolumeMigrations: readonly Migration[] = [
  {
    name: "volumes that go with their container",
    sql: "ALTER TABLE volumes ADD COLUMN doomed INTEGER NOT NULL DEFAULT 0;",
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

  /** @param doomed see `doom` */
  put(volume: VolumeRecord, doomed = false): void {
    this.#db
      .query(
        `INSERT INTO volumes (name, created, anonymous, labels, options, doomed)
         VALUES ($name, $created, $anonymous, $labels, $options, $doomed)`,
      )
      .run({
        name: volume.name,
        created: volume.created,
        anonymous: volume.anonymous ? 1 : 0,
        labels: JSON.stringify(volume.labels),
        options: JSON.stringify(volume.options),
        doomed: doomed ? 1 : 0,
      });
  }

  /** Of one that is there. */
  updateOptions({ name, options }: Pick<VolumeRecord, "name" | "options">): void {
    this.#db
      .query("UPDATE volumes SET options = $options WHERE name = $name")
      .run({ name, options: JSON.stringify(options) });
  }

  /** Marks those that go when nobody uses them at the engine's next start: their container is being made, or removed. */
  doom(names: readonly string[], doomed: boolean): void {
    const mark = this.#db.query("UPDATE volumes SET doomed = $doomed WHERE name = $name");
    this.#db.transaction(() => {
      for (const name of names) mark.run({ name, doomed: doomed ? 1 : 0 });
    })();
  }

  doomed(): string[] {
    return this.#db
      .query<{ name: string }, []>("SELECT name FROM volumes WHERE doomed = 1")
      .all()
      .map(({ name }) => name);
  }

  remove(name: string): void {
    this.#db.query("DELETE FROM volumes WHERE name = $name").run({ name });
  }
}
