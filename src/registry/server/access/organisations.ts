// Organisations: names that several users share. A member's role in "team" is that role in every repository under
// "team/"; an admin's is also the say over its members and robots.

import type { Database } from "bun:sqlite";
import { HoyError } from "../../../base/error.ts";
import type { Role } from "./grants.ts";
import { requireOwnerName } from "./names.ts";

export interface Member {
  readonly organisation: string;
  readonly user: string;
  readonly role: Role;
}

export class Organisations {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @throws HoyError "invalid", "conflict" when the name is taken */
  create(name: string): void {
    requireOwnerName("organisation", name);
    this.#db.transaction(() => {
      if (this.exists(name)) throw new HoyError("conflict", `there is an organisation ${name} already`);
      if (this.#db.query("SELECT 1 FROM users WHERE name = ?").get(name) !== null)
        throw new HoyError("conflict", `${name} is a user`);
      this.#db.query("INSERT INTO organisations (name, created_at) VALUES (?, ?)").run(name, Date.now());
    })();
  }

  exists(name: string): boolean {
    return this.#db.query("SELECT 1 FROM organisations WHERE name = ?").get(name) !== null;
  }

  list(): string[] {
    return this.#db
      .query<{ name: string }, []>("SELECT name FROM organisations ORDER BY name")
      .all()
      .map(({ name }) => name);
  }

  /** Adds a member, or changes the role. @throws HoyError "not-found" */
  setMember(organisation: string, user: string, role: Role): void {
    this.#db.transaction(() => {
      if (!this.exists(organisation)) throw new HoyError("not-found", `there is no organisation ${organisation}`);
      if (this.#db.query("SELECT 1 FROM users WHERE name = ?").get(user) === null)
        throw new HoyError("not-found", `there is no user ${user}`);
      this.#db
        .query(
          `INSERT INTO members (organisation, user, role) VALUES (?, ?, ?)
           ON CONFLICT DO UPDATE SET role = excluded.role`,
        )
        .run(organisation, user, role);
    })();
  }

  removeMember(organisation: string, user: string): boolean {
    const removal = this.#db.query("DELETE FROM members WHERE organisation = ? AND user = ?");
    return removal.run(organisation, user).changes > 0;
  }

  members(organisation: string): Member[] {
    return this.#db
      .query<Member, [string]>("SELECT organisation, user, role FROM members WHERE organisation = ? ORDER BY user")
      .all(organisation);
  }

  /** Where `user` is a member. */
  of(user: string): Member[] {
    return this.#db
      .query<Member, [string]>("SELECT organisation, user, role FROM members WHERE user = ? ORDER BY organisation")
      .all(user);
  }
}
