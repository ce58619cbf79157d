// The tables of rules and quotas, in the registry's own database.

import type { Migration } from "../../../state/database.ts";

export const policyMigration: Migration = {
  name: "rules for tags, quotas",
  sql: `
      -- pattern: repositories, as in grants. tags: a glob (* and ?).
      CREATE TABLE rules (
        id INTEGER PRIMARY KEY,
        kind TEXT NOT NULL CHECK (kind IN ('immutable', 'retention')),
        pattern TEXT NOT NULL,
        tags TEXT NOT NULL,
        -- Retention: how many of the newest stay, how young (ms) stays, how old (ms) untagged manifests may get.
        keep INTEGER,
        age INTEGER,
        untagged INTEGER
      ) STRICT;

      -- A subject is a prefix of names: "alice" is alice and alice/…, "team/app" is team/app and team/app/….
      CREATE TABLE quotas (subject TEXT PRIMARY KEY, bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    `,
};
