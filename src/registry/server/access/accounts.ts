// All accounts of a registry, and the questions that concern more than one kind: who is this, what may they do, and what
// goes with a name that goes. May be open in a command while the server runs: SQLite keeps the two apart.

import type { Database } from "bun:sqlite";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { HoyError } from "../../../base/error.ts";
import { openDatabase } from "../../../state/database.ts";
import type { Action } from "../access.ts";
import { Sessions } from "../api/sessions.ts";
import { registryMigrations } from "../schema.ts";
import { type Account, EVERYBODY, type Grant, Grants, type Role } from "./grants.ts";
import { parseRobotName } from "./names.ts";
import { Organisations } from "./organisations.ts";
import { Robots, withinOwner } from "./robots.ts";
import { looksLikeToken, narrow, type TokenInfo, Tokens } from "./tokens.ts";
import { Users } from "./users.ts";

/** Who a request is from, as it has shown. */
export interface Principal {
  /** undefined: nobody in particular. */
  readonly account: Account | undefined;
  /** The token it was shown with, which may narrow what the account may do. */
  readonly token: TokenInfo | undefined;
}

export const NOBODY: Principal = { account: undefined, token: undefined };

export class Accounts {
  readonly users: Users;
  readonly organisations: Organisations;
  readonly robots: Robots;
  readonly tokens: Tokens;
  readonly grants: Grants;
  readonly sessions: Sessions;
  readonly #db: Database;
  #secret: Uint8Array | undefined;

  constructor(root: string) {
    this.#db = openDatabase(join(root, "registry.db"), registryMigrations);
    this.users = new Users(this.#db);
    this.organisations = new Organisations(this.#db);
    this.robots = new Robots(this.#db);
    this.tokens = new Tokens(this.#db);
    this.grants = new Grants(this.#db);
    this.sessions = new Sessions(this.#db, () => this.secret());
  }

  /** A user or a robot. */
  account(name: string): Account | undefined {
    return parseRobotName(name) === undefined ? this.users.get(name) : this.robots.get(name);
  }

  /** By password or token. undefined for whatever is wrong, an unknown name included. */
  async verify(name: string, password: string): Promise<Principal | undefined> {
    if (looksLikeToken(password)) {
      const found = this.byToken(password);
      return found?.account?.name === name ? found : undefined;
    }
    const account = await this.users.verify(name, password);
    return account === undefined ? undefined : { account, token: undefined };
  }

  /** Whom a token's text belongs to. */
  byToken(text: string): Principal | undefined {
    const token = this.tokens.verify(text);
    const account = token === undefined ? undefined : this.account(token.account);
    return account === undefined ? undefined : { account, token };
  }

  /** What a signed token is made from (jwt.ts): undoing it undoes the token. */
  via({ account, token }: Principal): string {
    if (account === undefined) return "";
    return token?.id ?? this.users.stamp(account.name) ?? "";
  }

  /** The account a signed token names, if what it was made from still holds. */
  bySigned(name: string, via: string): Principal | undefined {
    if (name === "") return NOBODY;
    const account = this.account(name);
    if (account === undefined) return undefined;
    if (account.kind === "user" && via === this.users.stamp(name)) return { account, token: undefined };
    const token = this.tokens.live(via);
    return token?.account === name ? { account, token } : undefined;
  }

  actions({ account, token }: Principal, repository: string): readonly Action[] {
    return narrow(this.grants.actions(account, repository), token?.scopes, repository);
  }

  /** Whether they may change the members, robots and settings of what is under `owner`. */
  manages({ account, token }: Principal, owner: string): boolean {
    if (account === undefined || account.kind !== "user" || token?.scopes !== undefined) return false;
    if (account.admin || account.name === owner) return true;
    return this.organisations.of(account.name).some((each) => each.organisation === owner && each.role === "admin");
  }

  /** @param name A user, a robot, an organisation (all its members), or EVERYBODY. @throws HoyError "not-found", "invalid" */
  grant(name: string, pattern: string, role: Role): void {
    const known = name === EVERYBODY || this.account(name) !== undefined || this.organisations.exists(name);
    if (!known) throw new HoyError("not-found", `there is no user, organisation or robot ${name}`);
    if (parseRobotName(name) !== undefined && !withinOwner(name, pattern))
      throw new HoyError("invalid", `${name} can only be let into its owner's repositories, not ${pattern}`);
    this.grants.grant(name, pattern, role);
  }

  /** A robot with its grants and first token, or nothing of it. @returns the token. @throws as robots.create and grant */
  createRobot(name: string, wanted: readonly Omit<Grant, "account">[], expiresAt: number | undefined): string {
    return this.#db.transaction(() => {
      this.robots.create(name);
      for (const { pattern, role } of wanted) this.grant(name, pattern, role);
      return this.tokens.create(name, "", undefined, expiresAt).text;
    })();
  }

  /** With its grants, tokens, robots and sessions; repositories stay. */
  removeUser(name: string): boolean {
    return this.#remove("users", name);
  }

  /** With its members' rights and its robots; repositories stay, for the admins. */
  removeOrganisation(name: string): boolean {
    return this.#remove("organisations", name);
  }

  removeRobot(name: string): boolean {
    return this.#remove("robots", name);
  }

  /** The key that signs tokens; made once, kept with the users. */
  secret(): Uint8Array {
    this.#secret ??= this.#readSecret();
    return this.#secret;
  }

  close(): void {
    this.#db.close();
  }

  #remove(table: "users" | "organisations" | "robots", name: string): boolean {
    return this.#db.transaction(() => {
      const gone = this.#db.query(`DELETE FROM ${table} WHERE name = ?`).run(name).changes > 0;
      if (!gone) return false;
      const robots = table === "robots" ? [] : this.robots.list(name);
      for (const robot of robots) this.#remove("robots", robot.name);
      this.#db.query("DELETE FROM grants WHERE user = ?").run(name);
      this.#db.query("DELETE FROM tokens WHERE account = ?").run(name);
      return true;
    })();
  }

  #readSecret(): Uint8Array {
    this.#db.query("INSERT OR IGNORE INTO secrets (name, value) VALUES ('token', ?)").run(randomBytes(32));
    const row = this.#db.query<{ value: Uint8Array }, []>("SELECT value FROM secrets WHERE name = 'token'").get();
    if (row === null) throw new HoyError("internal", "the token secret was not kept");
    return row.value;
  }
}
