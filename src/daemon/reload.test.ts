import { afterAll, afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { configureLog, logLevel } from "../base/log.ts";
import type { ReloadableSettings } from "../base/settings.ts";
import { loadConfig } from "./config.ts";
import { parseFlags } from "./flags.ts";
import { reloadConfig } from "./reload.ts";

const folder = mkdtempSync(join(tmpdir(), "hoy-reload-"));
const file = join(folder, "daemon.json");
const flags = parseFlags(["--config-file", file], "dockerd");
const write = (config: object) => writeFileSync(file, JSON.stringify(config));
afterAll(() => rmSync(folder, { recursive: true }));

let lines: string[] = [];
let given: ReloadableSettings[] = [];
const daemon = {
  notify: () => undefined,
  reload: async (settings: ReloadableSettings) => {
    given.push(settings);
  },
};
beforeEach(() => {
  lines = [];
  given = [];
  configureLog({ level: "info", write: (line) => lines.push(line) });
});
afterEach(() => configureLog({ level: "info", write: (line) => process.stderr.write(line) }));

test("what may change changes; what may not is named and stays", async () => {
  write({ debug: false, labels: ["a=1"], mtu: 1400 });
  const before = loadConfig(flags);
  write({ debug: true, labels: ["a=2"], mtu: 9000, "registry-mirrors": ["https://m.example"] });
  const after = reloadConfig(flags, before, daemon);
  await Promise.resolve();
  expect(logLevel()).toBe("debug");
  expect(given[0]).toMatchObject({ debug: true, labels: ["a=2"], registry: { mirrors: ["https://m.example/"] } });
  expect(after.values.get("mtu")).toBe(1400);
  expect(lines.join("")).toContain('msg="this takes effect only after a restart" option=mtu');
});

test("a wrong file changes nothing", () => {
  write({ debug: false });
  const before = loadConfig(flags);
  write({ debgu: true });
  expect(reloadConfig(flags, before, daemon)).toBe(before);
  expect(given).toEqual([]);
  expect(lines.join("")).toContain("did you mean debug?");
});
