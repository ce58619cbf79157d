// exec: another process in a running container.

import { beforeAll, describe, expect, test } from "bun:test";
import { eachClient, eventually, fails, ok, unique } from "../harness/clients.ts";
import type { Result } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const name = unique("exec");

beforeAll(async () => {
  await ok(
    hoy.hoy(
      "run",
      "-d",
      "--name",
      name,
      "--network",
      "none",
      "-e",
      "FROM=container",
      "-w",
      "/tmp",
      "busybox",
      "sleep",
      "1000",
    ),
  );
});
describe("exec", () => {
  eachClient(hoy, "streams and exit code", async (client) => {
    expect(await client("exec", name, "sh", "-c", "echo out; echo err >&2; exit 5")).toEqual({
      code: 5,
      stdout: "out\n",
      stderr: "err\n",
    });
  });

  eachClient(hoy, "standard input to its end", async (client) => {
    const text = "line\n".repeat(20_000);
    expect((await client.with({ input: text }, "exec", "-i", name, "cat")).stdout).toBe(text);
    expect((await client.with({ input: text }, "exec", "-i", name, "wc", "-l")).stdout).toBe("20000\n");
  });

  eachClient(hoy, "environment, user, working directory", async (client) => {
    const show = 'echo "$FROM $MORE $(id -u):$(id -g) $PWD"';
    expect(await ok(client("exec", name, "sh", "-c", show))).toBe("container  0:0 /tmp");
    const flags = ["-e", "MORE=exec", "-u", "nobody", "-w", "/etc"];
    expect(await ok(client("exec", ...flags, name, "sh", "-c", show))).toBe("container exec 65534:65534 /etc");
    expect(await ok(client("exec", "-u", "1234:100", name, "id", "-g"))).toBe("100");
    await refused(
      client("exec", "-u", "captain", name, "true"),
      126,
      /unable to find user captain: no matching entries in passwd file/,
    );
  });

  eachClient(hoy, "what can't be run: 127 and 126", async (client) => {
    await refused(client("exec", name, ""), 127, /exec: "": executable file not found in \$PATH/);
    await refused(client("exec", name, "nonesuch"), 127, /executable file not found in \$PATH/);
    await refused(client("exec", name, "/etc/passwd"), 126, /permission denied/i);
  });

  eachClient(hoy, "-d returns at once and goes on", async (client) => {
    const file = `/tmp/${unique("d")}`;
    expect(await ok(client("exec", "-d", name, "sh", "-c", `sleep 0.2; echo done > ${file}`))).toBe("");
    await eventually(
      async () => (await client("exec", name, "cat", file)).stdout === "done\n",
      "the detached command ends",
    );
  });

  eachClient(hoy, "on a terminal: one stream, its size, resize", async (client) => {
    const shell = client.terminal("exec", "-it", name, "sh");
    await shell.until(/# /); // the shell may ask for the cursor and print its prompt again
    shell.write("stty size\r");
    await shell.until(/24 80/);
    shell.resize(100, 40);
    shell.write("sleep 0.3; stty size\r");
    await shell.until(/40 100/);
    shell.write("exit 3\r");
    expect(await shell.exited).toBe(3);
  });

  eachClient(hoy, "of a container that does not run", async (client) => {
    const stopped = unique();
    await ok(client("create", "--name", stopped, "--network", "none", "busybox"));
    await fails(client("exec", stopped, "true"), 1, /is not running/);
    await fails(client("exec", "nonesuch", "true"), 1, /No such container: nonesuch/);
    await ok(client("rm", stopped));
  });

  test("a process left behind by an exec ends with the container, and nobody waits for it", async () => {
    expect(await ok(hoy.hoy("exec", name, "sh", "-c", "sleep 900 >/dev/null 2>&1 & echo bye"))).toBe("bye");
  });

  test("inspect of an exec by the API: running, then its exit code; the id is forgotten by nobody meanwhile", async () => {
    const created = await hoy.api("POST", `/containers/${name}/exec`, {
      Cmd: ["sh", "-c", "exit 8"],
      AttachStdout: true,
    });
    expect(created.status).toBe(201);
    const { Id } = created.json as { Id: string };
    expect((await hoy.api("GET", `/exec/${Id}/json`)).json).toMatchObject({
      ID: Id,
      Running: false,
      ExitCode: null,
      ProcessConfig: { entrypoint: "sh", arguments: ["-c", "exit 8"] },
    });
    expect((await hoy.api("POST", `/exec/${Id}/start`, { Detach: true })).status).toBe(200);
    await eventually(async () => {
      const { json } = await hoy.api("GET", `/exec/${Id}/json`);
      const { Running, ExitCode } = json as { Running: boolean; ExitCode: number | null };
      return !Running && ExitCode === 8;
    }, "the exec ends with 8");
    expect((await hoy.api("POST", `/exec/${Id}/start`, { Detach: true })).status).toBe(409);
    expect((await hoy.api("GET", "/exec/0123456789abcdef/json")).status).toBe(404);
  });

  eachClient(hoy, "ten at once, each with its own output", async (client) => {
    const outputs = await Promise.all(
      Array.from({ length: 10 }, (_, index) => ok(client("exec", name, "echo", String(index)))),
    );
    expect(outputs).toEqual(Array.from({ length: 10 }, (_, index) => String(index)));
  });

  eachClient(hoy, "top shows the processes", async (client) => {
    const lines = (await ok(client("top", name))).split("\n");
    expect(lines[0]).toMatch(/^UID\s+PID\s+PPID\s+C\s+STIME\s+TTY\s+TIME\s+CMD$/);
    expect(lines.some((line) => line.includes("sleep 1000"))).toBe(true);
    expect(await ok(client("top", name, "-o", "pid,comm"))).toMatch(/^PID\s+COMMAND\n\d+\s+sleep/);
  });
});

/** The engine says on the exec's own output why it can't start: the connection is a stream by then. */
async function refused(running: Promise<Result>, code: number, words: RegExp): Promise<void> {
  const result = await running;
  expect(result.stdout + result.stderr).toMatch(words);
  expect(result.code).toBe(code);
}
