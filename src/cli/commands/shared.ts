// What many commands have in common: the --format flag, filters on the wire, going on after a failure, asking first.

import { FailureList } from "../base/errors.ts";
import type { Context } from "../command.ts";
import { type FilterMap, flag } from "../flag.ts";

const FORMATS = [
  "Format output using a custom template:",
  "'table':            Print output in table format with column headers (default)",
  "'table TEMPLATE':   Print output in table format using the given Go template",
  "'json':             Print in JSON format",
  "'TEMPLATE':         Print output using the given Go template.",
].join("\n");

export const listFormat = () => flag.string(FORMATS);

const INSPECT_FORMATS = [
  "Format output using a custom template:",
  "'json':             Print in JSON format",
  "'TEMPLATE':         Print output using the given Go template.",
].join("\n");

export const inspectFormat = () => flag.string(INSPECT_FORMATS, { short: "f" });

export const listFilter = () => flag.filter("Filter output based on conditions provided", { short: "f" });

/** The API's `filters`: {"name":{"value":true}}; undefined when there are none. */
export function filterQuery(filters: FilterMap): string | undefined {
  if (filters.size === 0) return undefined;
  const entries = [...filters].map(([name, values]) => [
    name,
    Object.fromEntries(values.map((value) => [value, true])),
  ]);
  return JSON.stringify(Object.fromEntries(entries));
}

/**
 * Does `act` for every argument, all at once but at most 50, and prints each argument that worked, in order (none where
 * `act` gives false); goes on after failures and ends with them.
 * @throws ExitError 1
 */
export async function forEachArgument(
  { io }: Context,
  names: readonly string[],
  act: (name: string) => Promise<unknown>,
): Promise<void> {
  const failures = new FailureList();
  const running: Promise<unknown>[] = [];
  const results = names.map((name, at) => {
    const result = (running[at - 50] ?? Promise.resolve()).then(() => act(name));
    running.push(result.catch(() => undefined));
    return result;
  });
  // Their failures are looked at one by one below; none may count as unhandled meanwhile.
  for (const result of results) result.catch(() => undefined);
  for (const [at, result] of results.entries()) {
    try {
      if ((await result) !== false) io.stdout.line(names[at] ?? "");
    } catch (thrown) {
      failures.add(thrown);
    }
  }
  failures.raise();
}

/** Asks; anything but y or yes is no. */
export async function confirm({ io }: Context, question: string): Promise<boolean> {
  io.stdout.print(`${question} [y/N] `);
  let line = "";
  for await (const piece of io.stdin.read()) {
    line += Buffer.from(piece).toString();
    if (line.includes("\n")) break;
  }
  return ["y", "yes"].includes((line.split("\n")[0] ?? "").trim().toLowerCase());
}

/** pruneFilters of the configuration, added to the command's own. */
export function pruneFilters({ config }: Context, given: FilterMap): FilterMap {
  const merged = new Map(given);
  for (const entry of config.data.pruneFilters ?? []) {
    const at = entry.indexOf("=");
    if (at <= 0) continue;
    const [name, value] = [entry.slice(0, at), entry.slice(at + 1)];
    // One's own label wins over the configured one of the opposite sense.
    const opposite = name === "label" ? "label!" : name === "label!" ? "label" : undefined;
    if (opposite !== undefined && given.get(opposite)?.includes(value) === true) continue;
    merged.set(name, [...(merged.get(name) ?? []), value]);
  }
  return merged;
}
