// What somebody may do with a repository: the one place that answers. Rights come from being an admin, from the name
// (alice has alice/…), from membership (a role in team is that role in team/…), and from grants to the account, to one of
// its organisations, or to everybody. They add up; nothing takes a right away.

import type { Database } from "bun:sqlite";
import { HoyError } from "../../../base/error.ts";
import type { Action } from "../access.ts";
import { isRepositoryName } from "../names.ts";

export type Role = "read" | "write" | "admin";

export const ROLES: readonly Role[] = ["read", "write", "admin"];

/** Everybody, signed in or not. */
export const EVERYBODY = "";

export interface Account {
  readonly name: string;
  readonly kind: "user" | "robot";
  /** May do everything everywhere. */
  readonly admin: boolean;
}

export interface Grant {
  readonly account: string;
  readonly pattern: string;
  readonly role: Role;
}

const ALLOWED: Record<Role, readonly Action[]> = {
  read: ["pull"],
  write: ["pull", "push"],
  admin: ["pull", "push", "delete"],
};

export class Grants {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** What `account` (undefined: nobody in particular) may do with a repository. */
  actions(account: Account | undefined, repository: string): readonly Action[] {
    const owner = repository.split("/", 1)[0] ?? "";
    if (account?.admin || (account?.kind === "user" && owner === account.name && repository !== owner))
      return ALLOWED.admin;
    const rows = this.#db
      .query<{ role: Role }, [string, string, string]>(
        `SELECT role FROM grants
         WHERE (user IN ('', ?1) OR user IN (SELECT organisation FROM members WHERE user = ?1))
           AND pattern IN (SELECT value FROM json_each(?2))
         UNION ALL SELECT role FROM members WHERE user = ?1 AND organisation = ?3`,
      )
      .all(account?.name ?? EVERYBODY, JSON.stringify(patternsOf(repository)), repository === owner ? "" : owner);
    const given = new Set(rows.flatMap(({ role }) => ALLOWED[role]));
    return ALLOWED.admin.filter((action) => given.has(action));
  }

  /** @param account An account or organisation there is, or EVERYBODY. @throws HoyError "invalid" for a bad pattern */
  grant(account: string, pattern: string, role: Role): void {
    requirePattern(pattern);
    this.#db
      .query(`INSERT INTO grants (user, pattern, role) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET role = excluded.role`)
      .run(account, pattern, role);
  }

  revoke(account: string, pattern: string): boolean {
    return this.#db.query("DELETE FROM grants WHERE user = ? AND pattern = ?").run(account, pattern).changes > 0;
  }

  /** @param account undefined: all there are. */
  list(account?: string): Grant[] {
    return this.#db
      .query<Grant, [string | null]>(
        `SELECT user AS account, pattern, role FROM grants WHERE ?1 IS NULL OR user = ?1 ORDER BY user, pattern`,
      )
      .all(account ?? null);
  }

  /** Whether anybody may pull it. */
  isPublic(repository: string): boolean {
    return this.actions(undefined, repository).includes("pull");
  }
}

/** Everything a grant may say to mean this repository: "a/b/c", "a/*", "a/b/*", "*". */
export function patternsOf(repository: string): string[] {
  const parts = repository.split("/");
  return ["*", repository, ...parts.slice(0, -1).map((_, at) => `${parts.slice(0, at + 1).join("/")}/*`)];
}

/** @throws HoyError "invalid" */
export function requirePattern(pattern: string): void {
  const name = pattern.endsWith("/*") ? pattern.slice(0, -2) : pattern;
  if (pattern !== "*" && !isRepositoryName(name))
    throw new HoyError("invalid", `${JSON.stringify(pattern.slice(0, 300))} is not a repository, "name/*" or "*"`);
}
