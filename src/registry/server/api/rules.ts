// /api/v1/rules: immutable tags and retention; for admins of the registry.

import * as v from "valibot";
import { type Call, empty, json, notAllowed } from "../call.ts";
import { RegistryError } from "../errors.ts";
import type { Rules } from "../policy/rules.ts";
import type { Caller } from "./caller.ts";
import { inWords } from "./in-words.ts";
import { readJsonBody } from "./session.ts";

const FORM_LIMIT = 4096;
const MS_PER_S = 1000;
const where = { repository: v.string(), tags: v.optional(v.string(), "*") };
const count = v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)));
const immutable = v.strictObject(where);
const retention = v.strictObject({ ...where, keep: count, olderThanSeconds: count, untaggedSeconds: count });

export type RuleKind = "immutable" | "retention";

/** GET: all rules of both kinds. */
export function listRules(call: Call, rules: Rules, caller: Caller): void {
  requireAdmin(caller);
  if (call.method !== "GET") throw notAllowed();
  json(call, 200, {
    immutable: rules.immutables().map(({ id, pattern, tags }) => ({ id, repository: pattern, tags })),
    retention: rules.retentions().map(({ id, pattern, tags, keep, age, untagged }) => ({
      id,
      repository: pattern,
      tags,
      keep,
      olderThanSeconds: seconds(age),
      untaggedSeconds: seconds(untagged),
    })),
  });
}

/** POST: makes one. */
export async function addRule(call: Call, rules: Rules, caller: Caller, kind: RuleKind): Promise<void> {
  requireAdmin(caller);
  if (call.method !== "POST") throw notAllowed();
  const id = kind === "immutable" ? await addImmutable(call, rules) : await addRetention(call, rules);
  json(call, 201, { id });
}

/** DELETE: takes one away. */
export function removeRule(call: Call, rules: Rules, caller: Caller, kind: RuleKind, id: string): void {
  requireAdmin(caller);
  if (call.method !== "DELETE") throw notAllowed();
  if (!/^\d{1,15}$/.test(id) || !rules.remove(kind, Number(id)))
    throw new RegistryError(404, "UNKNOWN", `there is no ${kind} rule ${id.slice(0, 20)}`);
  empty(call, 204);
}

async function addImmutable(call: Call, rules: Rules): Promise<number> {
  const { repository, tags } = await readJsonBody(call, immutable, FORM_LIMIT);
  return inWords(() => rules.addImmutable(repository, tags));
}

async function addRetention(call: Call, rules: Rules): Promise<number> {
  const given = await readJsonBody(call, retention, FORM_LIMIT);
  const ms = (value: number | undefined) => (value === undefined ? null : value * MS_PER_S);
  return inWords(() =>
    rules.addRetention({
      pattern: given.repository,
      tags: given.tags,
      keep: given.keep ?? null,
      age: ms(given.olderThanSeconds),
      untagged: ms(given.untaggedSeconds),
    }),
  );
}

const seconds = (ms: number | null) => (ms === null ? null : ms / MS_PER_S);

/** @throws RegistryError */
function requireAdmin(caller: Caller): void {
  if (caller.admin) return;
  if (caller.user === undefined) throw new RegistryError(401, "UNAUTHORIZED", "authentication required");
  throw new RegistryError(403, "DENIED", "requested access to the resource is denied");
}
