// A container's life: run, create, start, stop, kill, restart, pause, rename, wait, remove; exit codes and states.

import { describe, expect, test } from "bun:test";
import { eachClient, eventually, fails, ok, unique } from "../harness/clients.ts";
import { type Client, testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const NET = ["--network", "none"];

const sleeper = (client: Client, name: string, ...flags: string[]) =>
  ok(client("run", "-d", "--name", name, ...NET, ...flags, "busybox", "sleep", "1000"));
const state = (client: Client, name: string) =>
  ok(client("inspect", "--format", "{{.State.Status}} {{.State.ExitCode}}", name));

describe("run", () => {
  eachClient(hoy, "standard output, standard error and the exit code are the program's", async (client) => {
    const result = await client("run", "--rm", ...NET, "busybox", "sh", "-c", "echo out; echo err >&2; exit 7");
    expect(result).toEqual({ code: 7, stdout: "out\n", stderr: "err\n" });
  });

  eachClient(hoy, "a program that a signal ends gives 128 + n", async (client) => {
    // With an init: the first process of a pid namespace is out of reach of its own signals.
    const { code } = await client("run", "--rm", "--init", ...NET, "busybox", "sh", "-c", "kill -TERM $$; sleep 9");
    expect(code).toBe(143);
  });

  eachClient(hoy, "--rm leaves nothing, no --rm leaves a stopped container", async (client) => {
    const [gone, kept] = [unique(), unique()];
    await ok(client("run", "--rm", "--name", gone, ...NET, "busybox", "true"));
    await ok(client("run", "--name", kept, ...NET, "busybox", "true"));
    expect(await ok(client("ps", "-a", "--format", "{{.Names}}"))).not.toContain(gone);
    expect(await state(client, kept)).toBe("exited 0");
    await ok(client("rm", kept));
  });

  eachClient(hoy, "-d prints the id and leaves it running", async (client) => {
    const name = unique();
    const id = await sleeper(client, name);
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(await state(client, name)).toBe("running 0");
    expect(await ok(client("inspect", "--format", "{{.Id}}", id.slice(0, 12)))).toBe(id);
    expect(await ok(client("rm", "-f", id))).toBe(id);
  });

  eachClient(
    hoy,
    "a command that is not there is 127, one that can't be run is 126; the container stays, created",
    async (client) => {
      const name = unique();
      await fails(
        client("run", "--name", name, ...NET, "busybox", "nonesuch"),
        127,
        /executable file not found in \$PATH/,
      );
      expect(await state(client, name)).toBe("created 127");
      await ok(client("rm", name));
      await fails(client("run", "--rm", ...NET, "busybox", "/etc/passwd"), 126, /permission denied/i);
      await fails(client("run", "--rm", ...NET, "busybox", "/bin"), 126, /permission denied|is a directory/i);
    },
  );

  eachClient(hoy, "an image's command, and one's own instead", async (client) => {
    const piped = await client.with({ input: "echo from $0\n" }, "run", "--rm", "-i", ...NET, "busybox");
    expect(piped.stdout).toBe("from sh\n");
    expect(await ok(client("run", "--rm", "--entrypoint", "echo", ...NET, "busybox", "a", "b"))).toBe("a b");
  });

  eachClient(hoy, "environment, working directory, host name, labels", async (client) => {
    const out = await ok(
      client(
        "run",
        "--rm",
        ...NET,
        "-e",
        "A=1 2",
        "-w",
        "/new/dir",
        "-h",
        "boat",
        "--label",
        "x=y",
        "busybox",
        "sh",
        "-c",
        'echo "$A|$PWD|$(hostname)|$HOME|$PATH"',
      ),
    );
    expect(out).toBe("1 2|/new/dir|boat|/root|/bin:/usr/bin");
  });

  test("--cidfile is written and refuses to be written over", async () => {
    const file = `${hoy.root}/cid`;
    await ok(hoy.hoy("run", "--rm", "--cidfile", file, ...NET, "busybox", "true"));
    expect(await Bun.file(file).text()).toMatch(/^[0-9a-f]{64}$/);
    await fails(hoy.hoy("run", "--rm", "--cidfile", file, ...NET, "busybox", "true"), 125, /file found|already/i);
  });
});

describe("create, start, stop", () => {
  eachClient(
    hoy,
    "a created container has not run; start runs it; start -a gives its output and code",
    async (client) => {
      const name = unique();
      await ok(client("create", "--name", name, ...NET, "busybox", "sh", "-c", "echo hi; exit 3"));
      expect(await state(client, name)).toBe("created 0");
      expect(await client("start", "-a", name)).toMatchObject({ code: 3, stdout: "hi\n" });
      expect(await client("start", "-a", name)).toMatchObject({ code: 3, stdout: "hi\n" });
      await ok(client("rm", name));
    },
  );

  eachClient(hoy, "stop sends the stop signal, then kills after the timeout", async (client) => {
    const [polite, stubborn] = [unique(), unique()];
    const trap = (word: string) => `trap '${word}' TERM; echo up; while :; do sleep 0.1; done`;
    await ok(client("run", "-d", "--name", polite, ...NET, "busybox", "sh", "-c", trap("exit 5")));
    await ok(client("run", "-d", "--name", stubborn, ...NET, "busybox", "sh", "-c", trap("echo no")));
    for (const name of [polite, stubborn]) {
      await eventually(async () => (await ok(client("logs", name))).includes("up"), "the trap is set");
    }
    expect(await ok(client("stop", polite))).toBe(polite);
    await ok(client("stop", "-t", "1", stubborn));
    expect(await state(client, polite)).toBe("exited 5");
    expect(await state(client, stubborn)).toBe("exited 137");
    await ok(client("rm", polite, stubborn));
  });

  eachClient(hoy, "--stop-signal is what stop sends", async (client) => {
    const name = unique();
    await ok(
      client(
        "run",
        "-d",
        "--name",
        name,
        "--stop-signal",
        "USR1",
        ...NET,
        "busybox",
        "sh",
        "-c",
        "trap 'exit 9' USR1; echo up; while :; do sleep 0.1; done",
      ),
    );
    await eventually(async () => (await ok(client("logs", name))).includes("up"), "the trap is set");
    await ok(client("stop", name));
    expect(await state(client, name)).toBe("exited 9");
    await ok(client("rm", name));
  });

  eachClient(hoy, "kill takes a signal by name or number; on a stopped container it is a conflict", async (client) => {
    const name = unique();
    await sleeper(client, name);
    await ok(client("kill", "-s", "9", name));
    expect(
      await eventually(async () => /^exited/.test(await state(client, name)) && state(client, name), "it ends"),
    ).toBe("exited 137");
    await fails(client("kill", name), 1, /is not running/);
    await fails(client("kill", "-s", "NOPE", name), 1, /[Ii]nvalid signal: NOPE/);
    await ok(client("rm", name));
  });

  eachClient(hoy, "restart gives a new process and keeps the file system", async (client) => {
    const name = unique();
    await sleeper(client, name);
    const pid = () => ok(client("inspect", "--format", "{{.State.Pid}}", name));
    const first = await pid();
    await ok(client("exec", name, "sh", "-c", "echo kept > /file"));
    await ok(client("restart", "-t", "0", name));
    expect(await pid()).not.toBe(first);
    expect(await ok(client("exec", name, "cat", "/file"))).toBe("kept");
    await ok(client("rm", "-f", name));
  });

  eachClient(hoy, "pause freezes, unpause goes on", async (client) => {
    const name = unique();
    await sleeper(client, name);
    await ok(client("pause", name));
    expect(await state(client, name)).toBe("paused 0");
    await fails(client("pause", name), 1, /is already paused/);
    await fails(client("exec", name, "true"), 1, /is paused/);
    await ok(client("unpause", name));
    expect(await state(client, name)).toBe("running 0");
    await fails(client("unpause", name), 1, /is not paused/);
    await ok(client("rm", "-f", name));
  });

  eachClient(hoy, "rename; the old name is free at once", async (client) => {
    const [before, after] = [unique(), unique()];
    await sleeper(client, before);
    await ok(client("rename", before, after));
    await fails(client("inspect", before), 1, /[Nn]o such (object|container)/);
    await ok(client("create", "--name", before, ...NET, "busybox"));
    await fails(client("rename", before, after), 1, /is already in use by container/);
    await ok(client("rm", "-f", before, after));
  });

  eachClient(hoy, "rm of a running container refuses without -f", async (client) => {
    const name = unique();
    await sleeper(client, name);
    await fails(client("rm", name), 1, /container is running: stop the container before removing or force remove/);
    await ok(client("rm", "-f", name));
    await fails(client("rm", name), 1, /No such container/);
  });
});

describe("wait", () => {
  eachClient(hoy, "prints exit codes, at once for what has ended", async (client) => {
    const [one, two] = [unique(), unique()];
    await ok(client("run", "-d", "--name", one, ...NET, "busybox", "sh", "-c", "exit 4"));
    await ok(client("run", "-d", "--name", two, ...NET, "busybox", "sh", "-c", "sleep 0.3; exit 6"));
    expect(await ok(client("wait", one, two))).toBe("4\n6");
    expect(await ok(client("wait", one))).toBe("4");
    await ok(client("rm", one, two));
  });

  test("condition removed ends when the container is gone; next-exit skips what was", async () => {
    const name = unique();
    await ok(hoy.hoy("create", "--name", name, ...NET, "busybox", "sh", "-c", "exit 2"));
    await ok(hoy.hoy("start", "-a", name).then((result) => ({ ...result, code: 0 })));
    const next = hoy.api("POST", `/containers/${name}/wait?condition=next-exit`);
    const removed = hoy.api("POST", `/containers/${name}/wait?condition=removed`);
    await ok(hoy.hoy("start", name));
    expect((await next).json).toMatchObject({ StatusCode: 2 });
    await eventually(async () => /^exited/.test(await state(hoy.hoy, name)), "it ends");
    await ok(hoy.hoy("rm", name));
    expect((await removed).status).toBe(200);
  });
});

describe("restart policies", () => {
  eachClient(hoy, "on-failure:2 tries twice more, and counts", async (client) => {
    const name = unique();
    await ok(
      client(
        "run",
        "-d",
        "--name",
        name,
        "--restart",
        "on-failure:2",
        ...NET,
        "busybox",
        "sh",
        "-c",
        "echo try; exit 1",
      ),
    );
    await eventually(
      async () => (await ok(client("inspect", "--format", "{{.RestartCount}} {{.State.Status}}", name))) === "2 exited",
      "two restarts",
    );
    expect(await ok(client("logs", name))).toBe("try\ntry\ntry");
    await ok(client("rm", name));
  });

  eachClient(hoy, "always comes back after its end, and stays down after stop", async (client) => {
    const name = unique();
    await ok(
      client("run", "-d", "--name", name, "--restart", "always", ...NET, "busybox", "sh", "-c", "echo up; sleep 0.2"),
    );
    await eventually(async () => (await ok(client("logs", name))).split("\n").length > 2, "it comes back");
    await ok(client("stop", "-t", "0", name));
    expect(await state(client, name)).toMatch(/^exited/);
    await ok(client("rm", name));
  });

  test("rm -f takes one that is just being started again", async () => {
    const names = Array.from({ length: 8 }, () => unique());
    for (const name of names)
      await ok(hoy.hoy("run", "-d", "--name", name, "--restart", "always", ...NET, "busybox", "false"));
    // Each is somewhere else between its end, the wait, and its next start.
    await Promise.all(names.map((name) => ok(hoy.hoy("rm", "-f", name))));
    expect(await ok(hoy.hoy("ps", "-aq"))).toBe("");
  });

  test("--rm and --restart exclude each other", async () => {
    for (const client of hoy.clients) {
      await fails(
        client("run", "--rm", "--restart", "always", ...NET, "busybox"),
        125,
        /conflicting options: cannot specify both --restart and --rm/,
      );
    }
  });
});

describe("several at once", () => {
  test("twelve runs, four at a time, each with its own output", async () => {
    const numbers = Array.from({ length: 12 }, (_, index) => String(index));
    const outputs: string[] = [];
    const worker = async () => {
      for (let next = numbers.pop(); next !== undefined; next = numbers.pop()) {
        outputs.push(await ok(hoy.hoy("run", "--rm", ...NET, "busybox", "echo", next)));
      }
    };
    await Promise.all([worker(), worker(), worker(), worker()]);
    expect(outputs.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, index) => index));
    expect(await ok(hoy.hoy("ps", "-aq"))).toBe("");
  });
});
