// Sessions of people who signed in on the web page: a random id in a cookie, kept here as a hash, so that who reads the
// database can't become anybody. Each has a second secret that only the page's own script can know and must send with
// every change: another site can make a browser send the cookie, never that (CSRF).

import type { Database } from "bun:sqlite";
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

export interface Session {
  readonly user: string;
  /** For the header X-CSRF-Token. */
  readonly csrf: string;
}

const COOKIE = "hoy_registry_session";
const LIFE_S = 12 * 60 * 60;
const PER_USER = 20;

export class Sessions {
  readonly #db: Database;
  readonly #secret: () => Uint8Array;

  /** @param secret Asked for when first needed. */
  constructor(db: Database, secret: () => Uint8Array) {
    this.#db = db;
    this.#secret = secret;
  }

  /** @param secure Whether the cookie may travel over TLS only. */
  open(user: string, secure: boolean): { session: Session; cookie: string } {
    const id = randomBytes(32).toString("base64url");
    const now = Date.now();
    this.#db.transaction(() => {
      this.#db.query("DELETE FROM sessions WHERE expires_at <= ?").run(now);
      // The oldest go first: a script that signs in for ever must not fill the disk.
      this.#db
        .query(
          `DELETE FROM sessions WHERE user = ?1 AND hash NOT IN
             (SELECT hash FROM sessions WHERE user = ?1 ORDER BY expires_at DESC LIMIT ?2)`,
        )
        .run(user, PER_USER - 1);
      const row = this.#db.query("INSERT INTO sessions (hash, user, expires_at) VALUES (?, ?, ?)");
      row.run(hashOf(id), user, now + LIFE_S * 1000);
    })();
    return { session: { user, csrf: this.#csrf(id) }, cookie: cookieOf(id, LIFE_S, secure) };
  }

  find(request: IncomingMessage): Session | undefined {
    const id = idOf(request);
    if (id === undefined) return undefined;
    const row = this.#db
      .query<{ user: string }, [Uint8Array, number]>("SELECT user FROM sessions WHERE hash = ? AND expires_at > ?")
      .get(hashOf(id), Date.now());
    return row === null ? undefined : { user: row.user, csrf: this.#csrf(id) };
  }

  /** @returns the cookie that takes the cookie away. */
  close(request: IncomingMessage, secure: boolean): string {
    const id = idOf(request);
    if (id !== undefined) this.#db.query("DELETE FROM sessions WHERE hash = ?").run(hashOf(id));
    return cookieOf("", 0, secure);
  }

  #csrf(id: string): string {
    return createHmac("sha256", this.#secret()).update(`csrf ${id}`).digest("base64url");
  }
}

/** Whether the request brought the session's second secret. */
export function hasCsrf(request: IncomingMessage, session: Session): boolean {
  const given = Buffer.from(String(request.headers["x-csrf-token"] ?? ""));
  const right = Buffer.from(session.csrf);
  return given.length === right.length && timingSafeEqual(given, right);
}

/** Sent to the API only: no /v2/ request is ever let in by a cookie. */
function cookieOf(value: string, seconds: number, secure: boolean): string {
  const attributes = `Path=/api/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${secure ? "; Secure" : ""}`;
  return `${COOKIE}=${value}; ${attributes}`;
}

function idOf(request: IncomingMessage): string | undefined {
  const found = new RegExp(`(?:^|;\\s*)${COOKIE}=([A-Za-z0-9_-]{43})(?:;|$)`).exec(request.headers.cookie ?? "");
  return found?.[1];
}

function hashOf(id: string): Buffer {
  return createHash("sha256").update(id).digest();
}
