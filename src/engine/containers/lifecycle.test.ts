// Containers from create to remove on a real kernel, through the Backend as the API server calls it.

import { describe, expect, test } from "bun:test";
import { list, never, sh, wholeEngine } from "../testing/whole.ts";

const engine = wholeEngine();

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

  test("keeps its runtime by name, the default's when none was asked for", async () => {
    const id = await engine.create({ Cmd: ["true"] });
    expect((await engine.containers.inspect(id, { size: false })).HostConfig).toMatchObject({ Runtime: "crun" });
    await expect(engine.create({ Cmd: ["true"] }, { Runtime: "none" })).rejects.toThrow(
      "unknown or invalid runtime name: none",
    );
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
    expect(await list(engine, true)).toEqual([]);
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

  test.each(["stop", "kill"] as const)(
    "%s in the midst of the policy's start ends what starts, for good",
    async (verb) => {
      const once = sh("test -e /once && exec sleep 100; touch /once; exit 1");
      const id = await engine.run(once, { RestartPolicy: { Name: "always" } });
      // The count goes up when the start begins.
      while ((await engine.containers.inspect(id, { size: false })).RestartCount === 0) await Bun.sleep(1);
      if (verb === "stop") await engine.containers.stop(id, { signal: undefined, timeout: 0 }, never());
      else await engine.containers.kill(id, { signal: undefined });
      while ((await engine.state(id)).Status === "running") await Bun.sleep(5);
      expect(await engine.state(id)).toMatchObject({ Status: "exited", ExitCode: 137 });
    },
  );
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
    expect((await list(engine, true)).flatMap((one) => one.Names ?? []).toSorted()).toEqual(["/db", "/web"]);
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
