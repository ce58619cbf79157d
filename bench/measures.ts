// The measurements, each over all subjects in interleaved rounds: what is asked of a machine that is shared and noisy is
// a ratio in one run, not a time.

import { setTimeout as sleep } from "node:timers/promises";
import { command } from "../test/harness/command.ts";
import { median, type Row } from "./figures.ts";
import { memoryOf, usedMemory } from "./memory.ts";
import { names, publishedRun, thousandPorts } from "./network.ts";
import { daemonStart } from "./start.ts";
import { IMAGE, must, type Subject } from "./subjects.ts";
import { throughput } from "./throughput.ts";

export type Measure = (subjects: readonly Subject[], rounds: number) => Promise<readonly Row[]>;

export const measures: Readonly<Record<string, Measure>> = {
  idle: async (all) => idle(all, "15 s after the start"),
  api: (all, rounds) => apiCycle(all, rounds),
  run: (all, rounds) => wholeRun(all, rounds),
  exec: (all, rounds) => execTrue(all, rounds),
  parallel: (all) => eightAtATime(all, "no network", ["--network", "none"]),
  "parallel-bridge": (all) => eightAtATime(all, "on a bridge", []),
  sleepers: (all, rounds) => sleepers(all, rounds),
  publish: (all, rounds) => publishedRun(all, rounds),
  ports: (all) => thousandPorts(all),
  names: (all) => names(all),
  throughput: (all, rounds) => throughput(all, rounds),
  start: (all, rounds) => daemonStart(all, rounds),
  settled: async (all) => idle(all, "15 s after all of this"),
};

/** create + start + wait + remove of `true` by the API alone. */
async function apiCycle(all: readonly Subject[], rounds: number): Promise<readonly Row[]> {
  const some = all.filter((subject) => subject.socket !== undefined);
  const cycle = async ({ socket = "" }: Subject) => {
    const post = async (path: string, body: object = {}, method = "POST") => {
      const response = await fetch(`http://engine${path}`, {
        method,
        unix: socket,
        headers: { "Content-Type": "application/json" },
        ...(method === "POST" ? { body: JSON.stringify(body) } : {}),
      } as RequestInit);
      const text = await response.text();
      if (!response.ok) throw new Error(`${path}: ${text}`);
      return text === "" ? {} : (JSON.parse(text) as { Id?: string; StatusCode?: number });
    };
    const { Id } = await post("/containers/create", {
      Image: IMAGE,
      Cmd: ["true"],
      HostConfig: { NetworkMode: "none" },
    });
    await post(`/containers/${Id}/start`);
    const { StatusCode } = await post(`/containers/${Id}/wait`);
    if (StatusCode !== 0) throw new Error(`true ended with ${StatusCode}`);
    await post(`/containers/${Id}`, {}, "DELETE");
  };
  const values = await interleaved(some, rounds, cycle, WARM_UP);
  const goal = { text: "≤ 25 ms", met: (values.hoy ?? Number.NaN) <= 25 };
  return [{ name: "API: create, start, wait, remove", unit: "ms", less: true, values, goal }];
}

async function wholeRun(all: readonly Subject[], rounds: number): Promise<readonly Row[]> {
  const run = async ({ cli, runFlags }: Subject) => {
    await must([...cli, "run", ...runFlags, "--rm", "--network", "none", IMAGE, "true"]);
  };
  const values = await interleaved(all, rounds, run, WARM_UP);
  const goal = { text: "≤ 1/6 of dockerd", met: compare(values, "dockerd", 1 / 6) };
  return [{ name: "run --rm --network none IMAGE true", unit: "ms", less: true, values, goal }];
}

async function execTrue(all: readonly Subject[], rounds: number): Promise<readonly Row[]> {
  const name = "hoy-bench-exec";
  for (const { cli, runFlags } of all) {
    await must([...cli, "run", ...runFlags, "-d", "--name", name, "--network", "none", IMAGE, "sleep", "3600"]);
  }
  const run = async ({ cli }: Subject) => void (await must([...cli, "exec", name, "true"]));
  const values = await interleaved(all, rounds, run, WARM_UP);
  for (const { cli, removeFlags } of all) await must([...cli, "rm", "-f", ...removeFlags, name]);
  const goal = { text: "≤ 1/4 of dockerd", met: compare(values, "dockerd", 1 / 4) };
  return [{ name: "exec CONTAINER true", unit: "ms", less: true, values, goal }];
}

/** Runs a second, 8 clients at a time. */
async function eightAtATime(all: readonly Subject[], where: string, flags: readonly string[]): Promise<readonly Row[]> {
  const count = 40;
  const times = await interleaved(all, 3, async ({ cli, runFlags }) => {
    let left = count;
    const worker = async () => {
      while (left-- > 0) await must([...cli, "run", ...runFlags, "--rm", ...flags, IMAGE, "true"]);
    };
    await Promise.all(Array.from({ length: 8 }, worker));
  });
  const values = Object.fromEntries(Object.entries(times).map(([name, time]) => [name, (count * 1000) / time]));
  const met = values.hoy === undefined || values.dockerd === undefined ? undefined : values.hoy >= 8 * values.dockerd;
  return [
    { name: `runs, 8 at a time, ${where}`, unit: "/s", less: false, values, goal: { text: "≥ 8 × dockerd", met } },
  ];
}

/** Milliseconds in which nobody asks for anything: what is idle has come to rest. */
const REST = 15_000;

/** Resident memory of the daemons. */
async function idle(all: readonly Subject[], when: string): Promise<readonly Row[]> {
  await sleep(REST);
  const values: Record<string, number> = {};
  for (const { name, daemons } of all) {
    const pids = daemons();
    if (pids.length > 0) values[name] = pids.reduce((sum, pid) => sum + memoryOf(pid).rss, 0) / 2 ** 20;
  }
  const goal = { text: "< 60 MB", met: (values.hoy ?? Number.NaN) < 60 };
  return [{ name: `idle daemon(s), RSS, ${when}`, unit: "MB", less: true, values, goal }];
}

/** 50 detached sleepers: time to start them, what they cost the host, `ps` over them, what a shim takes, their end. */
async function sleepers(all: readonly Subject[], rounds: number): Promise<readonly Row[]> {
  const start: Record<string, number> = {};
  const memory: Record<string, number> = {};
  const shim: Record<string, number> = {};
  const end: Record<string, number> = {};
  const ids = Array.from({ length: 50 }, (_, index) => `hoy-bench-${index}`);
  for (const { name, cli, runFlags } of all) {
    const before = usedMemory();
    start[name] = await timed(async () => {
      for (const id of ids)
        await must([...cli, "run", ...runFlags, "-d", "--name", id, "--network", "none", IMAGE, "sleep", "3600"]);
    });
    memory[name] = (usedMemory() - before) / 2 ** 20;
    const program = name === "hoy" ? "hoy-shim" : name === "dockerd" ? "containerd-shim" : "conmon";
    const shims = Bun.spawnSync(["pgrep", program]).stdout.toString().split("\n").filter(Boolean).map(Number);
    shim[name] = median(shims.map((pid) => memoryOf(pid).pss)) / 2 ** 20;
  }
  const ps = await interleaved(all, rounds * 2, async ({ cli }) => void (await must([...cli, "ps"])));
  for (const { name, cli, removeFlags } of all) {
    end[name] = await timed(async () => void (await must([...cli, "rm", "-f", ...removeFlags, ...ids])));
  }
  return [
    { name: "50 detached sleepers, one after another", unit: "ms", less: true, values: start },
    {
      name: "memory of the host for them",
      unit: "MB",
      less: true,
      values: memory,
      goal: { text: "≤ 1/3 of dockerd", met: compare(memory, "dockerd", 1 / 3) },
    },
    {
      name: "a shim, PSS",
      unit: "MB",
      less: true,
      values: shim,
      goal: { text: "< 0.5 MB", met: (shim.hoy ?? 1) < 0.5 },
    },
    {
      name: "ps with 50 running",
      unit: "ms",
      less: true,
      values: ps,
      goal: { text: "≤ docker on dockerd", met: compare(ps, "dockerd", 1) },
    },
    { name: "rm -f of the 50", unit: "ms", less: true, values: end },
  ];
}

/** Rounds before those that count, where single milliseconds matter: engines are in use for days, not just started. */
const WARM_UP = 20;

/** Median time in ms by subject; one subject after the other in each round, of which the first only warm up. */
async function interleaved(
  all: readonly Subject[],
  rounds: number,
  work: (subject: Subject) => Promise<void>,
  warmUp = 1,
): Promise<Record<string, number>> {
  const times = new Map<string, number[]>(all.map(({ name }) => [name, []]));
  for (let round = -warmUp; round < rounds; round++) {
    for (const subject of all) {
      const time = await timed(() => work(subject));
      if (round >= 0) times.get(subject.name)?.push(time);
    }
  }
  return Object.fromEntries([...times].map(([name, each]) => [name, median(each)]));
}

export async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function compare(values: Readonly<Record<string, number>>, peer: string, share: number): boolean | undefined {
  const [own, other] = [values.hoy, values[peer]];
  if (own === undefined || other === undefined) return undefined;
  // Memory is the host's: what others took or gave back meanwhile can make a figure that says nothing.
  return own <= 0 || other <= 0 ? undefined : own <= other * share;
}

/** Loading a large image against what it can't do without: decompressing and hashing the same bytes. */
export async function loadLarge(all: readonly Subject[], archive: string, rounds: number): Promise<readonly Row[]> {
  const bound: number[] = [];
  const times = new Map<string, number[]>(all.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    bound.push(await timed(async () => void (await must(["sh", "-c", 'gzip -dc "$1" | sha256sum', "sh", archive]))));
    for (const { name, cli } of all) {
      times.get(name)?.push(await timed(async () => void (await must([...cli, "load", "-i", archive]))));
      await command([...cli, "rmi", "-f", "hoy-bench-large"]);
    }
  }
  const values: Record<string, number> = Object.fromEntries([...times].map(([name, each]) => [name, median(each)]));
  const limit = median(bound);
  return [
    {
      name: "load of a large .tar.gz",
      unit: "ms",
      less: true,
      values,
      goal: {
        text: `≤ 1.5 × gzip -dc and sha256sum (${Math.round(limit)} ms)`,
        met: (values.hoy ?? Number.NaN) <= 1.5 * limit,
      },
    },
  ];
}
