import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownGroup, shimGroups } from "./shim-group.ts";

const root = mkdtempSync(join(tmpdir(), "hoy-shim-group-"));
afterAll(() => rmSync(root, { recursive: true }));
const tree = (name: string) => {
  mkdirSync(join(root, name), { recursive: true });
  return join(root, name);
};
const v2 = { mode: "v2", unified: tree("v2"), controllers: new Map<string, string>() } as const;

test("a service's daemon: the shims have a cgroup beside the containers'", () => {
  expect(shimGroups(v2, "0::/system.slice/hoy.service\n")).toEqual([`${root}/v2/hoy/shims/cgroup.procs`]);
  expect(existsSync(join(root, "v2/hoy/shims"))).toBe(true);
});

test("in each hierarchy that a service manager looks at, and in no other", () => {
  const controllers = new Map([
    ["memory", tree("memory")],
    ["name=systemd", tree("systemd")],
  ]);
  const hybrid = { mode: "hybrid", unified: tree("unified"), controllers } as const;
  const self =
    "5:memory:/system.slice/hoy.service\n1:name=systemd:/system.slice/hoy.service\n0::/system.slice/hoy.service\n";
  expect(shimGroups(hybrid, self)).toEqual([
    `${root}/unified/hoy/shims/cgroup.procs`,
    `${root}/systemd/hoy/shims/cgroup.procs`,
  ]);
  expect(existsSync(join(root, "memory/hoy"))).toBe(false);
  expect(shimGroups(hybrid, "5:memory:/job\n1:name=systemd:/\n0::/\n")).toEqual([`${root}/memory/job/cgroup.procs`]);
});

test("a daemon that is in no service's cgroup: the shims stay where it is", () => {
  const bare = { ...v2, unified: tree("bare") };
  expect(shimGroups(bare, "0::/\n")).toEqual([`${root}/bare/cgroup.procs`]);
  expect(existsSync(join(root, "bare/hoy"))).toBe(false);
  expect(ownGroup(bare, "0::/a/b\n")).toEqual([`${root}/bare/a/b/cgroup.procs`]);
});

test("where no cgroup can be made, too", () => {
  const shut = { ...v2, unified: "/proc/nonesuch" };
  expect(shimGroups(shut, "0::/a\n")).toEqual(["/proc/nonesuch/a/cgroup.procs"]);
});
