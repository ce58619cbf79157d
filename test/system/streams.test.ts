// Streams to a container's first process: standard input, terminals, attach, detach keys, several clients.

import { describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { eachClient, eventually, fails, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const NET = ["--network", "none"];
/** Of busybox's shell; what follows it (a question to the terminal, the prompt once more) depends on the moment. */
const PROMPT = /# (.\[6n)?(\r.*# .\[J)?$/;

describe("run -i", () => {
  eachClient(hoy, "standard input goes through to its end, byte for byte", async (client) => {
    const bytes = new Uint8Array(1_000_000).map((_, index) => (index * 7 + (index >> 8)) % 256);
    const expected = new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
    const { stdout } = await client.with({ input: bytes }, "run", "--rm", "-i", ...NET, "busybox", "sha256sum");
    expect(stdout).toBe(`${expected}  -\n`);
  });

  eachClient(hoy, "without -i there is no input", async (client) => {
    expect((await client.with({ input: "unread" }, "run", "--rm", ...NET, "busybox", "cat")).stdout).toBe("");
  });

  eachClient(hoy, "a megabyte of output comes whole", async (client) => {
    const { stdout } = await client(
      "run",
      "--rm",
      ...NET,
      "busybox",
      "sh",
      "-c",
      "head -c 1000000 /dev/zero | tr '\\0' y",
    );
    expect(stdout.length).toBe(1_000_000);
  });

  eachClient(hoy, "a conversation", async (client) => {
    const shell = client.start("run", "--rm", "-i", ...NET, "busybox", "sh");
    shell.write("echo first\n");
    await shell.until(/first\n/);
    shell.write("echo second\n");
    await shell.until(/second\n/);
    shell.endInput();
    expect(await shell.exited).toBe(0);
  });
});

describe("run -it", () => {
  eachClient(hoy, "a terminal: tty, size, echo, exit code", async (client) => {
    const shell = client.terminal("run", "--rm", "-it", ...NET, "busybox");
    await shell.until(PROMPT);
    shell.write("tty; stty size\r");
    await shell.until(/\/dev\/pts\/0\r\n24 80\r\n/);
    shell.resize(132, 50);
    shell.write("sleep 0.3; stty size\r");
    await shell.until(/50 132/);
    shell.write("exit 4\r");
    expect(await shell.exited).toBe(4);
  });

  eachClient(hoy, "ctrl-c goes to the program, not to the client", async (client) => {
    const shell = client.terminal(
      "run",
      "--rm",
      "-it",
      ...NET,
      "busybox",
      "sh",
      "-c",
      "trap 'echo caught; exit 6' INT; echo ready; while :; do sleep 0.1; done",
    );
    await shell.until(/ready/);
    shell.write("\x03");
    expect(await shell.exited).toBe(6);
    expect(shell.output()).toContain("caught");
  });

  eachClient(hoy, "-t without a terminal on this side is refused with -i", async (client) => {
    await fails(
      client.with({ input: "" }, "run", "--rm", "-it", ...NET, "busybox"),
      1,
      /the input device is not a TTY/,
    );
  });

  eachClient(hoy, "the detach keys leave it running; attach comes back to it", async (client) => {
    const name = unique();
    const first = client.terminal("run", "-it", "--name", name, ...NET, "busybox");
    await first.until(PROMPT);
    first.write("\x10\x11");
    await first.exited;
    expect(await ok(client("inspect", "--format", "{{.State.Status}}", name))).toBe("running");
    const again = client.terminal("attach", "--detach-keys", "ctrl-x", name);
    await Bun.sleep(300);
    again.write("echo back\r");
    await again.until(/back\r\n/);
    again.write("\x18");
    await again.exited;
    expect(await ok(client("inspect", "--format", "{{.State.Status}}", name))).toBe("running");
    await ok(client("rm", "-f", name));
  });
});

describe("attach", () => {
  eachClient(hoy, "several clients see the same output", async (client) => {
    const name = unique();
    await ok(
      client(
        "run",
        "-d",
        "-i",
        "--name",
        name,
        ...NET,
        "busybox",
        "sh",
        "-c",
        "while read line; do echo got $line; done",
      ),
    );
    const [one, two] = [client.start("attach", name), client.start("attach", "--no-stdin", name)];
    await eventually(async () => {
      one.write("ping\n");
      await Bun.sleep(50);
      return one.output().includes("got ping") && two.output().includes("got ping");
    }, "both see it");
    one.kill("SIGKILL");
    two.kill("SIGKILL");
    await Promise.all([one.exited, two.exited]);
    expect(await ok(client("inspect", "--format", "{{.State.Status}}", name))).toBe("running");
    await ok(client("rm", "-f", name));
  });

  eachClient(hoy, "signals of the client are the program's", async (client) => {
    const name = unique();
    const run = client.start(
      "run",
      "--rm",
      "--name",
      name,
      ...NET,
      "busybox",
      "sh",
      "-c",
      "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.1; done",
    );
    await run.until(/ready/);
    run.kill("SIGTERM");
    expect(await run.exited).toBe(7);
    expect(run.output()).toBe("ready\nbye\n");
  });

  eachClient(hoy, "of what does not run", async (client) => {
    const name = unique();
    await ok(client("create", "--name", name, ...NET, "busybox"));
    await fails(client("attach", name), 1, /cannot attach to a stopped container, start it first/);
    await ok(client("rm", name));
  });

  test("a client that does not read holds up nobody else", async () => {
    const name = unique();
    await ok(
      hoy.hoy(
        "run",
        "-d",
        "--name",
        name,
        ...NET,
        "busybox",
        "sh",
        "-c",
        "while :; do head -c 65536 /dev/zero | tr '\\0' z; sleep 0.05; done",
      ),
    );
    const stuck = connect(hoy.socket);
    stuck.pause();
    stuck.write(
      `POST /containers/${name}/attach?stream=1&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`,
    );
    await Bun.sleep(500);
    expect(await ok(hoy.hoy("exec", name, "echo", "alive"))).toBe("alive");
    expect((await ok(hoy.hoy("logs", "--tail", "1", name))).length).toBeGreaterThan(0);
    stuck.destroy();
    await ok(hoy.hoy("rm", "-f", name));
  });
});
