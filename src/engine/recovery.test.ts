// The engine is killed with SIGKILL at the end of every step of a container's life. The next engine must know what
// became of the container, be able to go on with it, and leave nothing of it on the host when it is removed.

import { afterAll, afterEach, beforeAll, describe, expect, spyOn, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { NetworkNamespace } from "../linux/namespace.ts";
import { openEngine } from "./engine.ts";
import { TestEngine } from "./testing/test-engine.ts";

let engine: TestEngine;

beforeAll(async () => {
  engine = new TestEngine();
  await engine.open();
  await engine.importBusybox();
  await engine.close();
});
afterAll(() => engine[Symbol.asyncDispose]());
afterEach(async () => {
  await engine.reopen();
  for (const { Id = "" } of await list())
    await engine.containers.remove(Id, { force: true, volumes: true, link: false });
  expect(engine.leftovers()).toEqual([]);
  const { Volumes } = await engine.engine.backend.volumes.list(new Map());
  for (const { Name } of Volumes) await engine.engine.backend.volumes.remove(Name, false);
  await engine.close();
});

const list = () => engine.containers.list({ all: true, limit: undefined, size: false, filters: new Map() });

/** Runs another engine on the data root until it is killed at the end of `step`; gives what it said. */
function killedAt(step: string, action: string): string {
  const script = join(import.meta.dir, "testing", "killed.ts");
  const child = spawnSync(process.execPath, [script, JSON.stringify(engine.settings), step, action], {
    encoding: "utf8",
    timeout: 30_000,
  });
  expect([child.signal, child.stdout.includes("survived"), child.stderr]).toEqual(["SIGKILL", false, ""]);
  return child.stdout.trim();
}

const CREATE = [
  "image.resolve",
  "image.retain",
  "volumes.create",
  "row.write",
  "image.mount",
  "directories.make",
  "volumes.fill",
  "container.create",
];
const START = ["network.reserve", "spec.build", "binds.prepare", "runtime.start", "container.start"];
const STOP = ["container.exit", "runtime.cleanup", "container.stop"];
const REMOVE = ["files.discard", "row.remove", "image.release", "container.remove"];

test("a container that ends while the next engine takes it up has ended with its own code", async () => {
  await engine.open();
  const id = await engine.run({ Cmd: ["sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.05; done"] });
  const { Pid = 0 } = (await engine.containers.inspect(id, { size: false })).State ?? {};
  await engine.close();
  const opened = spyOn(NetworkNamespace, "open").mockImplementationOnce((path) => {
    process.kill(Pid, "SIGTERM");
    for (let waits = 0; waits < 2000 && existsSync(path); waits++) Bun.sleepSync(5);
    return NetworkNamespace.open(path);
  });
  await engine.open();
  expect(opened).toHaveBeenCalled();
  opened.mockRestore();
  const { Status, ExitCode } = (await engine.containers.inspect(id, { size: false })).State ?? {};
  expect({ Status, ExitCode }).toEqual({ Status: "exited", ExitCode: 7 });
}, 60_000);

describe("killed while creating", () => {
  test.each(CREATE)("after %s: all of it or nothing", async (step) => {
    killedAt(step, "create");
    await engine.open();
    const [container, ...more] = await list();
    expect(more).toEqual([]);
    if (container === undefined) {
      expect(engine.leftovers()).toEqual([]);
      await engine.create({}, {}, "victim");
      return;
    }
    expect(container.State).toBe("created");
    await engine.containers.start("victim", { detachKeys: undefined });
    expect(await engine.state("victim")).toMatchObject({ Running: true });
  });
});

describe("killed while starting", () => {
  test.each(START)("after %s: it runs, or it can be started", async (step) => {
    const id = killedAt(step, "start");
    await engine.open();
    const state = await engine.state(id);
    expect(["created", "running"]).toContain(state.Status ?? "");
    if (step === "container.start") expect(state.Status).toBe("running");
    if (state.Status === "created") await engine.containers.start(id, { detachKeys: undefined });
    while (!(await engine.logs(id)).includes("started")) await Bun.sleep(10);
    const exec = await engine.engine.backend.exec.create(id, { Cmd: ["true"] });
    await engine.engine.backend.exec.start(exec.Id, { Detach: true }, new AbortController().signal);
  });
});

describe("killed while stopping", () => {
  test.each(STOP)("after %s: it is down, with its exit code", async (step) => {
    const id = killedAt(step, "stop");
    await engine.open();
    expect(await engine.state(id)).toMatchObject({ Status: "exited", ExitCode: 137, Pid: 0 });
    await engine.containers.start(id, { detachKeys: undefined });
  });

  test("a restart policy starts it again with the next engine, as it does for what a user stopped", async () => {
    const id = killedAt("container.exit", "restart-policy");
    await engine.open();
    while (!(await engine.state(id)).Running) await Bun.sleep(10);
  });
});

describe("killed while removing", () => {
  test.each(REMOVE)("after %s: it is gone", async (step) => {
    killedAt(step, "remove");
    await engine.open();
    expect(await list()).toEqual([]);
    expect(engine.leftovers()).toEqual([]);
  });
});

describe("while no engine is there", () => {
  test("what runs goes on, and its log with it; what ends is known", async () => {
    await engine.open();
    const lives = await engine.run({ Cmd: ["sh", "-c", "i=0; while :; do echo $i; i=$((i+1)); sleep 0.05; done"] });
    const ends = await engine.run({ Cmd: ["sh", "-c", "sleep 0.3; exit 9"] });
    const { Pid } = await engine.state(lives);
    await engine.close();
    await Bun.sleep(800);
    await engine.open();
    expect(await engine.state(lives)).toMatchObject({ Status: "running", Pid });
    expect(await engine.state(ends)).toMatchObject({ Status: "exited", ExitCode: 9 });
    const lines = (await engine.logs(lives)).trim().split("\n").map(Number);
    expect(lines).toEqual(lines.map((_, index) => index));
    expect(lines.length).toBeGreaterThan(10);
    await engine.containers.stop(lives, { signal: undefined, timeout: 0 }, new AbortController().signal);
    expect((await engine.state(lives)).ExitCode).toBe(137);
  });

  test("unless-stopped stays down when a user stopped it; always comes up", async () => {
    await engine.open();
    const sleeper = { Cmd: ["sleep", "1000"] };
    const stopped = await engine.run(sleeper, { RestartPolicy: { Name: "unless-stopped" } });
    const always = await engine.run(sleeper, { RestartPolicy: { Name: "always" } });
    for (const id of [stopped, always]) {
      await engine.containers.stop(id, { signal: undefined, timeout: 0 }, new AbortController().signal);
    }
    await engine.reopen();
    while (!(await engine.state(always)).Running) await Bun.sleep(10);
    expect((await engine.state(stopped)).Status).toBe("exited");
  });

  test("the past is kept: names, limits, events", async () => {
    await engine.open();
    const id = await engine.create({}, { Memory: 64 * 1024 * 1024 }, "kept");
    await engine.reopen();
    const { Name, HostConfig } = await engine.containers.inspect(id, { size: false });
    expect([Name, HostConfig?.Memory]).toEqual(["/kept", 64 * 1024 * 1024]);
    await expect(engine.create({}, {}, "kept")).rejects.toMatchObject({ code: "conflict" });
    const options = { since: "0", until: String(Math.floor(Date.now() / 1000) + 1), filters: new Map() };
    const client = new AbortController();
    const actions: (string | undefined)[] = [];
    for await (const event of await engine.engine.backend.system.events(options, client.signal)) {
      actions.push(event.Action);
      if (event.Actor?.ID === id) client.abort();
    }
    expect(actions).toContain("create");
  });
});

test("a second engine on the data root is refused, naming the first", async () => {
  await engine.open();
  await expect(openEngine(engine.settings)).rejects.toThrow(
    `another engine (pid ${process.pid}) runs on ${engine.settings.paths.data}`,
  );
});
