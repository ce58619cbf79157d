// The daemon may end at any moment, in any way: containers run on, no line of their logs is lost, and the next daemon takes
// everything up again.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { eventually, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const NET = ["--network", "none"];
const inspect = (name: string, format: string) => ok(hoy.hoy("inspect", "--format", format, name));
const COUNT = "i=0; while :; do echo $i; i=$((i+1)); sleep 0.01; done";

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  describe(`after ${signal}`, () => {
    test("a container runs on under the same pid, its log has every line, exec and attach work again", async () => {
      const name = unique();
      await ok(hoy.hoy("run", "-d", "--name", name, ...NET, "busybox", "sh", "-c", COUNT));
      const pid = await inspect(name, "{{.State.Pid}}");
      await hoy.down(signal);
      expect(existsSync(`/proc/${pid}`)).toBe(true);
      await Bun.sleep(300);
      await hoy.up();
      expect(await inspect(name, "{{.State.Pid}} {{.State.Status}}")).toBe(`${pid} running`);
      expect(await ok(hoy.hoy("exec", name, "echo", "here"))).toBe("here");
      const attached = hoy.hoy.start("attach", "--no-stdin", name);
      await attached.until(/\d+\n/);
      attached.kill("SIGKILL");
      await attached.exited;
      await ok(hoy.hoy("stop", "-t", "0", name));
      const lines = (await ok(hoy.hoy("logs", name))).split("\n");
      expect(lines).toEqual(Array.from({ length: lines.length }, (_, index) => String(index)));
      expect(lines.length).toBeGreaterThan(30);
      await ok(hoy.hoy("rm", name));
    });

    test("what ended meanwhile has its exit code and time; --rm is gone; restart policies act", async () => {
      const [ended, removed, always] = [unique(), unique(), unique()];
      const script = "trap 'exit 9' TERM; echo up; sleep 1000 & wait";
      const run = (name: string, ...flags: string[]) =>
        ok(hoy.hoy("run", "-d", "--name", name, ...flags, ...NET, "busybox", "sh", "-c", script));
      await run(ended);
      await run(removed, "--rm");
      await run(always, "--restart", "always");
      const names = [ended, removed, always];
      const pids = await Promise.all(names.map((name) => inspect(name, "{{.State.Pid}}")));
      for (const name of names) await eventually(async () => (await ok(hoy.hoy("logs", name))) === "up", "it is up");
      await hoy.down(signal);
      for (const pid of pids) process.kill(Number(pid), "SIGTERM");
      await eventually(async () => pids.every((pid) => !existsSync(`/proc/${pid}`)), "all three end");
      await hoy.up();
      expect(await inspect(ended, "{{.State.Status}} {{.State.ExitCode}}")).toBe("exited 9");
      expect(Date.parse(await inspect(ended, "{{.State.FinishedAt}}"))).toBeLessThanOrEqual(Date.now());
      await eventually(async () => (await hoy.hoy("inspect", removed)).code === 1, "the one with --rm is gone");
      await eventually(
        async () => (await ok(hoy.hoy("logs", always))).split("\n").length >= 2,
        "the one with a policy is back",
      );
      await ok(hoy.hoy("rm", "-f", ended, always));
    });

    test("a client that waits sees the connection end, and the next wait gives the code", async () => {
      const name = unique();
      await ok(hoy.hoy("run", "-d", "--name", name, ...NET, "busybox", "sh", "-c", "sleep 1; exit 4"));
      const waiting = hoy.hoy.start("wait", name);
      await Bun.sleep(100);
      await hoy.restart(signal);
      expect(await waiting.exited).not.toBe(0);
      expect(await ok(hoy.hoy("wait", name))).toBe("4");
      await ok(hoy.hoy("rm", name));
    });

    test("a paused container stays paused", async () => {
      const name = unique();
      await ok(hoy.hoy("run", "-d", "--name", name, ...NET, "busybox", "sleep", "1000"));
      await ok(hoy.hoy("pause", name));
      await hoy.restart(signal);
      expect(await inspect(name, "{{.State.Status}}")).toBe("paused");
      await ok(hoy.hoy("unpause", name));
      await ok(hoy.hoy("rm", "-f", name));
    });
  });
}

describe("the shim", () => {
  test("killed with its container's supervisor gone, the container ends as 137 and can be started again", async () => {
    const name = unique();
    await ok(hoy.hoy("run", "-d", "--name", name, ...NET, "busybox", "sleep", "1000"));
    const pid = Number(await inspect(name, "{{.State.Pid}}"));
    process.kill(parentOf(pid), "SIGKILL");
    await eventually(
      async () => (await inspect(name, "{{.State.Status}}")) === "exited",
      "the container is taken to have ended",
    );
    await eventually(async () => !existsSync(`/proc/${pid}`), "its process is killed");
    expect(await inspect(name, "{{.State.ExitCode}}")).toBe("137");
    await ok(hoy.hoy("start", name));
    expect(await inspect(name, "{{.State.Status}}")).toBe("running");
    await ok(hoy.hoy("rm", "-f", name));
  });
});

describe("the daemon is killed in the middle of things", () => {
  for (const delay of [0, 5, 10, 20, 40, 80, 160]) {
    test(`${delay} ms into a run: the next daemon finishes or undoes it, and nothing is left of it`, async () => {
      const name = unique();
      const run = hoy.hoy.start("run", "--rm", "--name", name, ...NET, "busybox", "sh", "-c", "sleep 0.05");
      await Bun.sleep(delay);
      await hoy.restart("SIGKILL");
      await run.exited;
      const left = await hoy.hoy("inspect", "--format", "{{.State.Status}}", name);
      if (left.code === 0) {
        // Created and not yet started, or running: either is whole, and removing it works.
        expect(["created", "running", "exited", "removing"]).toContain(left.stdout.trim());
        await hoy.hoy("rm", "-f", name);
      }
      await eventually(async () => (await hoy.hoy("inspect", name)).code === 1, "it is gone");
      expect(await ok(hoy.hoy("run", "--rm", "--name", name, ...NET, "busybox", "echo", "again"))).toBe("again");
    });
  }

  test("during an import: nothing of it is kept", async () => {
    const before = await ok(hoy.hoy("images", "-aq"));
    const half = hoy.hoy.start("import", "-", "half");
    half.write("x".repeat(100_000));
    await Bun.sleep(50);
    await hoy.down("SIGKILL");
    await half.exited;
    await hoy.up();
    expect(await ok(hoy.hoy("images", "-aq"))).toBe(before);
  });
});

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}
