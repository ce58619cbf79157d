// What a daemon makes of containers that another build of it started, or that it could not take up; execs that were
// started before it; and the seam between a container's log and its stream.

import { expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, createServer } from "node:net";
import { join } from "node:path";
import { eachClient, eventually, ok, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const NET = ["--network", "none"];

async function sleeper(...options: string[]): Promise<{ name: string; id: string; bundle: string }> {
  const name = unique();
  const id = await ok(hoy.hoy("run", "-d", "--name", name, ...NET, ...options, "busybox", "sleep", "1000"));
  return { name, id, bundle: join(hoy.run, "containers", id) };
}

const inspect = (name: string, format: string) => ok(hoy.hoy("inspect", "--format", format, name));

/** A subscriber is told a version that nobody knows. */
function newerShim(path: string) {
  const answer = Buffer.alloc(8 + 12);
  answer.writeUInt8(66, 0);
  answer.writeUInt32LE(12, 4);
  answer.writeUInt32LE(99, 16);
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => socket.write(answer));
  });
  return new Promise<() => void>((resolve) => server.listen(path, () => resolve(() => server.close())));
}

test("a container with a newer build's shim runs on; it can be stopped, and what can't be had says so", async () => {
  const one = await sleeper("--init");
  const pid = await inspect(one.name, "{{.State.Pid}}");
  await hoy.down();
  const socket = join(one.bundle, "shim.sock");
  renameSync(socket, `${socket}.real`);
  const close = await newerShim(socket);
  await hoy.up();
  close();
  expect(await inspect(one.name, "{{.State.Status}} {{.State.Pid}}")).toBe(`running ${pid}`);
  expect((await hoy.hoy("exec", one.name, "true")).stdout).toMatch(/started by another build of hoy/);
  await ok(hoy.hoy("stop", one.name));
  expect(await inspect(one.name, "{{.State.Status}} {{.State.ExitCode}}")).toBe("exited 143");
  await ok(hoy.hoy("start", one.name));
  expect(await ok(hoy.hoy("exec", one.name, "echo", "here"))).toBe("here");
  await ok(hoy.hoy("rm", "-f", one.name));
});

test("a container that can't be taken up can be removed, stopped and killed", async () => {
  const all = [await sleeper(), await sleeper(), await sleeper()] as const;
  const pids = await Promise.all(all.map(({ name }) => inspect(name, "{{.State.Pid}}")));
  await hoy.down();
  const stops: (() => void)[] = [];
  for (const { bundle } of all) {
    renameSync(join(bundle, "shim.sock"), join(bundle, "shim.sock.real"));
    rmSync(join(bundle, "pid"));
    stops.push(await newerShim(join(bundle, "shim.sock")));
  }
  await hoy.up();
  for (const stop of stops) stop();
  const [removed, stopped, killed] = all;
  await ok(hoy.hoy("rm", "-f", removed.name));
  await ok(hoy.hoy("stop", "-t", "0", stopped.name));
  await ok(hoy.hoy("kill", killed.name));
  expect(await inspect(stopped.name, "{{.State.Status}} {{.State.ExitCode}}")).toBe("exited 137");
  for (const pid of pids) await eventually(async () => !(await Bun.file(`/proc/${pid}/stat`).exists()), `${pid} ends`);
  await ok(hoy.hoy("rm", stopped.name, killed.name));
});

test("a removal that was left half-way is finished by the next daemon, or by rm -f", async () => {
  const { name, bundle } = await sleeper();
  await hoy.down("SIGKILL");
  // A bundle that nobody can read: the container can't be taken up.
  renameSync(join(bundle, "shim.sock"), join(bundle, "shim.sock.real"));
  const close = await newerShim(join(bundle, "shim.sock"));
  rmSync(join(bundle, "pid"));
  writeFileSync(join(bundle, "pid"), "nonsense");
  await hoy.up();
  close();
  await ok(hoy.hoy("rm", "-f", name));
  expect(await ok(hoy.hoy("ps", "-aq", "--filter", `name=${name}`))).toBe("");
});

interface Inspected {
  readonly Running: boolean;
  readonly ExitCode: number | null;
}

test.each(["SIGTERM", "SIGKILL"] as const)(
  "after %s an exec can still be asked whether it runs and how it ended",
  async (signal) => {
    const flags = mkdtempSync(join(hoy.root, "flags-"));
    const { name } = await sleeper("-v", `${flags}:/flags`);
    const exec = async (script: string) => {
      const body = { Cmd: ["sh", "-c", script], Env: ["SECRET=x"] };
      const { Id } = (await hoy.api("POST", `/containers/${name}/exec`, body)).json as { Id: string };
      expect((await hoy.api("POST", `/exec/${Id}/start`, { Detach: true })).status).toBe(200);
      return async () => (await hoy.api("GET", `/exec/${Id}/json`)).json as Inspected;
    };
    const before = await exec("exit 3");
    await eventually(async () => !(await before()).Running, "the first ends");
    const meanwhile = await exec("while [ ! -e /flags/go ]; do sleep 0.05; done; exit 4");
    const after = await exec("while [ ! -e /flags/on ]; do sleep 0.05; done; exit 5");
    await hoy.down(signal);
    writeFileSync(join(flags, "go"), "");
    await Bun.sleep(300);
    await hoy.up();
    expect(await before()).toMatchObject({ Running: false, ExitCode: 3 });
    expect(await after()).toMatchObject({ Running: true, ExitCode: null });
    await eventually(async () => (await meanwhile()).ExitCode === 4, "the second's code is known");
    writeFileSync(join(flags, "on"), "");
    await eventually(async () => (await after()).ExitCode === 5, "the third's code is known");
    await ok(hoy.hoy("rm", "-f", name));
  },
);

/** What comes from attach with logs=1 until there is that much of it. */
function attached(name: string, enough: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ path: hoy.socket });
    const query = "logs=1&stream=1&stdout=1&stderr=1";
    socket.write(
      `POST /containers/${name}/attach?${query} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n`,
    );
    let text = "";
    socket.on("error", reject);
    socket.on("data", (data) => {
      text += data.toString("latin1");
      if (text.length < enough) return;
      socket.destroy();
      resolve(text.slice(text.indexOf("\r\n\r\n") + 4));
    });
  });
}

// A line now and then, most of the time half a one.
const NUMBERS =
  "i=0; while :; do i=$((i+1)); printf '%s,' $i; [ $((i%37)) = 0 ] && echo; [ $((i%20)) = 0 ] && sleep 0.002; done";

test.each([
  ["a log that is whole", []],
  ["a log that is turned over", ["--log-opt", "max-size=2k", "--log-opt", "max-file=3"]],
  ["the local driver", ["--log-driver", "local"]],
] as const)(
  "attach with logs=1: no byte is lost or seen twice where log and stream meet: %s",
  async (_what, options) => {
    const name = unique();
    await ok(hoy.hoy("run", "-dt", "--name", name, ...NET, ...options, "busybox", "sh", "-c", NUMBERS));
    for (let round = 0; round < 10; round++) {
      const text = await attached(name, 2500 + round * 100);
      const numbers = text.replaceAll("\r\n", "").split(",").slice(0, -1).map(Number);
      const first = numbers[0] ?? Number.NaN;
      expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => first + index));
      expect(numbers.length).toBeGreaterThan(100);
    }
    await ok(hoy.hoy("rm", "-f", name));
  },
  30_000,
);

eachClient(hoy, "rm -f ends what runs, is paused, restarts or never started", async (client) => {
  const names = [unique(), unique(), unique(), unique()] as const;
  const [running, paused, restarting, created] = names;
  const run = (name: string, ...more: string[]) => ok(client("run", "-d", "--name", name, ...NET, ...more));
  await run(running, "busybox", "sleep", "1000");
  await run(paused, "busybox", "sleep", "1000");
  await ok(client("pause", paused));
  await run(restarting, "--restart", "always", "busybox", "false");
  await ok(client("create", "--name", created, ...NET, "busybox"));
  expect((await ok(client("rm", "-f", ...names))).split("\n")).toEqual([...names]);
});
