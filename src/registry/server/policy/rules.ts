// Rules for tags. Immutable: a tag that was set can't be moved or removed. Retention: what goes by itself; a tag goes when
// one rule that names it says so, and never when it is immutable. Rules are kept in the books; both are asked of by name.

import type { Database } from "bun:sqlite";
import { HoyError } from "../../../base/error.ts";
import { patternsOf, requirePattern } from "../access/grants.ts";

export interface ImmutableRule {
  readonly id: number;
  readonly pattern: string;
  readonly tags: string;
}

export interface RetentionRule extends ImmutableRule {
  /** The newest so many stay. */
  readonly keep: number | null;
  /** What is younger than so many ms stays. */
  readonly age: number | null;
  /** Manifests that nothing points to go when older than so many ms. */
  readonly untagged: number | null;
}

export interface Removal {
  readonly repository: string;
  /** A tag, or the digest of an untagged manifest. */
  readonly reference: string;
  readonly rule: number;
}

/** What tags are made of, and the two wildcards; nothing that SQLite's GLOB takes for a set. */
const GLOB = /^[A-Za-z0-9_.*?-]{1,128}$/;
const KEEP_MAX = 1_000_000;

export class Rules {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @returns its id. @throws HoyError "invalid" */
  addImmutable(pattern: string, tags: string): number {
    return this.#add("immutable", { pattern, tags, keep: null, age: null, untagged: null });
  }

  /** @returns its id. @throws HoyError "invalid" */
  addRetention(rule: Omit<RetentionRule, "id">): number {
    if (rule.keep === null && rule.age === null && rule.untagged === null)
      throw new HoyError("invalid", "a retention rule needs a number, an age, or an age for untagged manifests");
    for (const value of [rule.age, rule.untagged])
      if (value !== null && value <= 0) throw new HoyError("invalid", "an age must be more than nothing");
    if (rule.keep !== null && (rule.keep < 1 || rule.keep > KEEP_MAX))
      throw new HoyError("invalid", `the number that is kept must be 1 to ${KEEP_MAX}`);
    return this.#add("retention", rule);
  }

  immutables(): ImmutableRule[] {
    return this.#db
      .query<ImmutableRule, []>("SELECT id, pattern, tags FROM rules WHERE kind = 'immutable' ORDER BY id")
      .all();
  }

  retentions(): RetentionRule[] {
    return this.#db
      .query<RetentionRule, []>(
        "SELECT id, pattern, tags, keep, age, untagged FROM rules WHERE kind = 'retention' ORDER BY id",
      )
      .all();
  }

  remove(kind: "immutable" | "retention", id: number): boolean {
    return this.#db.query("DELETE FROM rules WHERE kind = ? AND id = ?").run(kind, id).changes > 0;
  }

  /** The first of the repository's present tags that may not be changed: of those named, or pointing to the digest. */
  fixed(repository: string, reference: { readonly tag: string } | { readonly digest: string } | "any") {
    const [tag, digest] =
      reference === "any" ? [] : "tag" in reference ? [reference.tag] : [undefined, reference.digest];
    const row = this.#db
      .query<{ name: string; digest: string }, [string, string, string | null, string | null]>(
        `SELECT t.name, t.digest FROM repositories r JOIN tags t ON t.repository_id = r.id
         JOIN rules ON kind = 'immutable' AND pattern IN (SELECT value FROM json_each(?2)) AND t.name GLOB rules.tags
         WHERE r.name = ?1 AND (?3 IS NULL OR t.name = ?3) AND (?4 IS NULL OR t.digest = ?4) LIMIT 1`,
      )
      .get(repository, JSON.stringify(patternsOf(repository)), tag ?? null, digest ?? null);
    return row ?? undefined;
  }

  /** What retention would remove now; nothing is changed. @param now ms since the epoch */
  plan(now: number): Removal[] {
    return this.retentions().flatMap((rule) =>
      this.#repositories(rule.pattern).flatMap(({ id, name }) =>
        [...this.#oldTags(rule, id, now), ...this.#untagged(rule, id, now)]
          .filter((reference) => reference.includes(":") || this.fixed(name, { tag: reference }) === undefined)
          .map((reference) => ({ repository: name, reference, rule: rule.id })),
      ),
    );
  }

  #oldTags({ tags, keep, age }: RetentionRule, id: number, now: number): string[] {
    if (keep === null && age === null) return [];
    // Pushed at the same time, the greater name is the newer: "v10" or "v9" is a guess either way, but always the same.
    return this.#db
      .query<{ name: string }, [number, string, number, number]>(
        `SELECT name FROM (
           SELECT name, updated_at, row_number() OVER (ORDER BY updated_at DESC, name DESC) AS place
           FROM tags WHERE repository_id = ? AND name GLOB ?)
         WHERE place > ? AND updated_at < ? ORDER BY name`,
      )
      .all(id, tags, keep ?? 0, age === null ? Number.MAX_SAFE_INTEGER : now - age)
      .map(({ name }) => name);
  }

  /** Not part of an index, and not about a manifest (subject) that is still there. */
  #untagged({ untagged }: RetentionRule, id: number, now: number): string[] {
    if (untagged === null) return [];
    return this.#db
      .query<{ digest: string }, [number, number]>(
        `SELECT digest FROM manifests m WHERE repository_id = ?1 AND pushed_at < ?2
         AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.repository_id = ?1 AND t.digest = m.digest)
         AND NOT EXISTS (SELECT 1 FROM manifest_refs f WHERE f.repository_id = ?1 AND f.digest = m.digest)
         AND NOT EXISTS (SELECT 1 FROM manifests s WHERE s.repository_id = ?1 AND s.digest = m.subject)
         ORDER BY digest`,
      )
      .all(id, now - untagged)
      .map(({ digest }) => digest);
  }

  #repositories(pattern: string): { id: number; name: string }[] {
    return this.#db
      .query<{ id: number; name: string }, []>("SELECT id, name FROM repositories ORDER BY name")
      .all()
      .filter(({ name }) => patternsOf(name).includes(pattern));
  }

  #add(kind: "immutable" | "retention", rule: Omit<RetentionRule, "id">): number {
    requirePattern(rule.pattern);
    if (!GLOB.test(rule.tags))
      throw new HoyError("invalid", `${JSON.stringify(rule.tags.slice(0, 200))} is no pattern of tags`, {
        hint: "letters, digits, _ . -, with * for any text and ? for any character",
      });
    const row = this.#db.query(
      "INSERT INTO rules (kind, pattern, tags, keep, age, untagged) VALUES (?, ?, ?, ?, ?, ?)",
    );
    return Number(row.run(kind, rule.pattern, rule.tags, rule.keep, rule.age, rule.untagged).lastInsertRowid);
  }
}
