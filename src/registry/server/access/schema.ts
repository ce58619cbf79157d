// The tables of who may do what, in the registry's own database, after those of storage.

import type { Migration } from "../../../state/database.ts";

export const accessMigrations: readonly Migration[] = [
  {
    name: "users, grants, the secret that signs tokens",
    sql: `
      CREATE TABLE users (
        name TEXT PRIMARY KEY,
        -- argon2id or bcrypt, in the PHC and crypt(3) forms that say which.
        password TEXT NOT NULL,
        admin INTEGER NOT NULL,
        created_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      -- A pattern is a repository's name, "team/*" for all under it, or "*". An empty user is everybody.
      CREATE TABLE grants (
        user TEXT NOT NULL,
        pattern TEXT NOT NULL,
        role TEXT NOT NULL CHECK (role IN ('read', 'write', 'admin')),
        PRIMARY KEY (user, pattern)
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID;
    `,
  },
];
