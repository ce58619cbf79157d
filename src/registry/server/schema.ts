// The tables of a registry's own database, registry.db. A blob's row is written after its bytes are in place and removed
// before they go, so a row always has its bytes; bytes without a row are swept at start. Manifests are small: their bytes
// are in the row itself, so a manifest, what it names and its tags come and go in one transaction.

import type { Migration } from "../../state/database.ts";
import { organisationsMigration, usersMigration } from "./access/schema.ts";
import { upstreamsMigration } from "./cache/schema.ts";
import { webhooksMigration } from "./events/schema.ts";
import { policyMigration } from "./policy/schema.ts";

export const registryMigrations: readonly Migration[] = [
  {
    name: "repositories, blobs, manifests, tags, uploads",
    sql: `
      CREATE TABLE repositories (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        created_at INTEGER NOT NULL
      ) STRICT;

      -- Bytes that are in the store, once for all repositories.
      CREATE TABLE blobs (
        digest TEXT PRIMARY KEY,
        size INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;

      -- Which repository has which blob.
      CREATE TABLE blob_links (
        repository_id INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
        digest TEXT NOT NULL REFERENCES blobs (digest),
        linked_at INTEGER NOT NULL,
        PRIMARY KEY (repository_id, digest)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX blob_links_by_digest ON blob_links (digest);

      CREATE TABLE manifests (
        repository_id INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
        digest TEXT NOT NULL,
        media_type TEXT NOT NULL,
        bytes BLOB NOT NULL,
        subject TEXT,
        artifact_type TEXT,
        annotations TEXT,
        pushed_at INTEGER NOT NULL,
        PRIMARY KEY (repository_id, digest)
      ) STRICT;
      CREATE INDEX manifests_by_subject ON manifests (repository_id, subject, digest) WHERE subject IS NOT NULL;

      -- What a manifest names: blobs of its repository, or manifests of an index.
      CREATE TABLE manifest_refs (
        repository_id INTEGER NOT NULL,
        manifest TEXT NOT NULL,
        digest TEXT NOT NULL,
        PRIMARY KEY (repository_id, digest, manifest),
        FOREIGN KEY (repository_id, manifest) REFERENCES manifests (repository_id, digest) ON DELETE CASCADE
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX manifest_refs_by_manifest ON manifest_refs (repository_id, manifest);

      CREATE TABLE tags (
        repository_id INTEGER NOT NULL,
        name TEXT NOT NULL,
        digest TEXT NOT NULL,
        updated_at INTEGER NOT NULL,
        PRIMARY KEY (repository_id, name),
        FOREIGN KEY (repository_id, digest) REFERENCES manifests (repository_id, digest) ON DELETE CASCADE
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX tags_by_digest ON tags (repository_id, digest);

      -- Uploads belong to a name, which becomes a repository with its first content.
      CREATE TABLE uploads (
        id TEXT PRIMARY KEY,
        repository TEXT NOT NULL,
        touched_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;
    `,
  },
  usersMigration,
  organisationsMigration,
  {
    name: "who pushed",
    sql: `
      ALTER TABLE manifests ADD COLUMN pushed_by TEXT;
      ALTER TABLE tags ADD COLUMN updated_by TEXT;
    `,
  },
  policyMigration,
  webhooksMigration,
  upstreamsMigration,
  {
    name: "where the blobs are",
    sql: "CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;",
  },
];
