// The questions and changes on a registry's database, as methods; each change is one transaction. No files here.

import type { Database } from "bun:sqlite";
import type { NewManifest, Page, Referrer, StoredManifest } from "./storage.ts";

interface ReferrerRow {
  readonly media_type: string;
  readonly digest: string;
  readonly size: number;
  readonly artifact_type: string | null;
  readonly annotations: string | null;
}

interface ManifestRow {
  readonly digest: string;
  readonly media_type: string;
  readonly bytes: Uint8Array;
}

export class RegistryRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Where the blobs are; the first to say decides. */
  place(mine: string): string {
    this.#db.query("INSERT OR IGNORE INTO settings (name, value) VALUES ('blobs', ?)").run(mine);
    const row = this.#db.query<{ value: string }, []>("SELECT value FROM settings WHERE name = 'blobs'").get();
    return row?.value ?? mine;
  }

  repositoryId(name: string): number | undefined {
    return this.#db.query<{ id: number }, [string]>("SELECT id FROM repositories WHERE name = ?").get(name)?.id;
  }

  repositories({ limit, after }: Page): string[] {
    return this.#db
      .query<{ name: string }, [string, number]>("SELECT name FROM repositories WHERE name > ? ORDER BY name LIMIT ?")
      .all(after, limit)
      .map(({ name }) => name);
  }

  /** With all it has; bytes that nobody has any more are freed by the next collection. */
  removeRepository(name: string): boolean {
    return this.#db.query("DELETE FROM repositories WHERE name = ?").run(name).changes > 0;
  }

  /** Size of a blob that the repository has. */
  linkedBlob(repository: string, digest: string): number | undefined {
    return this.#db
      .query<{ size: number }, [string, string]>(
        `SELECT blobs.size FROM repositories r JOIN blob_links l ON l.repository_id = r.id
         JOIN blobs USING (digest) WHERE r.name = ? AND l.digest = ?`,
      )
      .get(repository, digest)?.size;
  }

  hasBlob(digest: string): boolean {
    return this.#db.query("SELECT 1 FROM blobs WHERE digest = ?").get(digest) !== null;
  }

  /** Says that the bytes are in place (if no row does yet) and that the repository has them. */
  link(repository: string, digest: string, size: number, upload: string | undefined): void {
    this.#db.transaction(() => {
      this.#db.query("INSERT OR IGNORE INTO blobs (digest, size) VALUES (?, ?)").run(digest, size);
      // A second push of the same blob makes it young again: a manifest that needs it is on its way.
      this.#db
        .query(
          `INSERT INTO blob_links (repository_id, digest, linked_at) VALUES (?, ?, ?)
           ON CONFLICT DO UPDATE SET linked_at = excluded.linked_at`,
        )
        .run(this.#ensure(repository), digest, Date.now());
      if (upload !== undefined) this.removeUpload(upload);
    })();
  }

  unlink(repository: string, digest: string): boolean {
    return this.#db.transaction(() => {
      const id = this.repositoryId(repository);
      if (id === undefined) return false;
      const { changes } = this.#db
        .query("DELETE FROM blob_links WHERE repository_id = ? AND digest = ?")
        .run(id, digest);
      this.#dropIfEmpty(id);
      return changes > 0;
    })();
  }

  /** Removes the blob's row if no repository has it; then its bytes may go. */
  forgetBlob(digest: string): boolean {
    return (
      this.#db
        .query("DELETE FROM blobs WHERE digest = ?1 AND NOT EXISTS (SELECT 1 FROM blob_links WHERE digest = ?1)")
        .run(digest).changes > 0
    );
  }

  unlinkedBlobs(): { digest: string; size: number }[] {
    return this.#db
      .query<{ digest: string; size: number }, []>(
        "SELECT digest, size FROM blobs WHERE digest NOT IN (SELECT digest FROM blob_links)",
      )
      .all();
  }

  /** Takes blobs from repositories in which no manifest names them. @returns how many. */
  unlinkUnnamed(before: number): number {
    return this.#db.transaction(() => {
      const { changes } = this.#db
        .query(
          `DELETE FROM blob_links WHERE linked_at < ? AND NOT EXISTS (
             SELECT 1 FROM manifest_refs m
             WHERE m.repository_id = blob_links.repository_id AND m.digest = blob_links.digest)`,
        )
        .run(before);
      this.#db.run(`DELETE FROM repositories WHERE id NOT IN (SELECT repository_id FROM blob_links)
                    AND id NOT IN (SELECT repository_id FROM manifests)`);
      return changes;
    })();
  }

  /** @param reference A digest when it has a colon, else a tag. */
  manifest(repository: string, reference: string): StoredManifest | undefined {
    const digest = reference.includes(":") ? reference : this.#tagged(repository, reference);
    if (digest === undefined) return undefined;
    const row = this.#db
      .query<ManifestRow, [string, string]>(
        `SELECT digest, media_type, bytes FROM manifests m JOIN repositories r ON r.id = m.repository_id
         WHERE r.name = ? AND m.digest = ?`,
      )
      .get(repository, digest);
    if (row === null) return undefined;
    return { digest: row.digest, mediaType: row.media_type, bytes: row.bytes, size: row.bytes.length };
  }

  /** @returns the first thing the manifest names that the repository does not have; undefined when it was kept. */
  putManifest(repository: string, manifest: NewManifest, tags: readonly string[], by?: string): string | undefined {
    return this.#db.transaction(() => {
      const known = this.repositoryId(repository) ?? -1;
      const missing = manifest.sparse
        ? undefined
        : (manifest.blobs.find((digest) => !this.#has("blob_links", known, digest)) ??
          manifest.manifests.find((digest) => !this.#has("manifests", known, digest)));
      if (missing !== undefined) return missing;
      const id = this.#ensure(repository);
      this.#insertManifest(id, manifest, by);
      const tag = this.#db.query(
        `INSERT INTO tags (repository_id, name, digest, updated_at, updated_by) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET
           digest = excluded.digest, updated_at = excluded.updated_at, updated_by = excluded.updated_by`,
      );
      for (const name of tags) tag.run(id, name, manifest.digest, Date.now(), by ?? null);
      return undefined;
    })();
  }

  /** A manifest of the repository that names the digest. */
  naming(repository: string, digest: string): Uint8Array | undefined {
    return this.#db
      .query<{ bytes: Uint8Array }, [string, string]>(
        `SELECT m.bytes FROM repositories r JOIN manifest_refs f ON f.repository_id = r.id
         JOIN manifests m ON m.repository_id = r.id AND m.digest = f.manifest
         WHERE r.name = ? AND f.digest = ? LIMIT 1`,
      )
      .get(repository, digest)?.bytes;
  }

  deleteManifest(repository: string, reference: string): boolean {
    return this.#db.transaction(() => {
      const id = this.repositoryId(repository);
      if (id === undefined) return false;
      const [table, column] = reference.includes(":") ? ["manifests", "digest"] : ["tags", "name"];
      const { changes } = this.#db
        .query(`DELETE FROM ${table} WHERE repository_id = ? AND ${column} = ?`)
        .run(id, reference);
      this.#dropIfEmpty(id);
      return changes > 0;
    })();
  }

  tags(repository: string, { limit, after }: Page): string[] | undefined {
    const id = this.repositoryId(repository);
    if (id === undefined) return undefined;
    return this.#db
      .query<{ name: string }, [number, string, number]>(
        "SELECT name FROM tags WHERE repository_id = ? AND name > ? ORDER BY name LIMIT ?",
      )
      .all(id, after, limit)
      .map(({ name }) => name);
  }

  referrers(repository: string, subject: string, artifactType: string | undefined, { limit, after }: Page): Referrer[] {
    return this.#db
      .query<ReferrerRow, [string, string, string, string | null, number]>(
        `SELECT m.media_type, m.digest, length(m.bytes) AS size, m.artifact_type, m.annotations
         FROM manifests m JOIN repositories r ON r.id = m.repository_id
         WHERE r.name = ?1 AND m.subject = ?2 AND m.digest > ?3 AND (?4 IS NULL OR m.artifact_type = ?4)
         ORDER BY m.digest LIMIT ?5`,
      )
      .all(repository, subject, after, artifactType ?? null, limit)
      .map((row) => ({
        mediaType: row.media_type,
        digest: row.digest,
        size: row.size,
        ...(row.artifact_type === null ? {} : { artifactType: row.artifact_type }),
        ...(row.annotations === null ? {} : { annotations: JSON.parse(row.annotations) }),
      }));
  }

  /** @returns false when `limit` are open already. */
  addUpload(id: string, repository: string, limit: number): boolean {
    return this.#db.transaction(() => {
      const open = this.#db.query<{ n: number }, []>("SELECT count(*) AS n FROM uploads").get()?.n ?? 0;
      if (open >= limit) return false;
      this.#db
        .query("INSERT INTO uploads (id, repository, touched_at) VALUES (?, ?, ?)")
        .run(id, repository, Date.now());
      return true;
    })();
  }

  /** Whether the upload is open in that repository; remembers that it is in use. */
  touchUpload(id: string, repository: string): boolean {
    const touched = this.#db.query("UPDATE uploads SET touched_at = ? WHERE id = ? AND repository = ?");
    return touched.run(Date.now(), id, repository).changes > 0;
  }

  removeUpload(id: string): void {
    this.#db.query("DELETE FROM uploads WHERE id = ?").run(id);
  }

  idleUploads(before: number): string[] {
    return this.#db
      .query<{ id: string }, [number]>("SELECT id FROM uploads WHERE touched_at < ?")
      .all(before)
      .map(({ id }) => id);
  }

  uploads(): { id: string; repository: string }[] {
    return this.#db.query<{ id: string; repository: string }, []>("SELECT id, repository FROM uploads").all();
  }

  hasUpload(id: string): boolean {
    return this.#db.query("SELECT 1 FROM uploads WHERE id = ?").get(id) !== null;
  }

  close(): void {
    this.#db.close();
  }

  #insertManifest(id: number, manifest: NewManifest, by: string | undefined): void {
    this.#db
      .query(
        `INSERT INTO manifests (repository_id, digest, media_type, bytes, subject, artifact_type, annotations, pushed_at,
           pushed_by)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET
           media_type = excluded.media_type, pushed_at = excluded.pushed_at, pushed_by = excluded.pushed_by`,
      )
      .run(
        id,
        manifest.digest,
        manifest.mediaType,
        manifest.bytes,
        manifest.subject ?? null,
        manifest.artifactType ?? null,
        manifest.annotations === undefined ? null : JSON.stringify(manifest.annotations),
        Date.now(),
        by ?? null,
      );
    const name = this.#db.query(
      "INSERT OR IGNORE INTO manifest_refs (repository_id, manifest, digest) VALUES (?, ?, ?)",
    );
    for (const digest of [...manifest.blobs, ...manifest.manifests]) name.run(id, manifest.digest, digest);
  }

  #has(table: "blob_links" | "manifests", repositoryId: number, digest: string): boolean {
    return (
      this.#db.query(`SELECT 1 FROM ${table} WHERE repository_id = ? AND digest = ?`).get(repositoryId, digest) !== null
    );
  }

  #tagged(repository: string, tag: string): string | undefined {
    return this.#db
      .query<{ digest: string }, [string, string]>(
        `SELECT t.digest FROM tags t JOIN repositories r ON r.id = t.repository_id WHERE r.name = ? AND t.name = ?`,
      )
      .get(repository, tag)?.digest;
  }

  #ensure(name: string): number {
    this.#db.query("INSERT OR IGNORE INTO repositories (name, created_at) VALUES (?, ?)").run(name, Date.now());
    const id = this.repositoryId(name);
    if (id === undefined) throw new Error(`the repository ${name} was not kept`);
    return id;
  }

  #dropIfEmpty(id: number): void {
    this.#db
      .query(
        `DELETE FROM repositories WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM blob_links WHERE repository_id = ?1)
         AND NOT EXISTS (SELECT 1 FROM manifests WHERE repository_id = ?1)`,
      )
      .run(id);
  }
}
