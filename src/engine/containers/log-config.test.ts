import { describe, expect, test } from "bun:test";
import type { ContainerSpec } from "../../state/containers.ts";
import { logSettings, resolveLogConfig } from "./log-config.ts";

const daemon = { driver: "json-file", options: {} };
const settings = (Config: Record<string, string>, Type = "json-file") => {
  const LogConfig = resolveLogConfig({ Type: Type as "local", Config }, daemon);
  const spec = {
    id: "f".repeat(64),
    name: "web",
    image: { id: `sha256:${"a".repeat(64)}` },
    config: { Image: "app", Labels: { tier: "front", x: "1" }, Env: ["A=1", "B=2"] },
    hostConfig: { LogConfig },
  };
  return logSettings(spec as never as ContainerSpec, "/log");
};

test("by default three files of 10 MB, the old ones compressed", () => {
  expect(settings({})).toMatchObject({ driver: "json-file", maxSize: 10_000_000, maxFile: 3, compress: true });
  expect(settings({}, "local")).toMatchObject({ maxSize: 20_000_000, maxFile: 5, compress: true });
});

test("sizes are decimal, -1 is never", () => {
  expect(settings({ "max-size": "5k", "max-file": "2" })).toMatchObject({ maxSize: 5000, maxFile: 2 });
  expect(settings({ "max-size": "1.5m" }).maxSize).toBe(1_500_000);
  expect(settings({ "max-size": "-1" })).toMatchObject({ maxSize: 0, compress: false });
  expect(settings({ "max-file": "1" }).compress).toBe(false);
});

test("labels, variables and the tag go along with each line", () => {
  expect(JSON.parse(settings({ labels: "tier", env: "B", tag: "{{.Name}}/{{.ID}}" }).attrs)).toEqual({
    tag: "web/ffffffffffff",
    tier: "front",
    B: "2",
  });
  expect(JSON.parse(settings({ "labels-regex": "^ti", "env-regex": "A" }).attrs)).toEqual({ tier: "front", A: "1" });
  expect(settings({}).attrs).toBe("");
});

describe("the daemon's own settings", () => {
  test("are taken over for its own driver only", () => {
    const own = { driver: "local", options: { "max-file": "9" } };
    expect(resolveLogConfig(undefined, own)).toEqual({ Type: "local", Config: { "max-file": "9" } });
    expect(resolveLogConfig({ Type: "json-file" }, own)).toEqual({ Type: "json-file", Config: {} });
    expect(resolveLogConfig({ Config: { "max-file": "2" } }, own).Config).toEqual({ "max-file": "2" });
  });
});

test.each([
  ["fluentd", {}, "logger: no log driver named 'fluentd' is registered"],
  ["json-file", { color: "red" }, "unknown log opt 'color' for json-file log driver"],
  ["none", { "max-size": "1m" }, "unknown log opt 'max-size' for none log driver"],
  ["json-file", { "max-size": "big" }, "invalid value for max-size: big"],
  ["json-file", { "max-file": "0" }, "max-file cannot be less than 1"],
  ["json-file", { "max-file": "1", compress: "true" }, "compress cannot be true when max-file is less than 2"],
  ["json-file", { mode: "fast" }, "logging mode not valid: fast"],
  ["json-file", { "max-buffer-size": "1m" }, "only supported with 'mode=non-blocking'"],
  ["json-file", { tag: "{{.Nope}}" }, "the log option tag knows only"],
  ["json-file", { "env-regex": "(" }, "regular expression is not valid"],
])("%p with %p is refused", (Type, Config, words) => {
  expect(() => resolveLogConfig({ Type, Config } as never, daemon)).toThrow(words);
});
