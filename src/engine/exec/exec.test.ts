// Exec in real containers.

import { describe, expect, test } from "bun:test";
import { never, text, wholeEngine } from "../testing/whole.ts";

const engine = wholeEngine();

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

  test("the stream is there before the command runs, so that no output comes with the head of the answer", async () => {
    const id = await engine.run({ Cmd: ["sleep", "100"] });
    const { Id } = await engine.engine.backend.exec.create(id, { Cmd: ["echo", "hi"], AttachStdout: true });
    const stream = await engine.engine.backend.exec.start(Id, {}, never());
    expect(await engine.engine.backend.exec.inspect(Id)).toMatchObject({ Running: true, Pid: 0 });
    expect(stream && (await text(stream.output))).toBe("hi\n");
  });

  test("the start's Tty decides on frames, whether the process has a terminal or not", async () => {
    const id = await engine.run({ Cmd: ["sleep", "100"] });
    for (const [Tty, raw] of [
      [true, false],
      [true, true],
      [false, false],
      [false, true],
    ] as const) {
      const request = { Cmd: ["echo", "hi"], AttachStdout: true, Tty };
      const { Id } = await engine.engine.backend.exec.create(id, request);
      const stream = await engine.engine.backend.exec.start(Id, { Tty: raw }, never());
      expect(stream?.tty).toBe(raw);
      expect(stream && (await text(stream.output))).toBe(Tty ? "hi\r\n" : "hi\n");
    }
  });

  test("a client that leaves does not end it", async () => {
    const id = await engine.run({ Cmd: ["sleep", "100"] });
    const request = { Cmd: ["sh", "-c", "sleep 0.3; exit 6"], AttachStdout: true };
    const { Id } = await engine.engine.backend.exec.create(id, request);
    (await engine.engine.backend.exec.start(Id, {}, never()))?.close();
    while ((await engine.engine.backend.exec.inspect(Id)).Running) await Bun.sleep(20);
    expect((await engine.engine.backend.exec.inspect(Id)).ExitCode).toBe(6);
  });

  test("a removed container's can be asked for a moment more, and is not kept", async () => {
    const id = await engine.run({ Cmd: ["sleep", "100"] });
    const done = await run(id, { Cmd: ["sh", "-c", "exit 3"] });
    await engine.engine.backend.containers.remove(id, { force: true, volumes: true, link: false });
    const inspect = () => engine.engine.backend.exec.inspect(done.id).then(({ ExitCode }) => ExitCode);
    expect(await inspect()).toBe(3);
    let last: unknown = 3;
    for (let waits = 0; waits < 400 && last === 3; waits++) {
      await Bun.sleep(50);
      last = await inspect().catch(String);
    }
    expect(last).toContain(`No such exec instance: ${done.id}`);
  }, 60_000);

  test("one that the container's end overtakes says that it is not running, whatever the runtime met", async () => {
    const { exec, containers } = engine.engine.backend;
    const words: string[] = [];
    for (let round = 0; round < 12; round++) {
      const id = await engine.run({ Cmd: ["sleep", "100"] });
      const execs = await Promise.all([1, 2, 3].map(() => exec.create(id, { Cmd: ["true"] })));
      const starts = execs.map(({ Id }) => exec.start(Id, { Detach: true }, never()));
      await Bun.sleep(round);
      await containers.kill(id, { signal: undefined });
      const ends = await Promise.allSettled(starts);
      for (const end of ends) if (end.status === "rejected") words.push(String(end.reason).replaceAll(id, "ID"));
    }
    expect(words.length).toBeGreaterThan(0);
    expect([...new Set(words)]).toEqual(["HoyError: container ID is not running"]);
  }, 60_000);

  test("needs a container that runs", async () => {
    const id = await engine.create({});
    await expect(engine.engine.backend.exec.create(id, { Cmd: ["true"] })).rejects.toThrow(
      `container ${id} is not running`,
    );
    await engine.containers.start(id, { detachKeys: undefined });
    await expect(engine.engine.backend.exec.inspect("nosuch")).rejects.toThrow("No such exec instance: nosuch");
  });
});
