// Quotas: how many bytes a user, an organisation or a repository may hold. Counted are the blobs (each once) and manifests
// of everything under the name; it is decided when a blob is linked, as only then its digest says whether it is there
// already. Open uploads together may hold as many bytes again, so that nobody fills the disk with what will be refused.

import type { Database } from "bun:sqlite";
import { HoyError } from "../../../base/error.ts";
import { RegistryError } from "../errors.ts";
import { isRepositoryName } from "../names.ts";

export interface Quota {
  /** "alice" is alice and alice/…; "team/app" is team/app and team/app/…. */
  readonly subject: string;
  readonly bytes: number;
}

interface Open {
  readonly repository: string;
  /** As they were when this request began. */
  readonly quotas: readonly Quota[];
  bytes: number;
}

export class Quotas {
  readonly #db: Database;
  readonly #open = new Map<string, Open>();

  constructor(db: Database) {
    this.#db = db;
  }

  /** @throws HoyError "invalid" */
  set(subject: string, bytes: number): void {
    if (!isRepositoryName(subject))
      throw new HoyError("invalid", `${JSON.stringify(subject.slice(0, 300))} is no user, organisation or repository`);
    if (!Number.isSafeInteger(bytes) || bytes < 0) throw new HoyError("invalid", "a quota is a number of bytes");
    this.#db
      .query("INSERT INTO quotas (subject, bytes) VALUES (?, ?) ON CONFLICT DO UPDATE SET bytes = excluded.bytes")
      .run(subject, bytes);
  }

  remove(subject: string): boolean {
    return this.#db.query("DELETE FROM quotas WHERE subject = ?").run(subject).changes > 0;
  }

  list(): Quota[] {
    return this.#db.query<Quota, []>("SELECT subject, bytes FROM quotas ORDER BY subject").all();
  }

  /** Bytes of blobs and manifests under the subject's name. */
  used(subject: string): number {
    const row = this.#db
      .query<{ bytes: number }, [string]>(
        `WITH mine AS (SELECT id FROM repositories WHERE name = ?1 OR (name > ?1 || '/' AND name < ?1 || '0'))
         SELECT (SELECT coalesce(sum(size), 0) FROM blobs WHERE digest IN
                  (SELECT digest FROM blob_links WHERE repository_id IN mine))
              + (SELECT coalesce(sum(length(bytes)), 0) FROM manifests WHERE repository_id IN mine) AS bytes`,
      )
      .get(subject);
    return row?.bytes ?? 0;
  }

  /** An upload is written to. @param bytes It has already. */
  begin(id: string, repository: string, bytes: number): void {
    this.#open.set(id, { repository, quotas: this.#of(repository), bytes });
  }

  /** It receives so many more. @throws RegistryError DENIED when there is no room */
  grow(id: string, more: number): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    for (const quota of open.quotas) if (this.#pending(quota.subject) + more > quota.bytes) throw exceeded(quota);
    open.bytes += more;
  }

  end(id: string): void {
    this.#open.delete(id);
  }

  /** Before the books say that the repository has it. @param digest undefined for what always counts. @throws DENIED */
  require(repository: string, digest: string | undefined, size: number): void {
    for (const quota of this.#of(repository)) {
      if (digest !== undefined && this.#has(quota.subject, digest)) continue;
      if (this.used(quota.subject) + size > quota.bytes) throw exceeded(quota);
    }
  }

  #of(repository: string): Quota[] {
    const parts = repository.split("/");
    const subjects = parts.map((_, at) => parts.slice(0, at + 1).join("/"));
    return this.#db
      .query<Quota, [string]>("SELECT subject, bytes FROM quotas WHERE subject IN (SELECT value FROM json_each(?))")
      .all(JSON.stringify(subjects));
  }

  #has(subject: string, digest: string): boolean {
    return (
      this.#db
        .query(
          `SELECT 1 FROM blob_links l JOIN repositories r ON r.id = l.repository_id
           WHERE l.digest = ?2 AND (r.name = ?1 OR (r.name > ?1 || '/' AND r.name < ?1 || '0')) LIMIT 1`,
        )
        .get(subject, digest) !== null
    );
  }

  #pending(subject: string): number {
    let bytes = 0;
    for (const open of this.#open.values())
      if (open.repository === subject || open.repository.startsWith(`${subject}/`)) bytes += open.bytes;
    return bytes;
  }
}

function exceeded({ subject, bytes }: Quota): RegistryError {
  return new RegistryError(403, "DENIED", `the quota of ${subject} is used up: ${bytes} bytes`);
}
