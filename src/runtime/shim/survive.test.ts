// What outlives what: the engine's death (kill -9) leaves the container running; the shim's death ends it.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Shim } from "../contract.ts";
import { CRUN, Fixture, RUNC, readAll } from "./testing/fixture.ts";

let fixture: Fixture;
beforeAll(() => {
  fixture = new Fixture();
}, 60_000);
afterAll(() => fixture.dispose(), 60_000);

/** Starts a container from a process of its own, an engine, which is then killed. */
async function startAndKillEngine(
  args: readonly string[],
  runtimeName = "crun",
): Promise<{ id: string; bundle: string; state: string }> {
  const runtime = runtimeName === "crun" ? CRUN : RUNC;
  const request = fixture.request(args, { runtime, stdin: true });
  const script = `
    import { createRuntime } from ${JSON.stringify(join(import.meta.dir, "runtime.ts"))};
    const runtime = createRuntime(${JSON.stringify({ shim: fixture.shimPath, root: join(fixture.directory, "runtime") })});
    await runtime.start(${JSON.stringify(request)});
    console.log("started");
    setInterval(() => undefined, 1000);`;
  const engine = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe", stderr: "inherit" });
  const { value } = await engine.stdout.getReader().read();
  expect(Buffer.from(value ?? []).toString()).toBe("started\n");
  engine.kill("SIGKILL");
  await engine.exited;
  fixture.remember(request);
  return request;
}

/** A killed process stays as a zombie until this machine's init looks after it. */
function runs(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** A process leaves its cgroup a moment before it has ended. Without an end the test's own time limit speaks. */
async function gone(pid: number): Promise<void> {
  while (runs(pid)) await Bun.sleep(5);
}

function isShim(adopted: unknown): asserts adopted is Shim {
  expect(adopted).toHaveProperty("signal");
}

test.each(["crun", "runc"])("%s: kill -9 of the engine: the container runs on and is taken up again", async (name) => {
  const { id, bundle, state } = await startAndKillEngine(
    ["sh", "-c", "while read x; do echo got $x; done; exit 9"],
    name,
  );
  const adopted = await fixture.newRuntime().adopt(id, bundle, state);
  isShim(adopted);
  expect(runs(adopted.pid)).toBe(true);
  expect(readFileSync(`/proc/${adopted.shimPid}/comm`, "utf8")).toStartWith("hoy-shim");
  const stream = await adopted.attach({ stdin: true, stdout: true, stderr: true });
  const output = readAll(stream.output);
  await stream.write(Buffer.from("word\n"));
  const exec = await fixture.exec(adopted, ["sh", "-c", "kill -9 1; echo alive"]);
  expect(exec.stdout).toBe("alive\n");
  await adopted.signal(15);
  await adopted.signal(9);
  expect((await adopted.exited).code).toBe(137);
  expect((await output).stdout).toBe("got word\n");
  expect(readFileSync(join(state, "json.log"), "utf8")).toContain('"got word\\n"');
});

test("what ended while no engine was there: its code is in the file, its log is whole", async () => {
  const { id, bundle, state } = await startAndKillEngine([
    "sh",
    "-c",
    "for i in 1 2 3; do echo $i; sleep 0.1; done; exit 42",
  ]);
  for (let rounds = 0; existsSync(join(bundle, "shim.sock")) && rounds < 400; rounds++) await Bun.sleep(10);
  const adopted = await fixture.newRuntime().adopt(id, bundle, state);
  expect(adopted).toMatchObject({ code: 42, oomKilled: false, at: expect.stringMatching(/^\d{4}-.*Z$/) });
  const log = readFileSync(join(state, "json.log"), "utf8").trimEnd().split("\n");
  expect(log.map((line) => JSON.parse(line).log)).toEqual(["1\n", "2\n", "3\n"]);
  await fixture.newRuntime().cleanup(id, bundle, CRUN);
  expect(existsSync(bundle)).toBe(false);
});

test.each([CRUN, RUNC])("$name: kill -9 of the shim ends its container as killed, nothing stays", async (runtime) => {
  const { shim, id, bundle } = await fixture.start(["sh", "-c", "sleep 1000 & sleep 1000"], { runtime });
  process.kill(shim.shimPid, "SIGKILL");
  expect(await shim.exited).toMatchObject({ code: 137, oomKilled: false });
  await gone(shim.pid);
  await fixture.runtime.cleanup(id, bundle, runtime);
  await fixture.runtime.cleanup(id, bundle, runtime);
  expect(existsSync(bundle)).toBe(false);
  expect(existsSync(`/sys/fs/cgroup/memory/hoy-shim-test/${id}`)).toBe(false);
  expect(existsSync(join(fixture.directory, "runtime", runtime.name, id))).toBe(false);
});

test("no signal but SIGKILL ends a shim", async () => {
  const { shim } = await fixture.start(["sleep", "1000"]);
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGPIPE", "SIGUSR1"] as const)
    process.kill(shim.shimPid, signal);
  expect((await fixture.exec(shim, ["echo", "alive"])).stdout).toBe("alive\n");
  // Nor does its container inherit that: the default is to end.
  const { status } = await fixture.exec(shim, ["sh", "-c", "kill -PIPE $$; sleep 5"]);
  expect(status.code).toBe(128 + 13);
  await shim.signal(9);
  await shim.exited;
});

test("engine and shim both killed: adopt kills the rest and says 137", async () => {
  const { id, bundle, state } = await startAndKillEngine(["sleep", "1000"]);
  const pid = Number(readFileSync(join(bundle, "pid"), "utf8"));
  const parent = /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  expect(readFileSync(`/proc/${parent}/comm`, "utf8")).toStartWith("hoy-shim");
  process.kill(Number(parent), "SIGKILL");
  await gone(Number(parent));
  expect(await fixture.newRuntime().adopt(id, bundle, state)).toMatchObject({ code: 137 });
  await gone(pid);
  await fixture.newRuntime().cleanup(id, bundle, CRUN);
});

test("what never started is nothing to adopt", async () => {
  const { id, bundle, state } = fixture.request(["true"]);
  expect(await fixture.newRuntime().adopt(id, bundle, state)).toBeUndefined();
  await fixture.newRuntime().cleanup(id, bundle, CRUN);
  expect(await fixture.newRuntime().adopt(id, bundle, state)).toBeUndefined();
});
