// Users and their passwords. Passwords are hashed by Bun's own argon2id, here and nowhere else; bcrypt hashes of an
// htpasswd file are taken as they are.

import type { Database } from "bun:sqlite";
import { createHash, randomBytes } from "node:crypto";
import { HoyError } from "../../../base/error.ts";
import type { Account } from "./grants.ts";
import { requireOwnerName } from "./names.ts";

const PASSWORD_MIN = 8;
const PASSWORD_MAX = 1024;
const BCRYPT = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/;

export class Users {
  readonly #db: Database;
  /** Of nobody's password: an unknown user costs as long as a wrong password. */
  #nobody: string | undefined;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Adds a user or changes the password. @throws HoyError "invalid", "conflict" with an organisation's name */
  async put(name: string, password: string, admin: boolean): Promise<void> {
    if (password.length < PASSWORD_MIN || password.length > PASSWORD_MAX)
      throw new HoyError("invalid", `a password has ${PASSWORD_MIN} to ${PASSWORD_MAX} characters`);
    const hash = await Bun.password.hash(password, "argon2id");
    this.#db.transaction(() => this.#put(name, hash, admin))();
  }

  /** Lines `user:bcrypt`, as `htpasswd -B` writes them. All or nothing. @returns how many. */
  importHtpasswd(text: string): number {
    const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
    return this.#db.transaction(() => {
      for (const [index, line] of lines.entries()) {
        const colon = line.indexOf(":");
        const hash = line.slice(colon + 1).trim();
        if (colon < 1 || !BCRYPT.test(hash))
          throw new HoyError("invalid", `line ${index + 1} is not "user:bcrypt hash" (htpasswd -B)`);
        this.#put(line.slice(0, colon), hash, false);
      }
      return lines.length;
    })();
  }

  get(name: string): Account | undefined {
    const row = this.#db.query<{ admin: number }, [string]>("SELECT admin FROM users WHERE name = ?").get(name);
    return row === null ? undefined : { name, kind: "user", admin: row.admin !== 0 };
  }

  list(): Account[] {
    return this.#db
      .query<{ name: string; admin: number }, []>("SELECT name, admin FROM users ORDER BY name")
      .all()
      .map(({ name, admin }) => ({ name, kind: "user", admin: admin !== 0 }));
  }

  /** undefined for an unknown name and for a wrong password alike, after the same work. */
  async verify(name: string, password: string): Promise<Account | undefined> {
    this.#nobody ??= await Bun.password.hash(randomBytes(16).toString("hex"), "argon2id");
    const row = this.#db
      .query<{ password: string; admin: number }, [string]>("SELECT password, admin FROM users WHERE name = ?")
      .get(name);
    const right = await Bun.password.verify(password.slice(0, PASSWORD_MAX) || " ", row?.password ?? this.#nobody);
    return right && row !== null ? { name, kind: "user", admin: row.admin !== 0 } : undefined;
  }

  /** Changes with the password: what was made from an old one can be told by it. undefined: no such user. */
  stamp(name: string): string | undefined {
    const row = this.#db.query<{ password: string }, [string]>("SELECT password FROM users WHERE name = ?").get(name);
    return row === null ? undefined : createHash("sha256").update(row.password).digest("base64url").slice(0, 16);
  }

  #put(name: string, hash: string, admin: boolean): void {
    requireOwnerName("user", name);
    if (this.#db.query("SELECT 1 FROM organisations WHERE name = ?").get(name) !== null)
      throw new HoyError("conflict", `${name} is an organisation`);
    // A new password ends the sessions that the old one opened.
    this.#db.query("DELETE FROM sessions WHERE user = ?").run(name);
    this.#db
      .query(
        `INSERT INTO users (name, password, admin, created_at) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET password = excluded.password, admin = excluded.admin`,
      )
      .run(name, hash, admin ? 1 : 0, Date.now());
  }
}
