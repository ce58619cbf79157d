// Sizes, times, ports and columns, as docker prints them. The expected texts are what go-units, time and text/tabwriter
// give.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatDuration, parseDuration } from "../base/duration.ts";
import { isIP } from "../base/ip.ts";
import { compareNatural, ellipsis } from "../base/text.ts";
import { formatPorts } from "./ports.ts";
import { alignTabs } from "./tabs.ts";
import { apiTimestamp, goTime, rfc3339Nano } from "./time.ts";
import { bytesSize, humanDuration, humanSize, humanSizeWithPrecision, parseBytes } from "./units.ts";

describe("sizes", () => {
  test.each([
    [0, "0B"],
    [999, "999B"],
    [1000, "1kB"],
    [1024, "1.024kB"],
    [1_234_567, "1.235MB"],
    [1_000_000, "1MB"],
    [999_999, "1000kB"],
    [123_456_789_012, "123.5GB"],
  ])("%i is %s", (size, text) => expect(humanSize(size)).toBe(text));

  test("three digits, and powers of two", () => {
    expect(humanSizeWithPrecision(4_261_550, 3)).toBe("4.26MB");
    expect(humanSizeWithPrecision(178_000_000, 3)).toBe("178MB");
    expect(humanSizeWithPrecision(999_500, 3)).toBe("1e+03kB");
    expect(bytesSize(8_000_000_000)).toBe("7.451GiB");
    expect(bytesSize(696_320)).toBe("680KiB");
  });

  test.each([
    ["32", 32],
    ["32b", 32],
    ["32B", 32],
    ["32k", 32 * 1024],
    ["32KiB", 32 * 1024],
    ["32.5kB", 33280],
    ["32 kb", 32 * 1024],
    ["1e3", 1000],
    ["5t", 5 * 1024 ** 4],
  ])("%s is %i bytes", (text, size) => expect(parseBytes(text)).toBe(size));

  test.each(["", "hello", "-32", " 32 ", "32m b", "32bm", "32xb", ".", "1.2.3"])("%p is no size", (text) =>
    expect(() => parseBytes(text)).toThrow(),
  );
});

describe("times", () => {
  test.each([
    [0.45, "Less than a second"],
    [1, "1 second"],
    [45, "45 seconds"],
    [46, "46 seconds"],
    [60, "About a minute"],
    [119, "About a minute"],
    [120, "2 minutes"],
    [3599, "59 minutes"],
    [3600, "About an hour"],
    [5399, "About an hour"],
    [5400, "2 hours"],
    [47 * 3600, "47 hours"],
    [48 * 3600, "2 days"],
    [14 * 86400, "2 weeks"],
    [60 * 86400, "2 months"],
    [730 * 86400, "2 years"],
  ])("%d seconds are %s", (seconds, text) => expect(humanDuration(seconds)).toBe(text));

  test("durations are read as they are written", () => {
    expect(formatDuration(parseDuration("1h30m"))).toBe("1h30m0s");
    expect(formatDuration(parseDuration("1.5s"))).toBe("1.5s");
    expect(formatDuration(parseDuration("20ms"))).toBe("20ms");
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e15 }), (nanoseconds) => {
        expect(parseDuration(formatDuration(nanoseconds))).toBe(nanoseconds);
      }),
    );
  });

  test("--since takes spans, dates and seconds", () => {
    const now = Date.UTC(2026, 0, 1);
    expect(apiTimestamp("1m", now)).toBe("1767225540.000000000");
    expect(apiTimestamp("1767225600", now)).toBe("1767225600");
    expect(apiTimestamp("1767225600.5", now)).toBe("1767225600.5");
    expect(apiTimestamp("2026-01-01T00:00:00Z", now)).toBe("1767225600.000000000");
    expect(apiTimestamp("2026-01-01T00:00:00.25+01:00", now)).toBe("1767222000.250000000");
    expect(() => apiTimestamp("yesterday", now)).toThrow();
  });

  test("Go's spellings", () => {
    expect(goTime(1_700_000_000)).toMatch(/^2023-11-1[45] \d\d:\d\d:20 [+-]\d{4} \S+$/);
    expect(rfc3339Nano(1_700_000_000_123_456_789n)).toMatch(/^2023-11-1[45]T\d\d:\d\d:20\.123456789(Z|[+-]\d\d:\d\d)$/);
  });
});

test("ports are sorted, neighbours joined, IPv6 in brackets", () => {
  expect(
    formatPorts([
      { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
      { IP: "::", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
      { PrivatePort: 9001, Type: "udp" },
      { PrivatePort: 9000, Type: "udp" },
      { PrivatePort: 9005, Type: "udp" },
      { IP: "127.0.0.1", PrivatePort: 5001, PublicPort: 5001, Type: "tcp" },
      { IP: "127.0.0.1", PrivatePort: 5000, PublicPort: 5000, Type: "tcp" },
    ]),
  ).toBe("9000-9001/udp, 127.0.0.1:5000-5001->5000-5001/tcp, 9005/udp, 0.0.0.0:8080->80/tcp, [::]:8080->80/tcp");
});

describe("columns", () => {
  test("are ten wide at least and three apart; the last cell of a line is free", () => {
    expect(alignTabs("A\tB\tC\nlonger than ten\tb\tc and more\n")).toBe(
      "A                 B         C\nlonger than ten   b         c and more\n",
    );
  });

  test("a line without the column ends it", () => {
    expect(alignTabs("aaaaaaaaaaaa\tx\nplain\nb\ty\n")).toBe("aaaaaaaaaaaa   x\nplain\nb         y\n");
  });

  test("count columns, not bytes", () => {
    expect(alignTabs("日本語日本語\tx\nab\ty\n")).toBe("日本語日本語   x\nab             y\n");
  });
});

test("text is cut with one sign that says so", () => {
  expect(ellipsis("0123456789", 10)).toBe("0123456789");
  expect(ellipsis("01234567890", 10)).toBe("012345678…");
  expect(ellipsis("日本語日本語", 7)).toBe("日本語…");
});

test("numbers in names sort as numbers", () => {
  expect(["net10", "net9", "a", "net9b"].sort(compareNatural)).toEqual(["a", "net9", "net9b", "net10"]);
});

test("addresses are told from other text", () => {
  for (const text of ["1.2.3.4", "255.255.255.255", "0.0.0.0"]) expect(isIP(text)).toBe(4);
  for (const text of ["::", "::1", "fe80::1", "::ffff:1.2.3.4", "2001:db8:0:0:0:0:0:1"]) expect(isIP(text)).toBe(6);
  for (const text of [
    "",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "1.2.3.4.",
    ":",
    ":::",
    "1::2::3",
    "g::",
    "fe80::1%eth0",
    "a",
    "12345::",
  ])
    expect(isIP(text)).toBe(0);
});
