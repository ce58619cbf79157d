// `hoy build --debug`, and buildx's own debugger by the same protocol: a shell on a real terminal in what a failed step
// left.

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildxOf, contextIn, withoutBuildx } from "../harness/buildx.ts";
import { eventually } from "../harness/clients.ts";
import { type Running, start } from "../harness/command.ts";
import { testDaemon } from "../harness/daemon.ts";
import { commandOf } from "../harness/machine.ts";

const hoy = await testDaemon();
const BUILD = ["build", "--network", "none", "--progress", "plain"];

/** Types a line, and waits for what it prints: the echo of the line itself does not count. */
async function ask(shell: Running, command: string, wanted: RegExp): Promise<string> {
  const from = shell.output().length;
  shell.write(`${command}\n`);
  await eventually(async () => wanted.test(shell.output().slice(from + command.length)), `${command} → ${wanted}`);
  return shell.output().slice(from);
}

describe("hoy build --debug", () => {
  test("the failed step's files, mounts, variables, user and directory; then the usual end", async () => {
    const secret = join(hoy.root, "secret");
    writeFileSync(secret, "tell-nobody");
    const dockerfile = `FROM busybox
RUN echo earlier > /earlier && mkdir /w && chown 33:44 /w
USER 33:44
ENV COLOUR=blue
WORKDIR /w
SHELL ["/bin/busybox", "sh", "-c"]
RUN --mount=type=secret,id=s,env=TOKEN --mount=type=bind,target=/context --mount=type=cache,target=/cache,uid=33 --mount=type=secret,id=s,uid=33 \\
    --mount=type=tmpfs,target=/memory,size=1m --mount=type=bind,from=busybox,target=/b,rw \\
    echo half > left; echo kept > /cache/c; false
`;
    const context = contextIn(hoy, dockerfile, { "from-context": "here" });
    const shell = hoy.hoy.terminal(...BUILD, "--debug", "--secret", `id=s,src=${secret}`, context);
    await shell.until(/A shell in the failed step \(\/bin\/busybox sh\)/);
    await shell.until(/\$ /);
    await ask(shell, "cat left /earlier", /half\s+earlier/);
    await ask(shell, "echo $COLOUR-$(id -u):$(id -g)-$PWD", /blue-33:44-\/w\r/);
    await ask(shell, "cat /context/from-context /cache/c", /here\s*kept/);
    await ask(shell, "cat /run/secrets/s; echo + $TOKEN", /tell-nobody\+ tell-nobody/);
    await ask(shell, "stat -f -c %T /memory; stty size", /tmpfs\s+24 80/);
    shell.resize(100, 30);
    await ask(shell, 'until [ "$(stty size)" = "30 100" ]; do sleep 0.1; done; echo resized$((1+1))', /resized2/);
    shell.write("exit 3\n");
    expect(await shell.exited).toBe(1);
    expect(shell.output()).toContain("ERROR: failed to build: failed to solve: process");
    expect(readdirSync(join(hoy.data, "tmp")).filter((name) => name.startsWith("build-"))).toEqual([]);
  });

  test("what it changes is dropped; a build that goes well opens none", async () => {
    const context = contextIn(hoy, "FROM busybox\nRUN echo $(date +%s%N) > /once && cat /fixed\n");
    const shell = hoy.hoy.terminal(...BUILD, "--debug", context);
    await shell.until(/# /);
    await ask(shell, "echo y > /fixed; ls -l /fixed", /root/);
    shell.write("\u0004");
    expect(await shell.exited).toBe(1);
    const again = hoy.hoy.terminal(...BUILD, "--debug", context);
    await again.until(/# /);
    await ask(again, "ls /fixed", /No such file/);
    again.write("exit\n");
    expect(await again.exited).toBe(1);
    const good = hoy.hoy.terminal(...BUILD, "--debug", "-t", "debug-good", contextIn(hoy, "FROM busybox\nRUN true\n"));
    expect(await good.exited).toBe(0);
    expect((await hoy.hoy("inspect", "debug-good")).code).toBe(0);
  });

  test("without a terminal, or a command to look at, it says so and fails as usual", async () => {
    const failed = contextIn(hoy, "FROM busybox\nRUN exit 7\n");
    const { code, stderr } = await hoy.hoy(...BUILD, "--debug", failed);
    expect(code).toBe(1);
    expect(stderr).toContain("--debug opens a shell on a terminal only");
    expect(stderr).toContain("   2 | >>> RUN exit 7");
    expect(stderr).toContain("exit code: 7");
    const copy = hoy.hoy.terminal(...BUILD, "--debug", contextIn(hoy, "FROM busybox\nCOPY nothing /\n"));
    expect(await copy.exited).toBe(1);
    expect(copy.output()).toContain("what failed is no command");
  });

  test("an image without a shell: the engine says what is missing", async () => {
    const shell = hoy.hoy.terminal(
      ...BUILD,
      "--debug",
      contextIn(hoy, 'FROM busybox\nRUN ["/bin/rm", "/bin/sh", "/none"]\n'),
    );
    expect(await shell.exited).toBe(1);
    expect(shell.output()).toMatch(/no shell could be started: .*sh/);
  });

  test("a client that goes away takes its shell with it", async () => {
    const shell = hoy.hoy.terminal(...BUILD, "--debug", contextIn(hoy, "FROM busybox\nRUN false\n"));
    await shell.until(/# /);
    shell.write("exec sleep 987654\n");
    const sleeping = () => readdirSync("/proc").filter((pid) => commandOf(pid).includes("sleep 987654"));
    await eventually(async () => sleeping().length > 0, "the process runs");
    shell.kill("SIGKILL");
    await shell.exited;
    await eventually(async () => sleeping().length === 0, "the process is gone");
    await eventually(
      async () => readdirSync(join(hoy.data, "tmp")).every((name) => !name.startsWith("build-")),
      "its files are gone",
    );
  });
});

describe("what commands may do beyond the usual", () => {
  test("the host's network when it is asked for, the host's root not even then", async () => {
    const host = contextIn(hoy, "FROM busybox\nRUN --network=host true\n");
    expect((await hoy.hoy("build", host)).stderr).toContain("network.host is not allowed (ask for it with --allow");
    expect((await hoy.hoy("build", "--allow", "network.host", host)).code).toBe(0);
    const insecure = contextIn(hoy, "FROM busybox\nRUN --security=insecure true\n");
    expect((await hoy.hoy("build", insecure)).stderr).toContain("security.insecure is not allowed");
    const asked = await hoy.hoy("build", "--allow", "security.insecure", insecure);
    expect(asked.stderr).toContain(
      "granting entitlement security.insecure is not allowed by build daemon configuration",
    );
  });
});

if (withoutBuildx !== "") {
  test.skip(`buildx debug (skipped: ${withoutBuildx})`, () => undefined);
} else {
  test("buildx debug: a shell in what the failed step left", async () => {
    const env = { ...buildxOf(hoy).env, DOCKER_HOST: `unix://${hoy.socket}`, BUILDX_EXPERIMENTAL: "1" };
    const context = contextIn(hoy, "FROM busybox\nENV COLOUR=red\nRUN echo half > /left; false\n");
    const argv = [
      "docker",
      "buildx",
      "debug",
      "--invoke=/bin/sh",
      "build",
      "--network",
      "none",
      "--progress",
      "plain",
      context,
    ];
    const shell = start(argv, { env, terminal: { columns: 80, rows: 24 } });
    await shell.until(/# /);
    await ask(shell, "cat /left; echo $COLOUR", /half\s+red/);
    // Its own console, and out.
    shell.write("\u0001c");
    await shell.until(/\(buildx\) /);
    shell.write("exit\r");
    await shell.exited;
    expect(readFileSync(hoy.log, "utf8")).not.toContain("unhandled");
  });
}
