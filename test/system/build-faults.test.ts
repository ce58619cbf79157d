// What builds leave when things go wrong around them: a daemon that is killed, a client that goes away, a disk that is
// full; and two builds that want the same step at once.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { contextIn } from "../harness/buildx.ts";
import { eventually, unique } from "../harness/clients.ts";
import { testDaemon } from "../harness/daemon.ts";

const hoy = await testDaemon();
const ARGS = ["build", "--network", "none", "--progress", "plain"];

/** Processes whose command line has the mark. */
const stepsWith = (mark: string) =>
  readdirSync("/proc").filter((pid) => {
    if (!/^[0-9]+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(`: ${mark}`);
    } catch {
      return false; // ended meanwhile
    }
  });

test("a daemon that is killed in mid-step: no process is left after the next start, and the steps before are cached", async () => {
  const mark = unique("mark");
  const dir = contextIn(hoy, `FROM busybox\nRUN echo one > /one\nRUN sleep 300 ; : ${mark}\n`);
  const client = hoy.hoy.start(...ARGS, dir);
  await eventually(async () => stepsWith(mark).length > 0, "the step runs");
  await hoy.restart("SIGKILL");
  expect(await client.exited).not.toBe(0);
  await eventually(async () => stepsWith(mark).length === 0, "the step is gone");
  const { code, stderr } = await hoy.hoy(...ARGS, contextIn(hoy, "FROM busybox\nRUN echo one > /one\nRUN echo two\n"));
  expect({ code, cached: /RUN echo one > \/one\n#\d+ CACHED/.test(stderr) }).toEqual({ code: 0, cached: true });
}, 60_000);

test("a client that goes away takes its step along at once", async () => {
  const mark = unique("mark");
  const client = hoy.hoy.start(...ARGS, contextIn(hoy, `FROM busybox\nRUN sleep 300 ; : ${mark}\n`));
  await eventually(async () => stepsWith(mark).length > 0, "the step runs");
  client.kill("SIGKILL");
  await client.exited;
  await eventually(async () => stepsWith(mark).length === 0, "the step is gone");
}, 60_000);

test("two builds that want the same step at once run it once, and the one that stays has it when the other goes", async () => {
  const mark = unique("mark");
  const dir = contextIn(
    hoy,
    `FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /made; sleep 2 ; : ${mark}\nRUN cat /made\n`,
  );
  const first = hoy.hoy.start(...ARGS, dir);
  await eventually(async () => stepsWith(mark).length > 0, "the step runs");
  const others = [hoy.hoy(...ARGS, dir), hoy.hoy(...ARGS, dir)];
  first.kill("SIGINT");
  expect(await first.exited).not.toBe(0);
  const words = (await Promise.all(others)).map(({ code, stdout, stderr }) => {
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    return /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22,}/.exec(stdout + stderr)?.[0];
  });
  expect(words[0]).toBeString();
  expect(words[1]).toBe(words[0]);
}, 60_000);

test("stages that need each other are an error that names one", async () => {
  const { code, stderr } = await hoy.hoy(
    ...ARGS,
    contextIn(hoy, "FROM busybox AS a\nCOPY --from=b /x /\nFROM busybox AS b\nCOPY --from=a /x /\n"),
  );
  expect(code).not.toBe(0);
  expect(stderr).toMatch(/stage "b"|circular dependency/);
});
