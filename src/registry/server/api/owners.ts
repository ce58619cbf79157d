// /api/v1/owners/OWNER/…: an organisation's members, and robots of a user or an organisation; for who manages OWNER.

import * as v from "valibot";
import type { Accounts } from "../access/accounts.ts";
import { ROLES } from "../access/grants.ts";
import { type Call, empty, json, notAllowed } from "../call.ts";
import { RegistryError } from "../errors.ts";
import type { Caller, People } from "./caller.ts";
import { inWords } from "./in-words.ts";
import { readJsonBody } from "./session.ts";

const FORM_LIMIT = 64 * 1024;
const DAY_MS = 24 * 60 * 60 * 1000;
const role = v.picklist(ROLES);
const member = v.strictObject({ role });
const grants = v.pipe(v.array(v.strictObject({ repository: v.string(), role })), v.maxLength(100));
const robot = v.strictObject({
  name: v.string(),
  grants,
  expiresInDays: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(3650))),
});
/** What is shown once must not stay in a cache. */
const PRIVATE = { "Cache-Control": "no-store" };

export interface OwnerDesk {
  readonly people: People;
  readonly caller: Caller;
}

/** GET: all of them; PUT of one: `{role}`, adds or changes; DELETE of one. @param user undefined: the list */
export async function members(call: Call, desk: OwnerDesk, owner: string, user: string | undefined): Promise<void> {
  const { organisations } = managed(desk, owner);
  if (!organisations.exists(owner)) throw unknown("organisation", owner);
  if (user === undefined) {
    if (call.method !== "GET") throw notAllowed();
    const found = organisations.members(owner).map((each) => ({ user: each.user, role: each.role }));
    return json(call, 200, { members: found }, PRIVATE);
  }
  if (call.method === "PUT") {
    const given = await readJsonBody(call, member, FORM_LIMIT);
    inWords(() => organisations.setMember(owner, user, given.role));
    return json(call, 200, { user, role: given.role }, PRIVATE);
  }
  if (call.method !== "DELETE") throw notAllowed();
  if (!organisations.removeMember(owner, user)) throw unknown("member", user);
  empty(call, 204);
}

/** GET: all; POST: makes one, and gives its token this once; DELETE of one. @param name Without the owner; undefined: the list */
export async function robots(call: Call, desk: OwnerDesk, owner: string, name: string | undefined): Promise<void> {
  const accounts = managed(desk, owner);
  if (name !== undefined) {
    if (call.method !== "DELETE") throw notAllowed();
    if (!accounts.removeRobot(`${owner}+${name}`)) throw unknown("robot", `${owner}+${name}`);
    return empty(call, 204);
  }
  if (call.method === "GET") return json(call, 200, { robots: listed(accounts, owner) }, PRIVATE);
  if (call.method !== "POST") throw notAllowed();
  const given = await readJsonBody(call, robot, FORM_LIMIT);
  const full = `${owner}+${given.name}`;
  const expires = given.expiresInDays === undefined ? undefined : Date.now() + given.expiresInDays * DAY_MS;
  const wanted = given.grants.map(({ repository, role: each }) => ({ pattern: repository, role: each }));
  const token = inWords(() => accounts.createRobot(full, wanted, expires));
  json(call, 201, { name: full, token }, PRIVATE);
}

function listed({ robots: all, grants: given, tokens }: Accounts, owner: string) {
  return all.list(owner).map(({ name }) => ({
    name,
    grants: given.list(name).map(({ pattern, role: each }) => ({ repository: pattern, role: each })),
    tokens: tokens.list(name).map(({ id, expiresAt }) => ({
      id,
      expiresAt: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
    })),
  }));
}

/** @throws RegistryError unless the caller manages the owner; whether there is such an owner is not told to others. */
function managed({ people, caller }: OwnerDesk, owner: string): Accounts {
  if (people === undefined) throw new RegistryError(405, "UNSUPPORTED", "this registry runs without users (--users)");
  if (caller.manages(owner)) return people.accounts;
  if (caller.user === undefined) throw new RegistryError(401, "UNAUTHORIZED", "authentication required");
  throw new RegistryError(403, "DENIED", "requested access to the resource is denied");
}

function unknown(what: string, name: string): RegistryError {
  return new RegistryError(404, "UNKNOWN", `there is no ${what} ${name}`);
}
