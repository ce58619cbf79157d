// The tables of webhooks and of what is not yet delivered to them, in the registry's own database.

import type { Migration } from "../../../state/database.ts";

export const webhooksMigration: Migration = {
  name: "webhooks and their queue",
  sql: `
      CREATE TABLE webhooks (
        id INTEGER PRIMARY KEY,
        url TEXT NOT NULL,
        -- Repositories, as in grants; actions with commas between them.
        pattern TEXT NOT NULL,
        actions TEXT NOT NULL,
        secret TEXT NOT NULL,
        last_error TEXT
      ) STRICT;

      CREATE TABLE deliveries (
        id INTEGER PRIMARY KEY,
        webhook INTEGER NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
        body TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        created_at INTEGER NOT NULL,
        next_at INTEGER NOT NULL
      ) STRICT;
      CREATE INDEX deliveries_by_webhook ON deliveries (webhook, id);
    `,
};
