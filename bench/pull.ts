// bench/pull: pull, push and rmi of large images over loopback, in interleaved rounds beside the engines that are here,
// and beside what can't be done without: igzip and sha256sum of the same layer.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { command } from "../test/harness/command.ts";
import { machine, median, type Row, table } from "./figures.ts";
import { timed } from "./measures.ts";
import { type BenchRegistry, emptyRegistry, putImages } from "./registry-images.ts";
import { must, type Subject, subjects } from "./subjects.ts";

const { values: args } = parseArgs({
  options: { rounds: { type: "string", default: "5" }, json: { type: "string", default: "dist/bench-pull.json" } },
});
const rounds = Number(args.rounds);
const samples = new Map<string, Map<string, number[]>>();

const layer = await largeLayer();
await using source = await emptyRegistry();
await putImages(source.address, layer);
const all = await subjects({ network: "host", flags: ["--bridge=none"] });
try {
  for (let round = 0; round <= rounds; round++) await oneRound(round > 0);
} finally {
  for (const subject of all) await subject.close();
}
report();

async function oneRound(counts: boolean): Promise<void> {
  const note = (row: string, subject: string, value: number) => {
    if (!counts) return;
    const values = samples.get(row) ?? new Map<string, number[]>();
    samples.set(row, values.set(subject, [...(values.get(subject) ?? []), value]));
  };
  const bound = ["sh", "-c", 'igzip -dc "$1" | sha256sum', "sh", layer];
  if (Bun.which("igzip") !== null)
    note("pull of one layer", "igzip", await timed(async () => void (await must(bound))));
  await skopeo(note);
  for (const subject of all) {
    for (const image of ["one", "ten"]) {
      const name = `${source.address}/${image}:1`;
      const what = image === "one" ? "one layer" : "ten layers";
      const cost = await watched(subject, () => pull(subject, name));
      note(`pull of ${what}`, subject.name, cost.ms);
      note(`pull of ${what}: cores busy`, subject.name, cost.cores);
      note(`pull of ${what}: cores busy, all programs`, subject.name, cost.machine);
      note(`pull of ${what}: most memory`, subject.name, cost.peak);
      note(`pull of ${what} again`, subject.name, await timed(() => pull(subject, name)));
      if (image === "one") {
        await using fresh = await emptyRegistry();
        await push(subject, name, fresh, note);
      }
      note(`rmi of ${what}`, subject.name, await timed(async () => void (await must([...subject.cli, "rmi", name]))));
    }
  }
}

async function pull({ cli, name }: Subject, image: string): Promise<void> {
  await must([...cli, "pull", "-q", ...(name === "podman" ? ["--tls-verify=false"] : []), image]);
}

async function push(
  { cli, name }: Subject,
  image: string,
  to: BenchRegistry,
  note: (row: string, subject: string, value: number) => void,
): Promise<void> {
  const target = `${to.address}/pushed:1`;
  await must([...cli, "tag", image, target]);
  const flags = name === "podman" ? ["--tls-verify=false"] : [];
  note("push of one layer", name, await timed(async () => void (await must([...cli, "push", ...flags, target]))));
  await must([...cli, "rmi", target]);
}

/** Copies to a directory: it does not unpack. */
async function skopeo(note: (row: string, subject: string, value: number) => void): Promise<void> {
  if (Bun.which("skopeo") === null) return;
  const to = "/tmp/hoy-bench-skopeo";
  const argv = ["skopeo", "copy", "--src-tls-verify=false", `docker://${source.address}/one:1`, `dir:${to}`];
  note("pull of one layer", "skopeo", await timed(async () => void (await must(argv))));
  rmSync(to, { recursive: true, force: true });
}

/**
 * Time of the work, and what the daemons took for it: CPU time by wall time, and the most of resident memory. With the
 * client and the registry, which is on the same cores here, it is what the machine was busy.
 */
async function watched(subject: Subject, work: () => Promise<void>) {
  const pids = subject.daemons();
  // clear_refs 5 sets the peak back to now (proc(5)).
  for (const pid of pids) writeFileSync(`/proc/${pid}/clear_refs`, "5");
  const before = pids.map(cpuMs).reduce((sum, each) => sum + each, 0);
  const busyBefore = machineMs();
  const ms = await timed(work);
  const machine = (machineMs() - busyBefore) / ms;
  const cpu = pids.map(cpuMs).reduce((sum, each) => sum + each, 0) - before;
  const none = pids.length === 0 ? Number.NaN : 0;
  const peak = pids.map(peakMb).reduce((sum, each) => sum + each, none);
  return { ms, cores: none + cpu / ms, machine, peak };
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Time that all cores were busy together: user, nice, system, irq, softirq of /proc/stat (proc(5)). */
function machineMs(): number {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] = readFileSync("/proc/stat", "utf8")
    .split("\n", 1)
    .flatMap((line) => line.trim().split(/\s+/).slice(1).map(Number));
  return (user + nice + system + irq + softirq) * 10;
}

function peakMb(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024;
}

function report(): void {
  const units: readonly (readonly [RegExp, string])[] = [
    [/cores busy/, ""],
    [/memory/, "MB"],
    [/./, "ms"],
  ];
  const rows = [...samples].map(([name, by]): Row => {
    const values = Object.fromEntries(
      [...by].map(([who, each]) => [who, median(each)]).filter(([, value]) => Number.isFinite(value)),
    );
    const goal = goalOf(name, values);
    const unit = units.find(([pattern]) => pattern.test(name))?.[1] ?? "";
    return { name, unit, less: unit !== "", values, ...(goal === undefined ? {} : { goal }) };
  });
  const names = [...all.map(({ name }) => name as string), "skopeo", "igzip"];
  const day = new Date().toISOString().slice(0, 10);
  console.log(`${day}, ${machine()}; medians of ${rounds} interleaved rounds; (hoy ÷ other)\n`);
  console.log(table(rows, names));
  mkdirSync("dist", { recursive: true });
  writeFileSync(args.json, `${JSON.stringify({ day, machine: machine(), rounds, rows }, null, 2)}\n`);
}

function goalOf(name: string, values: Readonly<Record<string, number>>): Row["goal"] {
  const { hoy = Number.NaN, dockerd, podman, igzip } = values;
  const within = (other: number | undefined, share: number) => other === undefined || hoy <= other * share;
  if (name === "pull of one layer") {
    const met = within(dockerd, 1 / 6) && within(podman, 1 / 5) && within(igzip, 1.5);
    return { text: "≤ 1/6 dockerd, 1/5 podman, 1.5 × igzip and sha256sum", met };
  }
  if (name === "push of one layer") return { text: "≤ 1/5 dockerd", met: within(dockerd, 1 / 5) };
  if (name === "pull of ten layers: cores busy, all programs") {
    const cores = availableParallelism();
    return { text: `≥ ${(0.8 * cores).toFixed(1)} of ${cores}`, met: (values.hoy ?? 0) >= 0.8 * cores };
  }
  if (name.endsWith("memory")) return { text: "< 120 MB", met: hoy < 120 };
  if (name.endsWith("again")) return { text: "< 30 ms", met: hoy < 30 };
  if (name.startsWith("rmi")) return { text: "< 20 ms", met: hoy < 20 };
  return undefined;
}

/** The large root file system of bench/large-archive as one .tar.gz layer; made once and kept in dist/. */
async function largeLayer(): Promise<string> {
  const given = process.env.HOY_BENCH_TAR;
  if (given !== undefined) return given;
  const path = "dist/bench-layer.tar.gz";
  if (existsSync(path)) return path;
  const archive = "dist/bench-large.tar.gz";
  if (!existsSync(archive)) await must(["bash", "bench/large-archive", archive]);
  const unpack = 'tar -xzOf "$1" layer.tar | gzip -6 >"$2.new" && mv "$2.new" "$2"';
  const { code, stderr } = await command(["sh", "-c", unpack, "sh", archive, path], { patience: 600_000 });
  if (code !== 0) throw new Error(stderr);
  return path;
}
