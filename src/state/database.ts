// The engine's SQLite file: opening, durability, migrations. Tables and queries live in one file a subject beside this.
// One writer: the daemon holds the data root's lock before it opens this.

import { Database } from "bun:sqlite";
import { HoyError } from "../base/error.ts";

/** One step of the schema. Steps are numbered by their place in the list and never change once released. */
export interface Migration {
  readonly name: string;
  readonly sql: string;
}

/** Compiled statements that are kept: all of ours. Of Bun's own 20 most were compiled anew at each use. */
const STATEMENTS = 500;

/**
 * Opens (or makes) the database, mode 0600, WAL with synchronous=FULL: a committed row survives a power cut.
 * @throws HoyError "internal" when the file was written by a newer hoy.
 */
export function openDatabase(path: string, migrations: readonly Migration[]): Database {
  const before = process.umask(0o077);
  const db = new Database(path, { create: true, strict: true });
  process.umask(before);
  Database.MAX_QUERY_CACHE_SIZE = STATEMENTS;
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = FULL");
  db.run("PRAGMA foreign_keys = ON");
  db.run("PRAGMA busy_timeout = 5000");
  migrate(db, migrations);
  return db;
}

/**
 * Commits what `work` writes without waiting for the disk. It survives the end of this process, however that comes, and
 * a later commit that does wait takes it along; a power cut may lose it. For what can be learnt again, or does no harm
 * when it has not happened.
 */
export function withoutSync<T>(db: Database, work: () => T): T {
  // `query` keeps the compiled statement.
  db.query("PRAGMA synchronous = NORMAL").run();
  try {
    return work();
  } finally {
    db.query("PRAGMA synchronous = FULL").run();
  }
}

function migrate(db: Database, migrations: readonly Migration[]): void {
  const row = db.query<{ user_version: number }, []>("PRAGMA user_version").get();
  const version = row?.user_version ?? 0;
  if (version > migrations.length) {
    throw new HoyError(
      "internal",
      `the state was written by a newer hoy (schema ${version}, this one knows ${migrations.length})`,
      {
        hint: "start the newer version again, or use another --data-root",
      },
    );
  }
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue;
    db.transaction(() => {
      db.run(migration.sql);
      db.run(`PRAGMA user_version = ${index + 1}`);
    })();
  }
}
