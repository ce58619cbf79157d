// Users and what they were given. Passwords are hashed by Bun's own argon2id, here and nowhere else; bcrypt hashes of an
// htpasswd file are taken as they are. May be open in a command while the server runs: SQLite keeps the two apart.

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { HoyError } from "../../../base/error.ts";
import { openDatabase } from "../../../state/database.ts";
import type { Action } from "../access.ts";
import { isRepositoryName } from "../names.ts";
import { registryMigrations } from "../schema.ts";

export type Role = "read" | "write" | "admin";

export const ROLES: readonly Role[] = ["read", "write", "admin"];

const ALLOWED: Record<Role, readonly Action[]> = {
  read: ["pull"],
  write: ["pull", "push"],
  admin: ["pull", "push", "delete"],
};

/** Also a repository's first component: every user has all rights under their own name. */
const USER = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;
const USER_LIMIT = 64;
const PASSWORD_MIN = 8;
const PASSWORD_MAX = 1024;
/** bcrypt looks at no more. */
const BCRYPT = /^\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}$/;

export interface User {
  readonly name: string;
  readonly admin: boolean;
}

export class Users {
  readonly #db: ReturnType<typeof openDatabase>;
  /** Of nobody's password: an unknown user costs as long as a wrong password. */
  #nobody: string | undefined;

  constructor(root: string) {
    this.#db = openDatabase(join(root, "registry.db"), registryMigrations);
  }

  /** Adds a user or changes the password. @throws HoyError "invalid" */
  async put(name: string, password: string, admin: boolean): Promise<void> {
    if (password.length < PASSWORD_MIN || password.length > PASSWORD_MAX)
      throw new HoyError("invalid", `a password has ${PASSWORD_MIN} to ${PASSWORD_MAX} characters`);
    this.#put(name, await Bun.password.hash(password, "argon2id"), admin);
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

  remove(name: string): boolean {
    return this.#db.transaction(() => {
      this.#db.query("DELETE FROM grants WHERE user = ?").run(name);
      return this.#db.query("DELETE FROM users WHERE name = ?").run(name).changes > 0;
    })();
  }

  user(name: string): User | undefined {
    const row = this.#db.query<{ admin: number }, [string]>("SELECT admin FROM users WHERE name = ?").get(name);
    return row === null ? undefined : { name, admin: row.admin !== 0 };
  }

  list(): User[] {
    return this.#db
      .query<{ name: string; admin: number }, []>("SELECT name, admin FROM users ORDER BY name")
      .all()
      .map(({ name, admin }) => ({ name, admin: admin !== 0 }));
  }

  /** undefined for an unknown name and for a wrong password alike, after the same work. */
  async verify(name: string, password: string): Promise<User | undefined> {
    this.#nobody ??= await Bun.password.hash(randomBytes(16).toString("hex"), "argon2id");
    const row = this.#db
      .query<{ password: string; admin: number }, [string]>("SELECT password, admin FROM users WHERE name = ?")
      .get(name);
    const right = await Bun.password.verify(password.slice(0, PASSWORD_MAX) || " ", row?.password ?? this.#nobody);
    return right && row !== null ? { name, admin: row.admin !== 0 } : undefined;
  }

  /** @param user "" is everybody, signed in or not. @throws HoyError "invalid", "not-found" */
  grant(user: string, pattern: string, role: Role): void {
    const name = pattern.endsWith("/*") ? pattern.slice(0, -2) : pattern;
    if (pattern !== "*" && !isRepositoryName(name))
      throw new HoyError("invalid", `${JSON.stringify(pattern)} is not a repository, "name/*" or "*"`);
    if (user !== "" && this.user(user) === undefined) throw new HoyError("not-found", `there is no user ${user}`);
    this.#db
      .query(`INSERT INTO grants (user, pattern, role) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET role = excluded.role`)
      .run(user, pattern, role);
  }

  revoke(user: string, pattern: string): boolean {
    return this.#db.query("DELETE FROM grants WHERE user = ? AND pattern = ?").run(user, pattern).changes > 0;
  }

  /** What `user` (undefined: somebody who has not signed in) may do with a repository. */
  actions(user: User | undefined, repository: string): readonly Action[] {
    if (user?.admin || (user !== undefined && repository.startsWith(`${user.name}/`))) return ALLOWED.admin;
    const parts = repository.split("/");
    const patterns = ["*", repository, ...parts.slice(0, -1).map((_, at) => `${parts.slice(0, at + 1).join("/")}/*`)];
    const rows = this.#db
      .query<{ role: Role }, [string, string]>(
        `SELECT role FROM grants WHERE user IN ('', ?) AND pattern IN (SELECT value FROM json_each(?))`,
      )
      .all(user?.name ?? "", JSON.stringify(patterns));
    const given = new Set(rows.flatMap(({ role }) => ALLOWED[role]));
    return ALLOWED.admin.filter((action) => given.has(action));
  }

  /** The key that signs tokens; made once, kept with the users. */
  secret(): Uint8Array {
    this.#db.query("INSERT OR IGNORE INTO secrets (name, value) VALUES ('token', ?)").run(randomBytes(32));
    const row = this.#db.query<{ value: Uint8Array }, []>("SELECT value FROM secrets WHERE name = 'token'").get();
    if (row === null) throw new HoyError("internal", "the token secret was not kept");
    return row.value;
  }

  close(): void {
    this.#db.close();
  }

  #put(name: string, hash: string, admin: boolean): void {
    if (!USER.test(name) || name.length > USER_LIMIT)
      throw new HoyError("invalid", `invalid user name ${JSON.stringify(name.slice(0, 100))}`, {
        hint: "lower-case letters and digits, with single . _ - between them",
      });
    this.#db
      .query(
        `INSERT INTO users (name, password, admin, created_at) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET password = excluded.password, admin = excluded.admin`,
      )
      .run(name, hash, admin ? 1 : 0, Date.now());
  }
}
