// The tables of upstreams, in the registry's own database.

import type { Migration } from "../../../state/database.ts";

export const upstreamsMigration: Migration = {
  name: "upstreams, and when their tags were asked for",
  sql: `
      -- Names under prefix/ ("" is all others) are those of remote: "docker.io", "quay.io/org".
      CREATE TABLE upstreams (
        prefix TEXT PRIMARY KEY,
        remote TEXT NOT NULL,
        ttl INTEGER NOT NULL,
        insecure INTEGER NOT NULL,
        username TEXT,
        password TEXT
      ) STRICT, WITHOUT ROWID;

      CREATE TABLE cached_tags (
        repository TEXT NOT NULL,
        tag TEXT NOT NULL,
        checked_at INTEGER NOT NULL,
        PRIMARY KEY (repository, tag)
      ) STRICT, WITHOUT ROWID;
    `,
};
