// Filters of the build history, as buildx sends them (BuildKit, solver/llbsolver/history.go): conditions of one filter
// hold together, several filters are each enough. Texts are taken as they are, where BuildKit has expressions ("~=").

import { HoyError } from "../../../base/error.ts";
import type { HistoryRecord } from "./history.ts";
import { nanoseconds } from "./time.ts";

type Match = (record: HistoryRecord) => boolean;

const MAX_FILTERS = 20;
const MAX_TEXT = 1000;
const UNITS_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
  ns: 1e-6,
};

/** @throws HoyError "invalid" for one that can't be read. */
export function historyFilter(filters: readonly string[]): Match {
  if (filters.length > MAX_FILTERS) throw new HoyError("invalid", `more than ${MAX_FILTERS} filters`);
  const all = filters.map((filter) => {
    if (filter.length > MAX_TEXT) throw new HoyError("invalid", "a filter that is too long");
    const conditions = filter
      .split(",")
      .filter((each) => each.trim() !== "")
      .map((each) => conditionOf(each.trim()));
    return (record: HistoryRecord) => conditions.every((condition) => condition(record));
  });
  return (record) => all.length === 0 || all.some((match) => match(record));
}

function conditionOf(text: string): Match {
  const [, key = "", sign = "", given = ""] = /^([A-Za-z.]+)\s*(>=|<=|==|!=|~=|=|>|<)\s*(.*)$/s.exec(text) ?? [];
  const value = given.replace(/^"(.*)"$/s, "$1");
  if (key === "startedAt" || key === "completedAt" || key === "duration") return timeCondition(key, sign, value, text);
  const textOf = Object.hasOwn(TEXTS, key) ? TEXTS[key] : undefined;
  if (textOf === undefined)
    throw new HoyError("invalid", `invalid history filter ${JSON.stringify(text.slice(0, 100))}`);
  switch (sign) {
    case "=":
    case "==":
      return (record) => textOf(record) === value;
    case "!=":
      return (record) => textOf(record) !== value;
    case "~=":
      return (record) => textOf(record)?.includes(value) === true;
    default:
      throw new HoyError("invalid", `${key} can't be compared by ${sign}`);
  }
}

const TEXTS: Readonly<Record<string, (record: HistoryRecord) => string | undefined>> = {
  ref: ({ ref }) => ref,
  status({ completedAt, error }) {
    if (completedAt === undefined) return "running";
    if (error === undefined) return "completed";
    return error.message?.includes("context canceled") === true ? "canceled" : "error";
  },
  repository: ({ frontendAttrs = {} }) =>
    frontendAttrs["vcs:source"] ?? /^((?:https?|git|ssh):\/\/[^#]+|git@[^#]+)/.exec(frontendAttrs.context ?? "")?.[1],
};

function timeCondition(
  key: "startedAt" | "completedAt" | "duration",
  sign: string,
  value: string,
  text: string,
): Match {
  const span = durationMs(value);
  const at = Date.parse(value);
  const wanted = key === "duration" ? span : span !== undefined ? Date.now() - span : Number.isNaN(at) ? undefined : at;
  const invalid = new HoyError("invalid", `invalid history filter ${JSON.stringify(text.slice(0, 100))}`);
  if (wanted === undefined) throw invalid;
  const compare = COMPARISONS[sign];
  if (compare === undefined) throw invalid;
  return ({ createdAt, completedAt }) => {
    const [started, completed] = [milliseconds(createdAt), milliseconds(completedAt)];
    if (key === "startedAt") return compare(started ?? 0, wanted);
    if (key === "completedAt") return compare(completed ?? 0, wanted);
    return compare(started === undefined || completed === undefined ? 0 : completed - started, wanted);
  };
}

const COMPARISONS: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  ">=": (left, right) => left >= right,
  "<=": (left, right) => left <= right,
  ">": (left, right) => left > right,
  "<": (left, right) => left < right,
};

function milliseconds(time: HistoryRecord["createdAt"]): number | undefined {
  return time === undefined ? undefined : Number(nanoseconds(time) / 1_000_000n);
}

/** Go's, such as "1h30m"; undefined: it is none. */
function durationMs(text: string): number | undefined {
  const parts = [...text.matchAll(/(\d{1,9}(?:\.\d{1,9})?)(h|ms|m|s|us|µs|ns)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join("") !== text) return undefined;
  return parts.reduce((sum, [, count, unit = "s"]) => sum + Number(count) * (UNITS_MS[unit] ?? 0), 0);
}
