import { expect, test } from "bun:test";
import type { Filters } from "../api/backend.ts";
import {
  booleanFilter,
  checkFilters,
  matchLabelFilters,
  matchLabels,
  matchPattern,
  parseGoDuration,
  untilFilter,
} from "./filters.ts";
import { nowNs } from "./time.ts";

const filters = (wanted: Record<string, string[]>): Filters =>
  new Map(Object.entries(wanted).map(([key, values]) => [key, new Set(values)]));

test("labels: all of them, by key or by key and value", () => {
  const labels = { a: "1", b: "x=y" };
  expect(matchLabels(new Set(["a"]), labels)).toBe(true);
  expect(matchLabels(new Set(["a", "b=x=y"]), labels)).toBe(true);
  expect(matchLabels(new Set(["a=2"]), labels)).toBe(false);
  expect(matchLabels(new Set(["toString"]), labels)).toBe(false);
  expect(matchLabelFilters(filters({ "label!": ["a=1"] }), labels)).toBe(false);
  expect(matchLabelFilters(filters({ "label!": ["a=2", "c"] }), labels)).toBe(true);
});

test("names match as regular expressions, and what is none as plain text", () => {
  expect(matchPattern(new Set(["^/we"]), "/web")).toBe(true);
  expect(matchPattern(new Set(["eb"]), "/web")).toBe(true);
  expect(matchPattern(new Set(["^we"]), "/web")).toBe(false);
  expect(matchPattern(new Set(["["]), "/w[eb")).toBe(true);
});

test("unknown keys and odd values are errors in Docker's words", () => {
  expect(() => checkFilters(filters({ nope: ["1"] }), ["label"])).toThrow("invalid filter 'nope'");
  expect(booleanFilter(filters({ dangling: ["true"] }), "dangling")).toBe(true);
  expect(booleanFilter(filters({ dangling: ["0"] }), "dangling")).toBe(false);
  expect(booleanFilter(filters({}), "dangling")).toBeUndefined();
  expect(() => booleanFilter(filters({ dangling: ["maybe"] }), "dangling")).toThrow("invalid filter 'dangling=");
});

test("until is a time or an age", () => {
  expect(untilFilter(filters({ until: ["1700000000"] }))).toBe(1_700_000_000_000_000_000n);
  const anHourAgo = untilFilter(filters({ until: ["1h"] })) ?? 0n;
  expect(nowNs() - anHourAgo >= 3_600_000_000_000n).toBe(true);
  expect(() => untilFilter(filters({ until: ["1h", "2h"] }))).toThrow("more than one until filter");
});

test("Go's durations", () => {
  expect(parseGoDuration("1h30m")).toBe(5_400_000_000_000n);
  expect(parseGoDuration("1.5s")).toBe(1_500_000_000n);
  expect(parseGoDuration("10")).toBeUndefined();
  expect(parseGoDuration("1d")).toBeUndefined();
});
