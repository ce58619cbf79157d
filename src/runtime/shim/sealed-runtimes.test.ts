import { afterAll, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { SealedRuntimes } from "./sealed-runtimes.ts";

const root = mkdtempSync("/tmp/hoy-sealed-test-");
afterAll(() => rmSync(root, { recursive: true }));

function runtime(folder: string, put: (path: string) => void) {
  mkdirSync(join(root, folder));
  const path = join(root, folder, "crun");
  put(path);
  chmodSync(path, 0o755);
  return { name: "crun", path, args: [] };
}

test("the copy runs, can't be written, and is made once", () => {
  const echo = runtime("echo", (path) => copyFileSync("/bin/echo", path));
  const sealed = new SealedRuntimes();
  const fd = sealed.copyOf(echo);
  if (fd === undefined) throw new Error("no copy was made");
  expect(execFileSync(`/proc/${process.pid}/fd/${fd}`, ["hello"], { encoding: "utf8" })).toBe("hello\n");
  expect(() => writeSync(fd, "x", 0)).toThrow("EPERM");
  expect(sealed.copyOf(echo)).toBe(fd);
});

test("an upgraded program is copied again", () => {
  const program = runtime("upgraded", (path) => copyFileSync("/bin/false", path));
  const sealed = new SealedRuntimes();
  const run = () => execFileSync(`/proc/${process.pid}/fd/${sealed.copyOf(program)}`, ["new"], { encoding: "utf8" });
  expect(run).toThrow();
  rmSync(program.path);
  copyFileSync("/bin/echo", program.path);
  expect(run()).toBe("new\n");
});

test("scripts, strangers and what is not there are run by their path", () => {
  const sealed = new SealedRuntimes();
  expect(sealed.copyOf(runtime("script", (path) => writeFileSync(path, "#!/bin/sh\n")))).toBeUndefined();
  expect(sealed.copyOf({ name: "youki", path: "/bin/echo", args: [] })).toBeUndefined();
  expect(sealed.copyOf({ name: "crun", path: join(root, "none/crun"), args: [] })).toBeUndefined();
});
