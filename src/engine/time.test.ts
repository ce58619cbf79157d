import { expect, test } from "bun:test";
import fc from "fast-check";
import { formatNs, humanDuration, nowNs, parseRfc3339, parseTimestamp } from "./time.ts";

test("RFC 3339 keeps every nanosecond, there and back", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 4_000_000_000_000_000_000n }), (ns) => {
      expect(parseRfc3339(formatNs(ns))).toBe(ns);
    }),
  );
});

test("offsets and short fractions are read", () => {
  expect(parseRfc3339("2026-01-01T02:00:00.5+02:00")).toBe(parseRfc3339("2026-01-01T00:00:00.500000000Z"));
  expect(parseRfc3339("2026-01-01 00:00:00Z")).toBeUndefined();
  expect(parseRfc3339("2026-13-01T00:00:00Z")).toBeUndefined();
});

test("Unix time as text, with a fraction down to the nanosecond", () => {
  expect(parseTimestamp("1700000000.123456789")).toBe(1_700_000_000_123_456_789n);
  expect(parseTimestamp("1700000000")).toBe(1_700_000_000_000_000_000n);
  expect(parseTimestamp("0")).toBe(0n);
  expect(() => parseTimestamp("yesterday")).toThrow('failed to parse value as time or duration: "yesterday"');
});

test("now is the wall clock's now, and never goes back", () => {
  const before = BigInt(Date.now()) * 1_000_000n;
  const times = Array.from({ length: 100 }, () => nowNs());
  expect(times.every((time, index) => index === 0 || time >= (times[index - 1] ?? 0n))).toBe(true);
  const off = (times[0] ?? 0n) - before;
  expect(off > -25_000_000n && off < 1_000_000_000n).toBe(true);
});

test.each([
  [999, "Less than a second"],
  [1000, "1 second"],
  [59_000, "59 seconds"],
  [60_000, "About a minute"],
  [46 * 60_000, "46 minutes"],
  [3_600_000, "About an hour"],
  [47 * 3_600_000, "47 hours"],
  [48 * 3_600_000, "2 days"],
  [14 * 86_400_000, "2 weeks"],
  [60 * 86_400_000, "2 months"],
  [800 * 86_400_000, "2 years"],
])("%p ms is %p", (ms, words) => {
  expect(humanDuration(ms)).toBe(words);
});
