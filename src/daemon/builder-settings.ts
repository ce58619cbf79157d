// "builder" in daemon.json: what may stay of the build cache, and what builds may be granted, by Docker's keys (gc.enabled,
// gc.defaultKeepStorage, gc.policy, entitlements, history). Strict: a key that is not understood is refused, as a policy that is not heeded fills a disk.

import { parseBytes } from "../base/bytes.ts";
import { HoyError } from "../base/error.ts";
import type { BuilderSettings, CachePolicySettings, CacheSpace, Space } from "../base/settings.ts";

/** Filters of a policy, besides "unused-for"; the builder's own (see build/cache/prune.ts). */
const FILTERS = ["id", "parent", "type", "description", "inuse", "shared", "private"];
/** The last is the old name of the first. */
const SPACES = ["reservedSpace", "maxUsedSpace", "minFreeSpace", "keepStorage"] as const;
const MAX_POLICIES = 100;
const MAX_HISTORY = 1000;
const UNIT_MS = { h: 3_600_000, m: 60_000, s: 1000 } as const;

/** @throws HoyError "invalid" */
export function builderSettings(value: unknown): BuilderSettings {
  const builder = objectOf(value, "builder", ["gc", "entitlements", "history"]);
  const gc = objectOf(builder.gc ?? {}, "builder.gc", ["enabled", "policy", ...SPACES.map(defaultKey)]);
  const { enabled = true, policy } = gc;
  if (typeof enabled !== "boolean") throw invalid("builder.gc.enabled", "must be true or false");
  if (policy !== undefined && (!Array.isArray(policy) || policy.length > MAX_POLICIES))
    throw invalid("builder.gc.policy", `must be a list of at most ${MAX_POLICIES}`);
  return {
    enabled,
    space: spaceOf(gc, "builder.gc", defaultKey),
    policies: policy?.map((each: unknown, index) => policyOf(each, `builder.gc.policy[${index}]`)),
    entitlements: entitlementsOf(builder.entitlements ?? {}),
    history: historyOf(builder.history ?? {}),
  };
}

/** BuildKit's defaults. A number is of seconds, as there. */
function historyOf(value: unknown): BuilderSettings["history"] {
  const where = "builder.history";
  const { maxAge = "48h", maxEntries = 50 } = objectOf(value, where, ["maxAge", "maxEntries"]);
  if (!Number.isSafeInteger(maxEntries) || Number(maxEntries) < 0 || Number(maxEntries) > MAX_HISTORY)
    throw invalid(`${where}.maxEntries`, `must be a number up to ${MAX_HISTORY}`);
  const seconds = typeof maxAge === "number" && Number.isSafeInteger(maxAge) && maxAge >= 0 ? maxAge : undefined;
  if (seconds === undefined && typeof maxAge !== "string")
    throw invalid(`${where}.maxAge`, 'must be a time such as "48h"');
  const maxAgeMs = seconds === undefined ? duration(String(maxAge), `${where}.maxAge`) : seconds * 1000;
  return { maxEntries: Number(maxEntries), maxAgeMs };
}

/** Docker's defaults: the host's network may be asked for, the host's root may not. */
function entitlementsOf(value: unknown): BuilderSettings["entitlements"] {
  const where = "builder.entitlements";
  const given = objectOf(value, where, ["network-host", "security-insecure"]);
  const flag = (key: string, usual: boolean): boolean => {
    const set = given[key] ?? usual;
    if (typeof set !== "boolean") throw invalid(`${where}.${key}`, "must be true or false");
    return set;
  };
  return { networkHost: flag("network-host", true), insecure: flag("security-insecure", false) };
}

function policyOf(value: unknown, where: string): CachePolicySettings {
  const policy = objectOf(value, where, ["all", "filter", ...SPACES]);
  const { all = false, filter = [] } = policy;
  if (typeof all !== "boolean") throw invalid(`${where}.all`, "must be true or false");
  if (!Array.isArray(filter) || !filter.every((each) => typeof each === "string"))
    throw invalid(`${where}.filter`, 'must be a list such as ["unused-for=48h"]');
  const filters: Record<string, string[]> = {};
  let unusedForMs: number | undefined;
  for (const text of filter) {
    const [, name = "", given = ""] = /^([a-z-]+)==?(.+)$/.exec(text) ?? [];
    if (name === "unused-for" || name === "until") unusedForMs = duration(given, `${where}.filter`);
    else if (FILTERS.includes(name)) filters[name] = [...(filters[name] ?? []), given];
    else throw invalid(`${where}.filter`, `${JSON.stringify(text)} is none of unused-for, ${FILTERS.join(", ")}`);
  }
  return { all, space: spaceOf(policy, where, (key) => key), unusedForMs, filters };
}

function objectOf(value: unknown, where: string, keys: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid(where, "must be an object");
  for (const key of Object.keys(value))
    if (!keys.includes(key)) throw invalid(where, `${JSON.stringify(key)} is none of ${keys.join(", ")}`);
  return value as Readonly<Record<string, unknown>>;
}

const defaultKey = (key: string) => `default${key.slice(0, 1).toUpperCase()}${key.slice(1)}`;

function spaceOf(given: Readonly<Record<string, unknown>>, where: string, keyOf: (key: string) => string): CacheSpace {
  const [reserved, maxUsed, minFree, old] = SPACES.map((key) => size(given[keyOf(key)], `${where}.${keyOf(key)}`));
  return { reserved: reserved ?? old, maxUsed, minFree };
}

/** Bytes, a text such as "20GB", or a part of the disk such as "25%"; undefined: not given. */
function size(value: unknown, where: string): Space | undefined {
  if (value === undefined) return undefined;
  if (typeof value === "string" && /^(?:100|\d{1,2})%$/.test(value)) return value;
  const bytes = typeof value === "string" ? parseBytes(value) : value;
  if (typeof bytes === "number" && Number.isSafeInteger(bytes) && bytes >= 0) return bytes;
  throw invalid(where, 'must be a size such as "20GB" or "25%"');
}

function duration(text: string, where: string): number {
  const parts = [...text.matchAll(/(\d{1,7})([hms])/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text)
    throw invalid(where, `${JSON.stringify(text)} is not a time such as "48h"`);
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * UNIT_MS[unit as keyof typeof UNIT_MS], 0);
}

function invalid(where: string, why: string): HoyError {
  return new HoyError("invalid", `"${where}": ${why}`);
}
