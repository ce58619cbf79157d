// Logs: what was written, in order, by time and number, while it is written; drivers and rotation.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { eachClient, eventually, fails, ok, unique } from "../harness/clients.ts";
import { type Client, testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const NET = ["--network", "none"];

async function wrote(client: Client, script: string, ...flags: string[]): Promise<string> {
  const name = unique();
  await client("run", "--name", name, ...NET, ...flags, "busybox", "sh", "-c", script);
  return name;
}

describe("logs", () => {
  eachClient(hoy, "both streams, each on its own side", async (client) => {
    const name = await wrote(client, "echo one; echo two >&2; printf three");
    expect(await client("logs", name)).toEqual({ code: 0, stdout: "one\nthree", stderr: "two\n" });
    await ok(client("rm", name));
  });

  eachClient(hoy, "--tail, --timestamps, --since and --until", async (client) => {
    const name = await wrote(client, "for i in 1 2 3 4 5; do echo line $i; done; sleep 1.2; echo late");
    expect(await ok(client("logs", "--tail", "2", name))).toBe("line 5\nlate");
    expect(await ok(client("logs", "-n", "0", name))).toBe("");
    const stamped = (await ok(client("logs", "-t", name))).split("\n");
    expect(stamped).toHaveLength(6);
    for (const line of stamped) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (line \d|late)$/);
    const last = stamped[5]?.split(" ")[0] ?? "";
    expect(await ok(client("logs", "--since", last, name))).toBe("late");
    const until = stamped[4]?.split(" ")[0] ?? "";
    expect(await ok(client("logs", "--until", until, name))).toBe("line 1\nline 2\nline 3\nline 4\nline 5");
    await ok(client("rm", name));
  });

  eachClient(hoy, "-f follows to the end of the container", async (client) => {
    const name = unique();
    await ok(client("run", "-d", "--name", name, ...NET, "busybox", "sh", "-c", "echo begin; sleep 0.5; echo end"));
    const follow = client.start("logs", "-f", name);
    expect(await follow.exited).toBe(0);
    expect(follow.output()).toBe("begin\nend\n");
    await ok(client("rm", name));
  });

  eachClient(hoy, "--details shows the labels and variables the driver was told of", async (client) => {
    const flags = ["--log-opt", "labels=ship", "--log-opt", "env=PORT", "--label", "ship=hoy", "-e", "PORT=1"];
    const name = await wrote(client, "echo x", ...flags);
    expect(await ok(client("logs", "--details", name))).toBe("PORT=1,ship=hoy x");
    await ok(client("rm", name));
  });

  eachClient(hoy, "with a terminal both streams are one, raw", async (client) => {
    const name = await wrote(client, "echo out; echo err >&2", "-t");
    expect((await client("logs", name)).stdout).toBe("out\r\nerr\r\n");
    await ok(client("rm", name));
  });

  eachClient(hoy, "a long line comes back whole, and bytes that are no text come back as they were", async (client) => {
    const name = await wrote(client, "head -c 100000 /dev/zero | tr '\\0' x; echo; printf 'a\\303\\244b\\n'");
    const { stdout } = await client("logs", name);
    expect(stdout).toBe(`${"x".repeat(100_000)}\naäb\n`);
    await ok(client("rm", name));
  });

  eachClient(hoy, "of a container that is not there", async (client) => {
    await fails(client("logs", "nonesuch"), 1, /No such container: nonesuch/);
  });
});

describe("log drivers", () => {
  test("json-file is Docker's own form", async () => {
    const name = await wrote(hoy.hoy, "echo hi");
    const path = await ok(hoy.hoy("inspect", "--format", "{{.LogPath}}", name));
    const line = JSON.parse(readFileSync(path, "utf8"));
    expect(line).toEqual({ log: "hi\n", stream: "stdout", time: expect.stringMatching(/^\d{4}-.*Z$/) });
    await ok(hoy.hoy("rm", name));
    expect(existsSync(path)).toBe(false);
  });

  test("files are rotated, the newest lines are kept, none is torn", async () => {
    const flags = ["--log-opt", "max-size=20k", "--log-opt", "max-file=3"];
    const name = await wrote(hoy.hoy, "i=0; while [ $i -lt 2000 ]; do echo number $i; i=$((i+1)); done", ...flags);
    const path = await ok(hoy.hoy("inspect", "--format", "{{.LogPath}}", name));
    const folder = path.slice(0, path.lastIndexOf("/"));
    const files = readdirSync(folder).filter((file) => file.startsWith(path.slice(folder.length + 1)));
    expect(files.length).toBe(3);
    const lines = (await ok(hoy.hoy("logs", name))).split("\n");
    expect(lines.at(-1)).toBe("number 1999");
    const first = Number(lines[0]?.split(" ")[1]);
    expect(lines).toEqual(Array.from({ length: 2000 - first }, (_, index) => `number ${first + index}`));
    await ok(hoy.hoy("rm", name));
  });

  eachClient(hoy, "none keeps nothing and says so; local is read as usual", async (client) => {
    const none = await wrote(client, "echo x", "--log-driver", "none");
    await fails(client("logs", none), 1, /configured logging driver does not support reading/);
    const local = await wrote(client, "echo x; echo y >&2", "--log-driver", "local");
    expect(await client("logs", local)).toEqual({ code: 0, stdout: "x\n", stderr: "y\n" });
    await ok(client("rm", none, local));
  });

  test("an unknown driver or option is an error before anything runs", async () => {
    const run = (...flags: string[]) => hoy.hoy("run", "--rm", ...NET, ...flags, "busybox", "true");
    await fails(run("--log-driver", "nonesuch"), 125, /logger: no log driver named 'nonesuch' is registered/);
    await fails(run("--log-opt", "max-sizes=1m"), 125, /unknown log opt 'max-sizes' for json-file log driver/);
    await fails(run("--log-opt", "max-size=lots"), 125, /lots/);
    expect(await ok(hoy.hoy("ps", "-aq"))).toBe("");
  });

  test("a container that writes fast loses no line", async () => {
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
        "i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done",
      ),
    );
    await ok(hoy.hoy("wait", name));
    const lines = await eventually(async () => {
      const all = (await ok(hoy.hoy("logs", name))).split("\n");
      return all.length >= 20_000 && all;
    }, "all lines are there");
    expect(lines).toEqual(Array.from({ length: 20_000 }, (_, index) => String(index)));
    await ok(hoy.hoy("rm", name));
  });
});

test("a log that was asked for is whole, also when the container is removed before it is read", async () => {
  for (const follow of ["", "&follow=1"]) {
    const name = unique();
    await ok(hoy.hoy("run", "--name", name, "--network", "none", "busybox", "sh", "-c", "seq 1 20000"));
    const response = await fetch(`http://hoy/containers/${name}/logs?stdout=1${follow}`, {
      unix: hoy.socket,
    } as RequestInit);
    await ok(hoy.hoy("rm", name));
    const text = new TextDecoder("latin1").decode(await response.arrayBuffer());
    expect(text).toContain("19999\n");
    expect(text).toEndWith("20000\n");
  }
});
