// The `filters` parameter of the API: JSON, in either of its two spellings, {"status":["running"]} (old) and
// {"status":{"running":true}} (moby api/types/filters). Which keys a verb knows is the verb's business.

import { HoyError } from "../base/error.ts";
import type { Filters } from "./backend.ts";

const MAX_TEXT = 256 * 1024;

/** Reads either spelling; an absent or empty text is no filter. @throws HoyError "invalid" with Docker's words. */
export function parseFilters(text: string | null | undefined): Filters {
  if (text === null || text === undefined || text === "") return new Map();
  const bad = () => new HoyError("invalid", "invalid filter");
  if (text.length > MAX_TEXT) throw bad();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw bad();
  }
  if (value === null) return new Map();
  if (typeof value !== "object" || Array.isArray(value)) throw bad();
  const filters = new Map<string, Set<string>>();
  for (const [key, wanted] of Object.entries(value)) {
    if (wanted === null) filters.set(key, new Set());
    else if (Array.isArray(wanted)) filters.set(key, new Set(wanted.map((each) => string(each, bad))));
    else if (typeof wanted === "object") filters.set(key, new Set(trueKeys(wanted, bad)));
    else throw bad();
  }
  return filters;
}

/** The newer spelling, or undefined when there is nothing to say (then the parameter is left out). */
export function encodeFilters(filters: Filters): string | undefined {
  if (filters.size === 0) return undefined;
  const plain = [...filters].map(([key, values]) => [
    key,
    Object.fromEntries([...values].map((value) => [value, true])),
  ]);
  return JSON.stringify(Object.fromEntries(plain));
}

function string(value: unknown, bad: () => HoyError): string {
  if (typeof value !== "string") throw bad();
  return value;
}

/** Docker keeps a value that is mapped to false too; only the type is checked. */
function trueKeys(value: object, bad: () => HoyError): string[] {
  for (const flag of Object.values(value)) if (typeof flag !== "boolean") throw bad();
  return Object.keys(value);
}
