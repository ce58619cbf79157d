import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig, mergeConfig } from "./config.ts";
import { parseConfig } from "./file.ts";
import { parseFlags } from "./flags.ts";

const folder = mkdtempSync(join(tmpdir(), "hoy-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

const merge = (args: string[], file: object = {}) =>
  mergeConfig(parseFlags(args, "dockerd"), parseConfig(JSON.stringify(file)), "/etc/hoy/daemon.json");

describe("daemon.json", () => {
  test("Docker's keys", () => {
    const { values } = merge([], {
      debug: true,
      hosts: ["unix:///a.sock"],
      "log-opts": { "max-size": "1m" },
      "default-ulimits": { nofile: { Name: "nofile", Soft: 1, Hard: 2 } },
      runtimes: { kata: { path: "/usr/bin/kata-runtime", runtimeArgs: ["--x"] } },
      "default-shm-size": "1G",
      features: { buildkit: true },
    });
    expect(values.get("debug")).toBe(true);
    expect(values.get("host")).toEqual(["unix:///a.sock"]);
    expect(values.get("log-opt")).toEqual({ "max-size": "1m" });
    expect(values.get("default-ulimit")).toEqual([{ name: "nofile", soft: 1, hard: 2 }]);
    expect(values.get("add-runtime")).toEqual({ kata: { path: "/usr/bin/kata-runtime", args: ["--x"] } });
    expect(values.get("default-shm-size")).toBe(2 ** 30);
    expect(values.get("features")).toEqual({ buildkit: true });
  });

  test("an unknown key names the nearest known one", () => {
    expect(() => parseConfig('{"dbug": true}')).toThrow(
      "the following directives don't match any configuration option: dbug (did you mean debug?)",
    );
    expect(() => parseConfig('{"zzzzzzzz": 1, "log_level": "info"}')).toThrow(
      "configuration option: log_level (did you mean log-level?), zzzzzzzz",
    );
  });

  test.each([
    ['{"debug": "true"}', '"debug" must be true or false, not "true"'],
    ['{"hosts": "unix:///x"}', '"hosts" must be a list of strings, not "unix:///x"'],
    ['{"mtu": 1500.5}', '"mtu" must be a whole number, not 1500.5'],
    ['{"labels": ["a=b", 3]}', '"labels" must be a list of strings'],
    ['{"log-level": "loud"}', '"log-level" must be one of debug, info, warn, error, fatal, not "loud"'],
    ['{"runtimes": {"x": {"path": ""}}}', '"runtimes" must be an object such as'],
    ['{"runtimes": {"x": {"paht": "/x"}}}', '"runtimes" must be an object such as'],
    ['{"debug": null}', '"debug" must be true or false, not null'],
    ["[]", "must hold one JSON object"],
    ["{", "not valid JSON"],
  ])("%s", (text, message) => {
    expect(() => parseConfig(text)).toThrow(message);
  });

  test("an absent file is nothing, unless it was asked for; the error names the file", () => {
    const absent = join(folder, "absent.json");
    expect(() => loadConfig(parseFlags(["--config-file", absent], "dockerd"))).toThrow(absent);
    const bad = join(folder, "bad.json");
    writeFileSync(bad, '{"dbug": true}');
    expect(() => loadConfig(parseFlags([`--config-file=${bad}`], "dockerd"))).toThrow(
      `unable to configure the daemon with file ${bad}: the following directives don't match`,
    );
  });
});

describe("flags and file together", () => {
  test("the same thing in both is an error with both values", () => {
    expect(() => merge(["--debug", "--dns=1.1.1.1"], { debug: false, dns: ["8.8.8.8"] })).toThrow(
      "the following directives are specified both as a flag and in the configuration file: " +
        "debug: (from flag: true, from file: false), dns: (from flag: [1.1.1.1], from file: [8.8.8.8])",
    );
  });

  test("runtimes add up", () => {
    const { values } = merge(["--add-runtime=a=/a"], { runtimes: { b: { path: "/b" } } });
    expect(Object.keys(values.get("add-runtime") ?? {}).sort()).toEqual(["a", "b"]);
  });

  test("defaults fill the rest", () => {
    const { values, set } = merge([]);
    expect(values.get("data-root")).toBe("/var/lib/hoy");
    expect(values.get("log-driver")).toBe("json-file");
    expect(set.size).toBe(0);
  });

  test("what has no effect is said, in either place; its default is not worth a word", () => {
    expect(merge(["--containerd=/run/containerd.sock"], { "userland-proxy": false }).warnings).toEqual([
      "--containerd has no effect: there is no containerd beneath hoy",
      "--userland-proxy has no effect: ports are published without a proxy process",
    ]);
    expect(merge(["--live-restore"], { "userland-proxy": true }).warnings).toEqual([]);
  });

  test("what is not there yet is an error", () => {
    expect(() => merge(["--selinux-enabled"])).toThrow(expect.objectContaining({ code: "not-implemented" }));
    expect(merge(["--selinux-enabled=false"]).warnings).toEqual([]);
  });
});
