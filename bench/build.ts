// bench/build: builds in interleaved rounds beside the engines that are here, and a context of many files beside what
// can't be done without: tar and sha256sum of the same.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { Contexts, FILES } from "./build-contexts.ts";
import { machine, median, type Row, table } from "./figures.ts";
import { timed } from "./measures.ts";
import { must, type Subject, subjects } from "./subjects.ts";

const { values: args } = parseArgs({
  options: {
    rounds: { type: "string", default: "7" },
    only: { type: "string" },
    json: { type: "string", default: "dist/bench-build.json" },
  },
});
const rounds = Number(args.rounds);
const TAG = "hoy-bench-built";

/** Who builds: a subject, or buildx on the same engine. */
interface Builder {
  readonly name: string;
  readonly subject: Subject;
  readonly build: (directory: string, ...flags: string[]) => Promise<void>;
}

type Samples = Map<string, number[]>;

using contexts = new Contexts();
const all = await subjects();
const builders = all.flatMap(buildersOf);
const rows: Row[] = [];
try {
  for (const [name, measure] of Object.entries({ memory, steps, stages, context })) {
    if (args.only !== undefined && !args.only.split(",").includes(name)) continue;
    console.error(`measuring ${name} …`);
    rows.push(...(await measure()));
  }
} finally {
  for (const subject of all) await subject.close();
}
const names = builders.map(({ name }) => name);
const day = new Date().toISOString().slice(0, 10);
console.log(`${day}, ${machine()}; medians of ${rounds} interleaved rounds; (hoy ÷ other)\n`);
console.log(table(rows, rows.some(({ values }) => "tar" in values) ? [...names, "tar"] : names));
mkdirSync(dirname(args.json), { recursive: true });
writeFileSync(args.json, `${JSON.stringify({ day, machine: machine(), rounds, rows }, null, 2)}\n`);

function buildersOf(subject: Subject): Builder[] {
  const { name, cli, runFlags } = subject;
  const env = name === "dockerd" ? ["env", "DOCKER_BUILDKIT=0"] : [];
  const own = name === "podman" ? [...runFlags, "--format=docker", "--layers"] : [];
  const network = ["--network", "none"];
  const by =
    (argv: readonly string[]) =>
    async (directory: string, ...flags: string[]) =>
      void (await must([...argv, ...network, "-q", "-t", TAG, ...flags, directory]));
  const builder = { name, subject, build: by([...env, ...cli, "build", ...own]) };
  const { HOY_TEST_BUILDX, HOY_BENCH_BUILDX } = process.env;
  const buildx = name === "hoy" ? HOY_TEST_BUILDX : name === "dockerd" ? HOY_BENCH_BUILDX : undefined;
  if (buildx === undefined) return [builder];
  const host = cli[cli.indexOf("--host") + 1] ?? "";
  const build = by(["env", `DOCKER_HOST=${host}`, buildx, "build"]);
  return [builder, { name: name === "hoy" ? "buildx on hoy" : "buildx", subject, build }];
}

/** One builder after the other in each round; the first round only warms up. */
async function interleaved(work: (builder: Builder, note: (row: string, ms: number) => void) => Promise<void>) {
  const samples = new Map<string, Samples>();
  for (let round = 0; round <= rounds; round++) {
    for (const builder of builders) {
      await work(builder, (row, ms) => {
        if (round === 0) return;
        const values = samples.get(row) ?? new Map<string, number[]>();
        samples.set(row, values.set(builder.name, [...(values.get(builder.name) ?? []), ms]));
      });
    }
  }
  return (row: string): Record<string, number> =>
    Object.fromEntries([...(samples.get(row) ?? [])].map(([name, values]) => [name, median(values)]));
}

function inMilliseconds(name: string, values: Record<string, number>, goal?: Row["goal"]): Row {
  return { name, unit: "ms", less: true, values, ...(goal === undefined ? {} : { goal }) };
}

async function steps(): Promise<readonly Row[]> {
  const directory = contexts.steps();
  const of = await interleaved(async ({ build }, note) => {
    note("new", await timed(() => build(directory, "--no-cache")));
    note("cached", await timed(() => build(directory)));
  });
  const [anew, cached] = [of("new"), of("cached")];
  const met = anew.hoy === undefined || anew.dockerd === undefined ? undefined : anew.hoy <= anew.dockerd / 5;
  return [
    inMilliseconds("four RUN steps, no cache", anew, { text: "≤ 1/5 of the classic builder", met }),
    inMilliseconds("the same from cache", cached, { text: "< 60 ms", met: (cached.hoy ?? Number.NaN) < 60 }),
  ];
}

async function stages(): Promise<readonly Row[]> {
  const directory = contexts.stages();
  const of = await interleaved(async ({ build }, note) => {
    note("stages", await timed(() => build(directory, "--no-cache")));
  });
  const values = of("stages");
  const goal = { text: "< 1.3 s", met: (values.hoy ?? Number.NaN) < 1300 };
  return [inMilliseconds("two stages of one second", values, goal)];
}

async function context(): Promise<readonly Row[]> {
  let directory = contexts.many();
  const of = await interleaved(async ({ name, subject, build }, note) => {
    directory = contexts.renewed(directory);
    note(
      "tar",
      await timed(async () => void (await must(["sh", "-c", 'tar c -C "$1" . | sha256sum', "sh", directory]))),
    );
    note("new", await timed(() => build(directory)));
    note("unchanged", await timed(() => build(directory)));
    if (name !== "hoy") return;
    directory = contexts.renewed(directory);
    note("sent", await sending(subject, directory));
  });
  const tar = median(Object.values(of("tar")));
  const [anew, sent, unchanged] = [of("new"), of("sent"), of("unchanged")];
  const count = FILES.toLocaleString("en");
  const twice = { text: "≤ 2 × tar | sha256sum", met: (sent.hoy ?? Number.NaN) <= 2 * tar };
  return [
    inMilliseconds(`${count} files, all of the build`, { ...anew, tar }),
    inMilliseconds("of it, sent and hashed", { ...sent, tar }, twice),
    inMilliseconds(`${count} files, unchanged`, unchanged, {
      text: "< 300 ms",
      met: (unchanged.hoy ?? Number.NaN) < 300,
    }),
  ];
}

/** Milliseconds in which the context came over and was kept, by the build's own account. */
async function sending({ cli }: Subject, directory: string): Promise<number> {
  const argv = ["sh", "-c", '"$@" 2>&1', "sh", ...cli, "build", "--progress=rawjson", "-t", TAG, directory];
  for (const line of (await must(argv)).split("\n")) {
    const status = (line.startsWith("{") ? JSON.parse(line) : {}) as {
      vertexes?: { name: string; started?: string; completed?: string }[];
    };
    for (const { name, started, completed } of status.vertexes ?? []) {
      if (name === "[internal] load build context" && started !== undefined && completed !== undefined)
        return Date.parse(completed) - Date.parse(started);
    }
  }
  throw new Error("the build told nothing of its context");
}

/** Most memory of daemons and client while a file of a gigabyte is sent and copied. */
async function memory(): Promise<readonly Row[]> {
  const directory = await contexts.large();
  const values: Record<string, number> = {};
  const client: Record<string, number> = {};
  for (const subject of all) {
    const { name } = subject;
    if (subject.daemons().length === 0) continue;
    // Writing 5 resets the peak (proc_pid_clear_refs(5)).
    for (const pid of subject.daemons()) writeFileSync(`/proc/${pid}/clear_refs`, "5");
    const env = { ...process.env, ...(name === "dockerd" ? { DOCKER_BUILDKIT: "0" } : {}) };
    const argv = [...subject.cli, "build", "-q", "-t", TAG, directory];
    const child = Bun.spawn(argv, { stdout: "ignore", stderr: "inherit", env });
    if ((await child.exited) !== 0) throw new Error(`${name} did not build the large context`);
    client[name] = (child.resourceUsage()?.maxRSS ?? Number.NaN) / 2 ** 20;
    values[name] = subject.daemons().reduce((sum, pid) => sum + peakOf(pid), 0) / 2 ** 20;
  }
  const row = (what: string, each: Record<string, number>): Row => {
    const goal = { text: "< 150 MB", met: (each.hoy ?? Number.NaN) < 150 };
    return { name: `context of 1 GiB: ${what}`, unit: "MB", less: true, values: each, goal };
  };
  return [row("daemon(s), most memory", values), row("client, most memory", client)];
}

function peakOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
}
