// The tables of who may do what, in the registry's own database. A user, an organisation and a robot are names in one
// space: the first component of a repository's name is a user's or an organisation's, and a robot is "owner+name".

import type { Migration } from "../../../state/database.ts";

export const usersMigration: Migration = {
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
};

export const organisationsMigration: Migration = {
  name: "organisations, robots, tokens, sessions",
  sql: `
      CREATE TABLE organisations (name TEXT PRIMARY KEY, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;

      CREATE TABLE members (
        organisation TEXT NOT NULL REFERENCES organisations (name) ON DELETE CASCADE,
        user TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
        role TEXT NOT NULL CHECK (role IN ('read', 'write', 'admin')),
        PRIMARY KEY (user, organisation)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX members_by_organisation ON members (organisation);

      -- The owner is a user or an organisation; what a robot may do is in grants, under its name.
      CREATE TABLE robots (
        name TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        created_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX robots_by_owner ON robots (owner);

      -- Passwords that the registry made itself: long and random, so one sha256 is enough.
      CREATE TABLE tokens (
        id TEXT PRIMARY KEY,
        account TEXT NOT NULL,
        hash BLOB NOT NULL,
        description TEXT NOT NULL,
        -- JSON of what it is narrowed to; NULL: all that the account may do.
        scopes TEXT,
        created_at INTEGER NOT NULL,
        expires_at INTEGER,
        used_at INTEGER
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX tokens_by_account ON tokens (account);

      CREATE TABLE sessions (
        hash BLOB PRIMARY KEY,
        user TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
        expires_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX sessions_by_user ON sessions (user);
    `,
};
