import { afterEach, expect, test } from "bun:test";
import { configureLog, log } from "./log.ts";

let lines: string[] = [];
const write = (line: string) => lines.push(line);
const now = () => new Date("2026-01-02T03:04:05.678Z");
afterEach(() => {
  lines = [];
  configureLog({ level: "info", format: "text", write: (line) => process.stderr.write(line), now: () => new Date() });
});

test("text, as logrus writes it", () => {
  configureLog({ write, now });
  log.info("API listen", { address: "unix:///run/hoy/hoy.sock", count: 3 });
  log.warn("two\nlines", { error: new Error('bad "x"') });
  expect(lines).toEqual([
    'time="2026-01-02T03:04:05.678Z" level=info msg="API listen" address="unix:///run/hoy/hoy.sock" count=3\n',
    'time="2026-01-02T03:04:05.678Z" level=warning msg="two\\nlines" error="bad \\"x\\""\n',
  ]);
});

test("JSON: a field can't take the place of the level", () => {
  configureLog({ write, now, format: "json" });
  log.error("no", { level: "info", error: new Error("why") });
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: "error", msg: "no", error: "why", time: "2026-01-02T03:04:05.678Z" },
  ]);
});

test("levels", () => {
  configureLog({ write, now, level: "warn" });
  log.debug("d");
  log.info("i");
  log.warn("w");
  expect(lines).toHaveLength(1);
});
