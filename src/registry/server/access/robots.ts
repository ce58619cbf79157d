// Robots: accounts for machines, "owner+name". A robot has no password, only tokens; it may do what was granted to it,
// and nothing outside the repositories of its owner, whatever a grant says.

import type { Database } from "bun:sqlite";
import { HoyError } from "../../../base/error.ts";
import type { Account } from "./grants.ts";
import { parseRobotName } from "./names.ts";

export interface Robot {
  readonly name: string;
  readonly owner: string;
}

export class Robots {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @throws HoyError "invalid", "not-found" without such an owner, "conflict" */
  create(name: string): void {
    const parsed = parseRobotName(name);
    if (parsed === undefined)
      throw new HoyError("invalid", `invalid robot name ${JSON.stringify(name.slice(0, 150))}: want OWNER+NAME`);
    this.#db.transaction(() => {
      const owner = this.#db.query(
        "SELECT 1 FROM users WHERE name = ?1 UNION ALL SELECT 1 FROM organisations WHERE name = ?1",
      );
      if (owner.get(parsed.owner) === null)
        throw new HoyError("not-found", `there is no user or organisation ${parsed.owner}`);
      if (this.get(name) !== undefined) throw new HoyError("conflict", `there is a robot ${name} already`);
      const row = this.#db.query("INSERT INTO robots (name, owner, created_at) VALUES (?, ?, ?)");
      row.run(name, parsed.owner, Date.now());
    })();
  }

  get(name: string): Account | undefined {
    const row = this.#db.query("SELECT 1 FROM robots WHERE name = ?").get(name);
    return row === null ? undefined : { name, kind: "robot", admin: false };
  }

  /** @param owner undefined: all there are. */
  list(owner?: string): Robot[] {
    return this.#db
      .query<Robot, [string | null]>("SELECT name, owner FROM robots WHERE ?1 IS NULL OR owner = ?1 ORDER BY name")
      .all(owner ?? null);
  }
}

/** Whether a grant of `pattern` stays within what the robot's owner has. */
export function withinOwner(robot: string, pattern: string): boolean {
  const owner = parseRobotName(robot)?.owner;
  return owner !== undefined && pattern.startsWith(`${owner}/`);
}
