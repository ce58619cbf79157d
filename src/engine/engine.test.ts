// The whole engine on a real kernel: containers of a busybox image through the Backend, as the API server calls it.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Filters, OutputChunk } from "../api/backend.ts";
import type { EventMessage } from "../api/types/system.ts";
import { TestEngine } from "./testing/test-engine.ts";

let engine: TestEngine;
const never = () => new AbortController().signal;
const sh = (script: string) => ({ Cmd: ["sh", "-c", script] });
const filters = (wanted: Record<string, string[]> = {}): Filters =>
  new Map(Object.entries(wanted).map(([key, values]) => [key, new Set(values)]));

beforeAll(async () => {
  engine = new TestEngine();
  await engine.open();
  await engine.importBusybox();
});
afterAll(() => engine[Symbol.asyncDispose]());
afterEach(async () => {
  for (const { Id = "" } of await list(true))
    await engine.containers.remove(Id, { force: true, volumes: true, link: false });
  expect(engine.leftovers()).toEqual([]);
});

const list = (all: boolean, wanted: Record<string, string[]> = {}) =>
  engine.containers.list({ all, limit: undefined, size: false, filters: filters(wanted) });
const text = async (chunks: AsyncIterable<OutputChunk>) => {
  let out = "";
  for await (const { data } of chunks) out += Buffer.from(data).toString();
  return out;
};
const attachAll = { stdin: true, stdout: true, stderr: true, logs: false, stream: true, detachKeys: undefined };

describe("a container's life", () => {
  test("create, start, wait, logs, remove", async () => {
    const id = await engine.create(sh("echo out; echo err >&2; exit 3"), {}, "life");
    expect(await engine.state(id)).toMatchObject({ Status: "created", Running: false, Pid: 0, ExitCode: 0 });
    await engine.containers.start("life", { detachKeys: undefined });
    expect(await engine.wait(id)).toBe(3);
    expect(await engine.state(id)).toMatchObject({ Status: "exited", ExitCode: 3, OOMKilled: false });
    expect((await engine.logs(id)).split("\n").toSorted()).toEqual(["", "err", "out"]);
    await engine.containers.remove(id.slice(0, 12), { force: false, volumes: false, link: false });
    await expect(engine.state(id)).rejects.toThrow(`No such container: ${id}`);
  });

  test("what runs can't be started, removed or waited away", async () => {
    const id = await engine.run({ Cmd: ["sleep", "100"] });
    await expect(engine.containers.start(id, { detachKeys: undefined })).rejects.toMatchObject({
      code: "not-modified",
    });
    await expect(engine.containers.remove(id, { force: false, volumes: false, link: false })).rejects.toThrow(
      `cannot remove container "${id}": container is running: stop the container before removing or force remove`,
    );
    await engine.containers.stop(id, { signal: undefined, timeout: 0 }, never());
    await expect(engine.containers.stop(id, { signal: undefined, timeout: 0 }, never())).rejects.toMatchObject({
      code: "not-modified",
    });
    expect(await engine.state(id)).toMatchObject({ Status: "exited", ExitCode: 137 });
  });

  test("stop sends the container's own signal and gives it time", async () => {
    const id = await engine.run({
      ...sh('trap "echo bye; exit 4" USR1; while :; do sleep 0.05; done'),
      StopSignal: "USR1",
    });
    await Bun.sleep(300);
    await engine.containers.stop(id, { signal: undefined, timeout: 10 }, never());
    expect(await engine.state(id)).toMatchObject({ ExitCode: 4 });
    expect(await engine.logs(id)).toBe("bye\n");
  });

  test("pause stands still, unpause goes on, kill reaches a paused one", async () => {
    const id = await engine.run({ Cmd: ["sleep", "100"] });
    await engine.containers.pause(id);
    expect(await engine.state(id)).toMatchObject({ Status: "paused", Running: true, Paused: true });
    await expect(engine.containers.pause(id)).rejects.toThrow("is already paused");
    await engine.containers.unpause(id);
    await expect(engine.containers.unpause(id)).rejects.toThrow("is not paused");
    await engine.containers.pause(id);
    await engine.containers.kill(id, { signal: undefined });
    expect(await engine.wait(id)).toBe(137);
    await expect(engine.containers.kill(id, { signal: "TERM" })).rejects.toThrow("is not running");
  });

  test("a command that is not there, or can't be run, leaves the container with 127 or 126", async () => {
    const missing = await engine.create({ Cmd: ["nosuch"] });
    await expect(engine.containers.start(missing, { detachKeys: undefined })).rejects.toThrow(
      'exec: "nosuch": executable file not found in $PATH',
    );
    expect(await engine.state(missing)).toMatchObject({ Status: "created", ExitCode: 127 });
    const directory = await engine.create({ Cmd: ["/etc"] });
    await expect(engine.containers.start(directory, { detachKeys: undefined })).rejects.toThrow("permission denied");
    expect(await engine.state(directory)).toMatchObject({ ExitCode: 126 });
  });

  test("AutoRemove takes it away, and whoever waits for that is told its exit code", async () => {
    const id = await engine.create(sh("exit 6"), { AutoRemove: true });
    const { result } = await engine.containers.wait(id, "removed", never());
    await engine.containers.start(id, { detachKeys: undefined });
    expect(await result).toEqual({ StatusCode: 6 });
    expect(await list(true)).toEqual([]);
  });

  test("on-failure tries as often as it says", async () => {
    const policy = { RestartPolicy: { Name: "on-failure", MaximumRetryCount: 2 } } as const;
    const id = await engine.run(sh("exit 1"), policy);
    for (;;) {
      const { Status } = await engine.state(id);
      if (Status === "exited") break;
      await Bun.sleep(50);
    }
    expect((await engine.containers.inspect(id, { size: false })).RestartCount).toBe(2);
  });

  test("always goes on until it is stopped between two tries", async () => {
    const id = await engine.run(sh("exit 1"), { RestartPolicy: { Name: "always" } });
    while ((await engine.state(id)).Status !== "restarting") await Bun.sleep(5);
    await engine.containers.stop(id, { signal: undefined, timeout: 1 }, never());
    expect(await engine.state(id)).toMatchObject({ Status: "exited", Restarting: false });
  });
});

describe("names", () => {
  test("a taken name is a conflict that names its owner; a renamed one is free again", async () => {
    const id = await engine.create({}, {}, "web");
    await expect(engine.create({}, {}, "web")).rejects.toThrow(
      `Conflict. The container name "/web" is already in use by container "${id}". ` +
        "You have to remove (or rename) that container to be able to reuse that name.",
    );
    await engine.containers.rename("web", "db");
    await engine.create({}, {}, "web");
    await expect(engine.containers.rename("db", "web")).rejects.toMatchObject({ code: "conflict" });
    await expect(engine.containers.rename("db", "db")).rejects.toMatchObject({ code: "invalid" });
    expect((await list(true)).flatMap((one) => one.Names ?? []).toSorted()).toEqual(["/db", "/web"]);
  });

  test("two creates at once can't both have a name", async () => {
    const both = await Promise.allSettled([engine.create({}, {}, "one"), engine.create({}, {}, "one")]);
    expect(both.map((each) => each.status).toSorted()).toEqual(["fulfilled", "rejected"]);
  });

  test("a failed create leaves nothing, its name neither", async () => {
    await expect(engine.create({ Entrypoint: [""] }, {}, "free")).rejects.toThrow("no command specified");
    await expect(engine.create({ Image: "nosuch" }, {}, "free")).rejects.toThrow("No such image: nosuch:latest");
    await expect(engine.create({ WorkingDir: "x" }, {}, "free")).rejects.toThrow("needs to be an absolute path");
    await expect(engine.create({}, { Memory: 5 }, "free")).rejects.toThrow("Minimum memory limit allowed is 6MB");
    await engine.create({}, {}, "free");
  });
});

describe("streams", () => {
  test("an attach before the start misses nothing, and its input arrives", async () => {
    const id = await engine.create({ Cmd: ["cat"], OpenStdin: true, StdinOnce: true });
    const stream = await engine.containers.attach(id, attachAll, never());
    await engine.containers.start(id, { detachKeys: undefined });
    await stream.write(Buffer.from("hello\n"));
    stream.endInput();
    expect(await text(stream.output)).toBe("hello\n");
    expect(await engine.wait(id)).toBe(0);
  });

  test("several clients see the same; one that leaves takes nothing from the others", async () => {
    const id = await engine.create({ Cmd: ["cat"], OpenStdin: true });
    const [one, two, three] = await Promise.all([1, 2, 3].map(() => engine.containers.attach(id, attachAll, never())));
    await engine.containers.start(id, { detachKeys: undefined });
    three?.close();
    const seen = [one, two].map((stream) => stream && text(stream.output));
    await one?.write(Buffer.from("to all\n"));
    await Bun.sleep(200);
    await engine.containers.kill(id, { signal: undefined });
    expect(await Promise.all(seen)).toEqual(["to all\n", "to all\n"]);
  });

  test("logs=1 replays what was before", async () => {
    const id = await engine.run(sh("echo before; sleep 100"));
    while ((await engine.logs(id)) === "") await Bun.sleep(10);
    const stream = await engine.containers.attach(id, { ...attachAll, logs: true, stream: false }, never());
    expect(await text(stream.output)).toBe("before\n");
  });

  test("the detach keys let go of a terminal, and the process runs on", async () => {
    const id = await engine.create({ Cmd: ["sh"], Tty: true, OpenStdin: true });
    const stream = await engine.containers.attach(id, { ...attachAll, detachKeys: "ctrl-a,x" }, never());
    await engine.containers.start(id, { detachKeys: undefined });
    const output = text(stream.output);
    await stream.write(Buffer.from("\x01x"));
    await output;
    expect(await engine.state(id)).toMatchObject({ Running: true });
    await expect(engine.containers.attach(id, { ...attachAll, detachKeys: "ctrl-a,xx" }, never())).rejects.toThrow(
      "Invalid detach keys (ctrl-a,xx) provided",
    );
  });

  test("a follower gets every line and ends with the container", async () => {
    const id = await engine.run(sh("for i in 1 2 3 4 5; do echo $i; sleep 0.1; done"));
    const options = { stdout: true, stderr: true, follow: true, since: undefined, until: undefined };
    const more = { timestamps: false, details: false, tail: undefined };
    const { chunks } = await engine.containers.logs(id, { ...options, ...more }, never());
    expect(await text(chunks)).toBe("1\n2\n3\n4\n5\n");
  });
});

describe("exec", () => {
  const run = async (id: string, request: object) => {
    const exec = await engine.engine.backend.exec.create(id, { AttachStdout: true, AttachStderr: true, ...request });
    const stream = await engine.engine.backend.exec.start(exec.Id, {}, never());
    const out = stream === undefined ? "" : await text(stream.output);
    for (;;) {
      const inspected = await engine.engine.backend.exec.inspect(exec.Id);
      if (!inspected.Running) return { out, code: inspected.ExitCode, id: exec.Id };
      await Bun.sleep(5);
    }
  };

  test("has the container's environment and its own user, directory and variables", async () => {
    const id = await engine.run({ Cmd: ["sleep", "100"], Env: ["A=1", "B=1"] });
    const script = 'echo "$A $B $(pwd) $(id -u) $HOME"; exit 5';
    const request = { Cmd: ["sh", "-c", script], Env: ["B=2"], WorkingDir: "/tmp", User: "nobody" };
    expect(await run(id, request)).toMatchObject({ out: "1 2 /tmp 65534 /\n", code: 5 });
  });

  test("runs once", async () => {
    const id = await engine.run({ Cmd: ["sleep", "100"] });
    const done = await run(id, { Cmd: ["true"] });
    await expect(engine.engine.backend.exec.start(done.id, {}, never())).rejects.toThrow("has already run");
  });

  test("a command that is not there says so, with 127", async () => {
    const id = await engine.run({ Cmd: ["sleep", "100"] });
    const { out, code } = await run(id, { Cmd: ["nosuch"] });
    expect(out).toContain('exec: "nosuch": executable file not found in $PATH');
    expect(code).toBe(127);
  });

  test("its exit code is known when its output has ended, also when it closed that early", async () => {
    const id = await engine.run({ Cmd: ["sleep", "100"] });
    const request = { Cmd: ["sh", "-c", "exec >&- 2>&-; sleep 0.2; exit 5"], AttachStdout: true, AttachStderr: true };
    const { Id } = await engine.engine.backend.exec.create(id, request);
    const stream = await engine.engine.backend.exec.start(Id, {}, never());
    expect(stream && (await text(stream.output))).toBe("");
    expect(await engine.engine.backend.exec.inspect(Id)).toMatchObject({ Running: false, ExitCode: 5 });
  });

  test("a client that leaves does not end it", async () => {
    const id = await engine.run({ Cmd: ["sleep", "100"] });
    const request = { Cmd: ["sh", "-c", "sleep 0.3; exit 6"], AttachStdout: true };
    const { Id } = await engine.engine.backend.exec.create(id, request);
    (await engine.engine.backend.exec.start(Id, {}, never()))?.close();
    while ((await engine.engine.backend.exec.inspect(Id)).Running) await Bun.sleep(20);
    expect((await engine.engine.backend.exec.inspect(Id)).ExitCode).toBe(6);
  });

  test("needs a container that runs", async () => {
    const id = await engine.create({});
    await expect(engine.engine.backend.exec.create(id, { Cmd: ["true"] })).rejects.toThrow(
      `container ${id} is not running`,
    );
    await engine.containers.start(id, { detachKeys: undefined });
    await expect(engine.engine.backend.exec.inspect("nosuch")).rejects.toThrow("No such exec instance: nosuch");
  });
});

describe("mounts", () => {
  test("a volume is made, kept, shared, and not removed while it is used", async () => {
    const { volumes } = engine.engine.backend;
    const writer = await engine.run(sh("echo kept >/v/file"), { Binds: ["shared:/v"] });
    expect(await engine.wait(writer)).toBe(0);
    const reader = await engine.run(sh("cat /w/file; echo no >/w/other"), { VolumesFrom: [], Binds: ["shared:/w:ro"] });
    expect(await engine.wait(reader)).not.toBe(0);
    expect(await engine.logs(reader)).toStartWith("kept\n");
    await expect(volumes.remove("shared", false)).rejects.toThrow("volume is in use - [");
    for (const id of [writer, reader]) await engine.containers.remove(id, { force: true, volumes: true, link: false });
    expect((await volumes.list(filters())).Volumes.map((volume) => volume.Name)).toEqual(["shared"]);
    await volumes.remove("shared", false);
  });

  test("an image's volume gets what the image has there, and goes with rm -v", async () => {
    const id = await engine.run({
      ...sh("ls -ln /etc | tail -n +2 | wc -l; cat /etc/group | head -1"),
      Volumes: { "/etc": {} },
    });
    expect(await engine.wait(id)).toBe(0);
    expect(await engine.logs(id)).toContain("root:x:0:\n");
    const { Mounts } = await engine.containers.inspect(id, { size: false });
    const source = Mounts?.[0]?.Source ?? "";
    expect(Mounts).toMatchObject([{ Type: "volume", Destination: "/etc", Driver: "local", RW: true }]);
    expect(readFileSync(join(source, "group"), "utf8")).toStartWith("root:x:0:");
    expect(statSync(source).uid).toBe(0);
    await engine.containers.remove(id, { force: true, volumes: true, link: false });
    expect(existsSync(source)).toBe(false);
  });

  test("-v makes a missing source, --mount does not; ids inside are ids outside", async () => {
    const directory = mkdtempSync(join(tmpdir(), "hoy-bind-"));
    try {
      writeFileSync(join(directory, "in"), "host\n");
      const source = join(directory, "made");
      const id = await engine.run(sh("touch /b/x; chown 7:8 /b/x; cat /h/in"), {
        Binds: [`${source}:/b`, `${directory}:/h:ro`],
      });
      expect(await engine.wait(id)).toBe(0);
      expect(await engine.logs(id)).toBe("host\n");
      expect(statSync(join(source, "x"))).toMatchObject({ uid: 7, gid: 8 });
      const missing = { Type: "bind", Source: join(directory, "nosuch"), Target: "/b" } as const;
      await expect(engine.create({}, { Mounts: [missing] })).rejects.toThrow(
        `invalid mount config for type "bind": bind source path does not exist: ${missing.Source}`,
      );
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test("a create that fails leaves no volume", async () => {
    const before = (await engine.engine.backend.volumes.list(filters())).Volumes;
    const impossible = { Volumes: { "/bin/sh": {}, "/data": {} } };
    await expect(engine.create(impossible, { Binds: ["fresh:/fresh"] })).rejects.toThrow(
      "cannot mount volume over existing file",
    );
    await expect(engine.create({}, { VolumesFrom: ["nosuch"] })).rejects.toMatchObject({
      code: "invalid",
      message: "No such container: nosuch",
    });
    expect((await engine.engine.backend.volumes.list(filters())).Volumes).toEqual(before);
  });

  test("two mounts at one place are refused", async () => {
    await expect(engine.create({}, { Binds: ["a:/x", "b:/x"] })).rejects.toThrow("Duplicate mount point: /x");
  });
});

describe("what is told", () => {
  test("list finds by every kind of filter", async () => {
    const web = await engine.run(
      { Cmd: ["sleep", "100"], Labels: { tier: "front" }, ExposedPorts: { "80/tcp": {} } },
      { Binds: ["data:/d"] },
      "web",
    );
    const job = await engine.run(sh("exit 2"), {}, "job");
    await engine.wait(job);
    const names = async (wanted: Record<string, string[]>, all = true) =>
      (await list(all, wanted)).map((one) => one.Names?.[0]).toSorted();
    expect(await names({}, false)).toEqual(["/web"]);
    expect(await names({})).toEqual(["/job", "/web"]);
    expect(await names({ status: ["exited"] }, false)).toEqual(["/job"]);
    expect(await names({ exited: ["2"] })).toEqual(["/job"]);
    expect(await names({ exited: ["0"] })).toEqual([]);
    expect(await names({ name: ["^/w"] })).toEqual(["/web"]);
    expect(await names({ id: [web.slice(0, 8)] })).toEqual(["/web"]);
    expect(await names({ label: ["tier=front"] })).toEqual(["/web"]);
    expect(await names({ ancestor: ["busybox"] })).toEqual(["/job", "/web"]);
    expect(await names({ ancestor: ["nosuch"] })).toEqual([]);
    expect(await names({ before: ["job"] })).toEqual(["/web"]);
    expect(await names({ since: ["web"] })).toEqual(["/job"]);
    expect(await names({ volume: ["data"] })).toEqual(["/web"]);
    expect(await names({ expose: ["70-90/tcp"] })).toEqual(["/web"]);
    expect(await names({ publish: ["80"] })).toEqual([]);
    expect(await names({ network: ["none"] })).toEqual(["/job", "/web"]);
    expect(await names({ health: ["none"] })).toEqual(["/job", "/web"]);
    expect(await names({ "is-task": ["true"] })).toEqual([]);
    await expect(names({ nope: ["1"] })).rejects.toThrow("invalid filter 'nope'");
    await expect(names({ status: ["dancing"] })).rejects.toThrow("invalid filter 'status=dancing'");
    await engine.containers.remove(web, { force: true, volumes: false, link: false });
    await engine.engine.backend.volumes.remove("data", false);
  });

  test("events come in the order of a life", async () => {
    const client = new AbortController();
    const options = { since: undefined, until: undefined, filters: filters({ container: ["told"] }) };
    const seen = (async (events: AsyncIterable<EventMessage>) => {
      const actions: string[] = [];
      for await (const event of events) actions.push(event.Action ?? "");
      return actions;
    })(await engine.engine.backend.system.events(options, client.signal));
    const id = await engine.run(sh("exit 1"), {}, "told");
    await engine.wait(id);
    await engine.containers.remove(id, { force: false, volumes: false, link: false });
    client.abort();
    expect(await seen).toEqual(["create", "start", "die", "destroy"]);
  });

  test("a health check makes it healthy and unhealthy", async () => {
    const check = { Test: ["CMD-SHELL", "test -f /ok"], Interval: 1e8, Retries: 2 };
    const id = await engine.run({ Cmd: ["sleep", "100"], Healthcheck: check });
    const health = async (status: string) => {
      while ((await engine.state(id)).Health?.Status !== status) await Bun.sleep(20);
    };
    expect((await engine.state(id)).Health?.Status).toBe("starting");
    await health("unhealthy");
    expect((await list(false))[0]?.Status).toContain("(unhealthy)");
    const { Id } = await engine.engine.backend.exec.create(id, { Cmd: ["touch", "/ok"] });
    await engine.engine.backend.exec.start(Id, { Detach: true }, never());
    await health("healthy");
    expect((await engine.state(id)).Health).toMatchObject({ FailingStreak: 0 });
  });

  test("stats, top and update see and change the limits", async () => {
    const id = await engine.run({ Cmd: ["sleep", "100"] }, { Memory: 64 * 1024 * 1024, PidsLimit: 50 });
    const [sample] = await Array.fromAsync(
      await engine.containers.stats(id, { stream: false, oneShot: true }, never()),
    );
    expect(sample).toMatchObject({ memory_stats: { limit: 64 * 1024 * 1024 }, pids_stats: { current: 1, limit: 50 } });
    await engine.containers.update(id, { Memory: 32 * 1024 * 1024, MemorySwap: 64 * 1024 * 1024 });
    const [after] = await Array.fromAsync(await engine.containers.stats(id, { stream: false, oneShot: true }, never()));
    expect(after?.memory_stats?.limit).toBe(32 * 1024 * 1024);
    const { Titles, Processes } = await engine.containers.top(id, "");
    expect(Titles).toContain("PID");
    expect(Processes).toHaveLength(1);
    expect((await engine.containers.inspect(id, { size: false })).HostConfig?.Memory).toBe(32 * 1024 * 1024);
  });

  test("prune takes what does not run and passes the filter", async () => {
    await engine.run({ Cmd: ["sleep", "100"] }, {}, "runs");
    await engine.create({ Labels: { keep: "1" } }, {}, "kept");
    const id = await engine.create({}, {}, "old");
    expect((await engine.containers.prune(filters({ "label!": ["keep"] }))).deleted).toEqual([id]);
    expect(await engine.containers.prune(filters({ until: ["1h"] }))).toMatchObject({ deleted: [] });
  });

  test("info, version and df", async () => {
    await engine.create({});
    const { system } = engine.engine.backend;
    expect(await system.info()).toMatchObject({ Containers: 1, ContainersStopped: 1, Images: 1, OSType: "linux" });
    expect(await system.version()).toMatchObject({ Os: "linux", MinAPIVersion: "1.24" });
    expect(await system.diskUsage(new Set(["container"]))).toMatchObject({
      Containers: [{ State: "created", SizeRw: 0 }],
    });
  });
});
