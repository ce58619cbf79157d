// Tokens of accounts: passwords that the registry makes, shows once and keeps as a hash. One may be narrowed to scopes,
// end at a time, and be taken back; each works as the password of its account and as a Bearer token.

import type { Database } from "bun:sqlite";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import * as v from "valibot";
import { HoyError } from "../../../base/error.ts";
import { withoutSync } from "../../../state/database.ts";
import type { Action } from "../access.ts";
import { patternsOf, requirePattern } from "./grants.ts";

export interface Scope {
  /** As in grants. */
  readonly pattern: string;
  readonly actions: readonly Action[];
}

export interface TokenInfo {
  readonly id: string;
  readonly account: string;
  readonly description: string;
  /** undefined: all that the account may do. */
  readonly scopes: readonly Scope[] | undefined;
  /** ms since the epoch. */
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  readonly usedAt: number | undefined;
}

interface Row {
  readonly id: string;
  readonly account: string;
  readonly hash: Uint8Array;
  readonly description: string;
  readonly scopes: string | null;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly used_at: number | null;
}

const ACTIONS: readonly Action[] = ["pull", "push", "delete"];
const SHAPE = /^hoyt_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/;
const SCOPES_LIMIT = 50;
const DESCRIPTION_LIMIT = 200;
/** "Last used" is for people: a row written at every request would cost more than it tells. */
const USED_EVERY_MS = 60_000;
const scopesSchema = v.array(
  v.object({ pattern: v.string(), actions: v.array(v.picklist(["pull", "push", "delete"])) }),
);

export class Tokens {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @param expiresAt ms since the epoch. @returns the token's text, which can't be had again. */
  create(account: string, description: string, scopes: readonly Scope[] | undefined, expiresAt: number | undefined) {
    if (description.length > DESCRIPTION_LIMIT)
      throw new HoyError("invalid", `a description has ${DESCRIPTION_LIMIT} characters at most`);
    const [id, secret] = [randomBytes(8).toString("hex"), randomBytes(32).toString("base64url")];
    this.#db
      .query(
        `INSERT INTO tokens (id, account, hash, description, scopes, created_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        id,
        account,
        hashOf(secret),
        description,
        scopes === undefined ? null : JSON.stringify(scopes),
        Date.now(),
        expiresAt ?? null,
      );
    return { id, text: `hoyt_${id}_${secret}` };
  }

  /** undefined: not one of ours, taken back, or past its time. */
  verify(text: string, now = Date.now()): TokenInfo | undefined {
    const [, id, secret] = SHAPE.exec(text) ?? [];
    if (id === undefined || secret === undefined) return undefined;
    const row = this.#row(id, now);
    if (row === undefined || !timingSafeEqual(hashOf(secret), row.hash)) return undefined;
    if ((row.used_at ?? 0) + USED_EVERY_MS < now)
      withoutSync(this.#db, () => this.#db.query("UPDATE tokens SET used_at = ? WHERE id = ?").run(now, id));
    return infoOf(row);
  }

  /** Whether the token with that id is still good: for what was made from it. */
  live(id: string, now = Date.now()): TokenInfo | undefined {
    const row = this.#row(id, now);
    return row === undefined ? undefined : infoOf(row);
  }

  /** @param account undefined: all there are. */
  list(account?: string): TokenInfo[] {
    return this.#db
      .query<Row, [string | null]>("SELECT * FROM tokens WHERE ?1 IS NULL OR account = ?1 ORDER BY account, created_at")
      .all(account ?? null)
      .map(infoOf);
  }

  remove(id: string): boolean {
    return this.#db.query("DELETE FROM tokens WHERE id = ?").run(id).changes > 0;
  }

  #row(id: string, now: number): Row | undefined {
    const row = this.#db.query<Row, [string]>("SELECT * FROM tokens WHERE id = ?").get(id);
    return row === null || (row.expires_at !== null && row.expires_at <= now) ? undefined : row;
  }
}

/** Whether a text is meant as a token, right or wrong. */
export function looksLikeToken(text: string): boolean {
  return text.startsWith("hoyt_");
}

/** What scopes leave of what an account may do with a repository. */
export function narrow(actions: readonly Action[], scopes: readonly Scope[] | undefined, repository: string) {
  if (scopes === undefined) return actions;
  const patterns = patternsOf(repository);
  const named = new Set(scopes.filter(({ pattern }) => patterns.includes(pattern)).flatMap((scope) => scope.actions));
  return actions.filter((action) => named.has(action));
}

/** `repository:NAME:pull,push`; NAME may be a pattern, "*" for an action is all three. @throws HoyError "invalid" */
export function parseScopes(texts: readonly string[]): Scope[] {
  if (texts.length > SCOPES_LIMIT) throw new HoyError("invalid", `more than ${SCOPES_LIMIT} scopes`);
  return texts.map((text) => {
    const [, pattern, words] = /^repository:([^:]+):([a-z*,]+)$/.exec(text) ?? [];
    const wanted = words?.split(",") ?? [];
    const actions = ACTIONS.filter((action) => wanted.includes(action) || wanted.includes("*"));
    const strange = wanted.some((word) => word !== "*" && !ACTIONS.some((action) => action === word));
    if (pattern === undefined || actions.length === 0 || strange)
      throw new HoyError("invalid", `invalid scope ${JSON.stringify(text.slice(0, 300))}`, {
        hint: "repository:NAME:pull,push,delete; NAME may be team/* or *",
      });
    requirePattern(pattern);
    return { pattern, actions };
  });
}

function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}

function infoOf(row: Row): TokenInfo {
  return {
    id: row.id,
    account: row.account,
    description: row.description,
    scopes: row.scopes === null ? undefined : v.parse(scopesSchema, JSON.parse(row.scopes)),
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    usedAt: row.used_at ?? undefined,
  };
}
