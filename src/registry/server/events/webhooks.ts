// Webhooks and their queue, in the books: what happened is written down for each webhook that asked for it, and stays
// until it was delivered or is too old. Sending is deliverer.ts's.

import type { Database } from "bun:sqlite";
import { randomBytes } from "node:crypto";
import { HoyError } from "../../../base/error.ts";
import { withoutSync } from "../../../state/database.ts";
import { patternsOf, requirePattern } from "../access/grants.ts";
import { ACTIONS, type Action, envelope, type RegistryEvent } from "./event.ts";

export interface Webhook {
  readonly id: number;
  readonly url: string;
  readonly pattern: string;
  readonly actions: readonly Action[];
  readonly secret: string;
  readonly lastError: string | undefined;
  /** Not yet delivered. */
  readonly waiting: number;
}

export interface Delivery {
  readonly id: number;
  readonly webhook: number;
  readonly body: string;
  readonly attempts: number;
  /** ms since the epoch. */
  readonly createdAt: number;
}

interface Row {
  readonly id: number;
  readonly url: string;
  readonly pattern: string;
  readonly actions: string;
  readonly secret: string;
  readonly last_error: string | null;
  readonly waiting: number;
}

const WEBHOOKS_LIMIT = 100;
/** Of one webhook: a receiver that is away for long loses the oldest, not the registry its disk. */
const QUEUE_LIMIT = 10_000;
const URL_LIMIT = 2048;

export class Webhooks {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @returns its id and the secret that signs what is sent. @throws HoyError "invalid" */
  add(url: string, pattern: string, actions: readonly string[]): { id: number; secret: string } {
    const parsed = url.length <= URL_LIMIT && URL.canParse(url) ? new URL(url) : undefined;
    if (parsed === undefined || !["http:", "https:"].includes(parsed.protocol) || parsed.username !== "")
      throw new HoyError("invalid", "a webhook's address is an http or https URL without a user");
    requirePattern(pattern);
    const known = ACTIONS.filter((action) => actions.includes(action));
    if (known.length === 0 || known.length !== new Set(actions).size)
      throw new HoyError("invalid", `events are ${ACTIONS.join(", ")}`);
    if (this.list().length >= WEBHOOKS_LIMIT) throw new HoyError("invalid", `more than ${WEBHOOKS_LIMIT} webhooks`);
    const secret = randomBytes(32).toString("base64url");
    const row = this.#db.query("INSERT INTO webhooks (url, pattern, actions, secret) VALUES (?, ?, ?, ?)");
    return { id: Number(row.run(parsed.href, pattern, known.join(","), secret).lastInsertRowid), secret };
  }

  /** What it waits for is dropped with it. */
  remove(id: number): boolean {
    return this.#db.query("DELETE FROM webhooks WHERE id = ?").run(id).changes > 0;
  }

  list(): Webhook[] {
    return this.#db
      .query<Row, []>(
        "SELECT w.*, (SELECT count(*) FROM deliveries d WHERE d.webhook = w.id) AS waiting FROM webhooks w ORDER BY id",
      )
      .all()
      .map((row) => ({
        id: row.id,
        url: row.url,
        pattern: row.pattern,
        actions: ACTIONS.filter((action) => row.actions.split(",").includes(action)),
        secret: row.secret,
        lastError: row.last_error ?? undefined,
        waiting: row.waiting,
      }));
  }

  /** Writes it down for all that asked for it. @returns whether there were any. */
  enqueue(event: RegistryEvent): boolean {
    const wanted = this.#db
      .query<{ id: number }, [string, string]>(
        `SELECT id FROM webhooks WHERE pattern IN (SELECT value FROM json_each(?))
         AND instr(',' || actions || ',', ',' || ? || ',') > 0`,
      )
      .all(JSON.stringify(patternsOf(event.repository)), event.action);
    if (wanted.length === 0) return false;
    const write = () =>
      this.#db.transaction(() => {
        for (const { id } of wanted) this.#insert(id, JSON.stringify(envelope(event)));
      })();
    // That somebody pulled is not worth a wait for the disk on every pull.
    if (event.action === "pull") withoutSync(this.#db, write);
    else write();
    return true;
  }

  /** The oldest that is due, of each webhook; one is delivered after the other. */
  due(now: number): Delivery[] {
    return this.#db
      .query<Delivery, [number]>(
        `SELECT id, webhook, body, attempts, created_at AS createdAt FROM deliveries
         WHERE id IN (SELECT min(id) FROM deliveries GROUP BY webhook) AND next_at <= ?`,
      )
      .all(now);
  }

  /** When the next is due; undefined: none waits. */
  nextAt(): number | undefined {
    const row = this.#db
      .query<{ at: number | null }, []>(
        "SELECT min(next_at) AS at FROM deliveries WHERE id IN (SELECT min(id) FROM deliveries GROUP BY webhook)",
      )
      .get();
    return row?.at ?? undefined;
  }

  done(delivery: Delivery, error: string | undefined): void {
    this.#db.transaction(() => {
      this.#db.query("DELETE FROM deliveries WHERE id = ?").run(delivery.id);
      this.#db.query("UPDATE webhooks SET last_error = ? WHERE id = ?").run(error ?? null, delivery.webhook);
    })();
  }

  /** Try again at `nextAt`. */
  later(delivery: Delivery, nextAt: number, error: string): void {
    this.#db.transaction(() => {
      this.#db
        .query("UPDATE deliveries SET attempts = attempts + 1, next_at = ? WHERE id = ?")
        .run(nextAt, delivery.id);
      this.#db.query("UPDATE webhooks SET last_error = ? WHERE id = ?").run(error, delivery.webhook);
    })();
  }

  #insert(webhook: number, body: string): void {
    const now = Date.now();
    const row = this.#db.query("INSERT INTO deliveries (webhook, body, created_at, next_at) VALUES (?, ?, ?, ?)");
    row.run(webhook, body, now, now);
    this.#db
      .query(
        `DELETE FROM deliveries WHERE webhook = ?1 AND id <=
           (SELECT id FROM deliveries WHERE webhook = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`,
      )
      .run(webhook, QUEUE_LIMIT);
  }
}
