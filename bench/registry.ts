// bench/registry: `hoy registry serve` and docker-registry: blobs and manifests per second, a large push and what memory it
// takes, and 200 clients at once.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { machine, median, type Row, table } from "./figures.ts";
import { load, pushBlob } from "./registry-load.ts";

const HOY = resolve(import.meta.dir, "../dist/hoy");
const BLOB = 64 * 1024 * 1024;
const { values: args } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "2" },
    gigabytes: { type: "string", default: "10" },
    json: { type: "string", default: "dist/bench-registry.json" },
  },
});
const seconds = Number(args.seconds);

interface Subject {
  readonly name: string;
  readonly address: string;
  readonly pid: number;
  blob: string;
  close(): Promise<void>;
}

const samples = new Map<string, Map<string, number[]>>();
const note = (row: string, { name }: Subject, value: number) => {
  const values = samples.get(row) ?? new Map<string, number[]>();
  samples.set(row, values.set(name, [...(values.get(name) ?? []), value]));
};

const all = [await hoyRegistry(), ...(Bun.which("docker-registry") === null ? [] : [await dockerRegistry()])];
try {
  for (const subject of all) await fill(subject);
  for (let round = 0; round < Number(args.rounds); round++) for (const subject of all) await oneRound(subject);
  for (const subject of all) await largePush(subject);
} finally {
  for (const subject of all) await subject.close();
}
report();

async function oneRound(subject: Subject): Promise<void> {
  const { address, blob } = subject;
  const manifests = await load(address, "/v2/bench/app/manifests/v1", 16, seconds);
  note("manifests, 16 connections", subject, manifests.requestsPerSecond);
  for (const connections of [1, 4]) {
    const blobs = await load(address, `/v2/bench/app/blobs/${blob}`, connections, seconds);
    note(`blob of 64 MiB, ${connections} at once`, subject, blobs.megabytesPerSecond);
  }
  const crowd = await load(address, "/v2/bench/app/manifests/v1", 200, seconds);
  note("manifests, 200 clients", subject, crowd.requestsPerSecond);
  note("200 clients: errors", subject, crowd.errors);
}

/** One blob of so many gigabytes, and the most memory that the server had meanwhile. */
async function largePush(subject: Subject): Promise<void> {
  const before = resident(subject.pid);
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, resident(subject.pid));
  }, 100);
  const { size, seconds: took } = await pushBlob(subject.address, "bench/large", Number(args.gigabytes) * 1e9);
  clearInterval(watch);
  note("large push", subject, size / 1e6 / took);
  note("memory before the large push", subject, before);
  note("most memory in the large push", subject, most);
}

async function fill(subject: Subject): Promise<void> {
  const { address } = subject;
  subject.blob = (await pushBlob(address, "bench/app", BLOB)).digest;
  const config = await pushBlob(address, "bench/app", 1);
  const type = "application/vnd.oci.image.manifest.v1+json";
  const manifest = {
    schemaVersion: 2,
    mediaType: type,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: config.digest, size: config.size },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: subject.blob, size: BLOB }],
  };
  const url = `http://${address}/v2/bench/app/manifests/v1`;
  const headers = { "Content-Type": type };
  const answer = await fetch(url, { method: "PUT", body: JSON.stringify(manifest), headers });
  if (answer.status !== 201) throw new Error(`${subject.name}: ${answer.status} ${await answer.text()}`);
}

function hoyRegistry(): Promise<Subject> {
  return subjectOf("hoy", 5001, (root) => [
    ...[HOY, "registry", "serve", "--listen", "127.0.0.1:5001", "--root", join(root, "data")],
  ]);
}

function dockerRegistry(): Promise<Subject> {
  return subjectOf("docker-registry", 5002, (root) => {
    const config = join(root, "config.yml");
    const storage = `{filesystem: {rootdirectory: ${join(root, "data")}}}`;
    const log = "{level: error, accesslog: {disabled: true}}";
    writeFileSync(config, `version: 0.1\nlog: ${log}\nstorage: ${storage}\nhttp: {addr: "127.0.0.1:5002"}\n`);
    return ["docker-registry", "serve", config];
  });
}

async function subjectOf(name: string, port: number, argv: (root: string) => string[]): Promise<Subject> {
  const root = mkdtempSync("/tmp/hoy-bench-registry-");
  const child = Bun.spawn(argv(root), { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  const address = `127.0.0.1:${port}`;
  while (
    !(await fetch(`http://${address}/v2/`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    await Bun.sleep(50);
  }
  return {
    name,
    address,
    pid: child.pid,
    blob: "",
    async close() {
      child.kill("SIGTERM");
      await child.exited;
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** MB. */
function resident(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1000;
}

function report(): void {
  const value = (row: string, name: string) => median(samples.get(row)?.get(name) ?? []);
  const peer = all.find(({ name }) => name !== "hoy")?.name;
  const asMany = (row: string) => ({
    text: "at least docker-registry's",
    met: peer === undefined ? undefined : value(row, "hoy") >= value(row, peer),
  });
  const rows = [...samples.keys()].map((name): Row => {
    const values = Object.fromEntries(all.map((subject) => [subject.name, value(name, subject.name)]));
    const memory = name.includes("memory");
    const errors = name.includes("errors");
    const unit = memory ? "MB" : errors ? "" : name.startsWith("manifests") ? "/s" : "MB/s";
    const goal = errors ? { text: "none", met: value(name, "hoy") === 0 } : asMany(name);
    return { name, unit, less: memory || errors, values, ...(memory ? {} : { goal }) };
  });
  const names = all.map(({ name }) => name);
  console.log(`${machine()}; medians of ${args.rounds} interleaved rounds\n`);
  console.log(table(rows, names));
  writeFileSync(args.json, JSON.stringify({ machine: machine(), rows }, undefined, 2));
}
