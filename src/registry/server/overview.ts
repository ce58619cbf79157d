// What the books say about repositories, tags and images, for people to look at: counts, sizes, who and when. Questions
// only; sizes are those of the blobs as they are kept, each counted once.

import type { Database } from "bun:sqlite";
import type { Page } from "./storage.ts";

export interface RepositorySummary {
  readonly name: string;
  readonly tags: number;
  /** Bytes of all its blobs. */
  readonly size: number;
  /** ms since the epoch. */
  readonly createdAt: number;
  /** Of the last push. */
  readonly updatedAt: number;
}

export interface TagSummary {
  readonly name: string;
  readonly digest: string;
  readonly mediaType: string;
  /** Bytes of everything that a pull of all its platforms fetches. */
  readonly size: number;
  readonly updatedAt: number;
  /** undefined: not known. */
  readonly updatedBy: string | undefined;
}

export interface ManifestSummary {
  readonly digest: string;
  readonly mediaType: string;
  readonly artifactType: string | undefined;
  readonly subject: string | undefined;
  readonly bytes: Uint8Array;
  readonly totalSize: number;
  readonly pushedAt: number;
  readonly pushedBy: string | undefined;
  readonly tags: readonly string[];
}

export interface Totals {
  readonly repositories: number;
  readonly manifests: number;
  readonly tags: number;
  readonly uploads: number;
  readonly deliveries: number;
  readonly blobs: number;
  readonly bytes: number;
}

interface TagRow {
  readonly name: string;
  readonly digest: string;
  readonly media_type: string;
  readonly updated_at: number;
  readonly updated_by: string | null;
}

interface ManifestRow {
  readonly repository_id: number;
  readonly digest: string;
  readonly media_type: string;
  readonly artifact_type: string | null;
  readonly subject: string | null;
  readonly bytes: Uint8Array;
  readonly pushed_at: number;
  readonly pushed_by: string | null;
}

const SUMMARY = `
  SELECT r.name, r.created_at AS createdAt,
    (SELECT count(*) FROM tags t WHERE t.repository_id = r.id) AS tags,
    (SELECT coalesce(sum(b.size), 0) FROM blob_links l JOIN blobs b USING (digest) WHERE l.repository_id = r.id) AS size,
    coalesce((SELECT max(m.pushed_at) FROM manifests m WHERE m.repository_id = r.id), r.created_at) AS updatedAt
  FROM repositories r`;

export class Overview {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  repository(name: string): RepositorySummary | undefined {
    return this.#db.query<RepositorySummary, [string]>(`${SUMMARY} WHERE r.name = ?`).get(name) ?? undefined;
  }

  /** Names that hold `text`, in byte order. */
  names(text: string, { limit, after }: Page): string[] {
    return this.#db
      .query<{ name: string }, [string, string, number]>(
        "SELECT name FROM repositories WHERE name > ? AND instr(name, ?) > 0 ORDER BY name LIMIT ?",
      )
      .all(after, text, limit)
      .map(({ name }) => name);
  }

  tags(repository: string, { limit, after }: Page): TagSummary[] {
    const id = this.#id(repository);
    return this.#db
      .query<TagRow, [number, string, number]>(
        `SELECT t.name, t.digest, m.media_type, t.updated_at, t.updated_by
         FROM tags t JOIN manifests m ON m.repository_id = t.repository_id AND m.digest = t.digest
         WHERE t.repository_id = ? AND t.name > ? ORDER BY t.name LIMIT ?`,
      )
      .all(id, after, limit)
      .map((row) => ({
        name: row.name,
        digest: row.digest,
        mediaType: row.media_type,
        size: this.#totalSize(id, row.digest),
        updatedAt: row.updated_at,
        updatedBy: row.updated_by ?? undefined,
      }));
  }

  /** @param reference A digest when it has a colon, else a tag. */
  manifest(repository: string, reference: string): ManifestSummary | undefined {
    const row = this.#db
      .query<ManifestRow, [number, string]>(
        `SELECT repository_id, digest, media_type, artifact_type, subject, bytes, pushed_at, pushed_by FROM manifests
         WHERE repository_id = ?1 AND digest = ${
           reference.includes(":") ? "?2" : "(SELECT digest FROM tags WHERE repository_id = ?1 AND name = ?2)"
         }`,
      )
      .get(this.#id(repository), reference);
    if (row === null) return undefined;
    return {
      digest: row.digest,
      mediaType: row.media_type,
      artifactType: row.artifact_type ?? undefined,
      subject: row.subject ?? undefined,
      bytes: row.bytes,
      totalSize: this.#totalSize(row.repository_id, row.digest),
      pushedAt: row.pushed_at,
      pushedBy: row.pushed_by ?? undefined,
      tags: this.#tagsOf(row.repository_id, row.digest),
    };
  }

  /** Counts of everything, for metrics. */
  totals(): Totals {
    const row = this.#db
      .query<Totals, []>(
        `SELECT (SELECT count(*) FROM repositories) AS repositories, (SELECT count(*) FROM manifests) AS manifests,
           (SELECT count(*) FROM tags) AS tags, (SELECT count(*) FROM uploads) AS uploads,
           (SELECT count(*) FROM deliveries) AS deliveries, count(*) AS blobs, coalesce(sum(size), 0) AS bytes FROM blobs`,
      )
      .get();
    return row ?? { repositories: 0, manifests: 0, tags: 0, uploads: 0, deliveries: 0, blobs: 0, bytes: 0 };
  }

  /** -1 for none: no row has it. */
  #id(repository: string): number {
    return (
      this.#db.query<{ id: number }, [string]>("SELECT id FROM repositories WHERE name = ?").get(repository)?.id ?? -1
    );
  }

  #tagsOf(id: number, digest: string): string[] {
    return this.#db
      .query<{ name: string }, [number, string]>(
        "SELECT name FROM tags WHERE repository_id = ? AND digest = ? ORDER BY name LIMIT 1000",
      )
      .all(id, digest)
      .map(({ name }) => name);
  }

  #totalSize(id: number, digest: string): number {
    const row = this.#db
      .query<{ size: number }, [number, string]>(
        `WITH RECURSIVE needed (digest) AS (
           SELECT ?2 UNION
           SELECT m.digest FROM needed n JOIN manifest_refs m ON m.repository_id = ?1 AND m.manifest = n.digest)
         SELECT coalesce(sum(b.size), 0) AS size FROM needed JOIN blobs b USING (digest)`,
      )
      .get(id, digest);
    return row?.size ?? 0;
  }
}
