// The packaged units under a real systemd, in the virtual machine: the socket starts the engine, which may be restarted,
// reloaded, stopped and killed while containers run. It installs into the machine it runs on: nowhere else.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { eventually, ok } from "../harness/clients.ts";
import { command } from "../harness/command.ts";

const REPOSITORY = resolve(import.meta.dir, "../..");
const here = existsSync("/run/vm-guest") && existsSync("/run/systemd/system");
const run = (...argv: string[]) => ok(command(argv, { cwd: REPOSITORY }));
const systemctl = (...args: string[]) => run("systemctl", ...args);
const hoy = (...args: string[]) => run("hoy", ...args);
const property = (unit: string, name: string) => systemctl("show", "--value", "-p", name, unit);
const isActive = async (unit: string) => (await command(["systemctl", "is-active", unit])).stdout.trim();
const pidOf = (name: string) => hoy("inspect", "-f", "{{.State.Pid}}", name);
const CONTAINER = "kept";

/** The container as it was, and of use. */
async function runsOn(pid: string): Promise<void> {
  expect(await pidOf(CONTAINER)).toBe(pid);
  expect(await hoy("inspect", "-f", "{{.State.Status}} {{.RestartCount}}", CONTAINER)).toBe("running 0");
  expect(await hoy("exec", CONTAINER, "echo", "there")).toBe("there");
}

const suite = here ? describe : describe.skip;

suite(`hoy.service and hoy.socket${here ? "" : " (skipped: not in the virtual machine, or without systemd there)"}`, () => {
  test("are installed, with the group", async () => {
    expect(await run("packaging/install")).toContain("systemctl enable --now hoy.socket hoy.service");
    expect(await run("getent", "group", "hoy")).toMatch(/^hoy:/);
    expect(await run("systemd-analyze", "verify", "hoy.service", "hoy.socket")).toBe("");
  });

  test("the socket is there without the engine, for root and the group; who talks to it starts the engine", async () => {
    await systemctl("start", "hoy.socket");
    expect([await isActive("hoy.socket"), await isActive("hoy.service")]).toEqual(["active", "inactive"]);
    expect(await run("stat", "-c", "%a %U %G", "/run/hoy/hoy.sock")).toBe("660 root hoy");
    expect(await hoy("version", "--format", "{{.Server.Version}}")).toMatch(/^\d+\.\d+/);
    await eventually(async () => (await isActive("hoy.service")) === "active", "the service says that it is ready");
    expect(await property("hoy.service", "NRestarts")).toBe("0");
  });

  test("a container runs outside of the service's own cgroup, its shim too", async () => {
    await run("sh", "-c", "scripts/base-image | hoy import --change 'ENV PATH=/bin' - busybox");
    await hoy(
      "run",
      "-d",
      "--name",
      CONTAINER,
      "--network",
      "none",
      "busybox",
      "sh",
      "-c",
      "while sleep 1; do echo line; done",
    );
    const inService = readFileSync("/sys/fs/cgroup/system.slice/hoy.service/cgroup.procs", "utf8").trim().split("\n");
    expect(inService).toEqual([await property("hoy.service", "MainPID")]);
  });

  for (const [how, act] of [
    ["restart", () => systemctl("restart", "hoy.service")],
    ["kill -s KILL", () => systemctl("kill", "-s", "KILL", "hoy.service")],
    ["stop, and a client that starts it again by the socket", () => systemctl("stop", "hoy.service")],
  ] as const) {
    test(`${how}: another engine, the same container`, async () => {
      const [engine, pid] = [await property("hoy.service", "MainPID"), await pidOf(CONTAINER)];
      await act();
      await eventually(async () => (await command(["hoy", "version"])).code === 0, "an engine answers");
      expect(await property("hoy.service", "MainPID")).not.toBe(engine);
      await runsOn(pid);
    });
  }

  test("reload is SIGHUP: the same engine", async () => {
    const engine = await property("hoy.service", "MainPID");
    await systemctl("reload", "hoy.service");
    expect(await property("hoy.service", "MainPID")).toBe(engine);
    await runsOn(await pidOf(CONTAINER));
  });

  test("the log is in the journal", async () => {
    const journal = await run("journalctl", "--no-pager", "-o", "cat", "-u", "hoy.service");
    expect(journal.match(/completed initialization/g)?.length).toBe(4);
    expect(journal).not.toMatch(/left-over process|remains running/);
  });

  test("without the socket unit nobody starts it; what ran goes on until it is removed", async () => {
    const pid = await pidOf(CONTAINER);
    await systemctl("stop", "hoy.socket", "hoy.service");
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    expect((await command(["hoy", "version"])).code).toBe(1);
    await systemctl("start", "hoy.service");
    await runsOn(pid);
    await hoy("rm", "-f", CONTAINER);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    await systemctl("stop", "hoy.socket", "hoy.service");
  });
});
