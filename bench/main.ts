// bench/run: reads the arguments, runs the measurements, prints the table and writes the JSON.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { command } from "../test/harness/command.ts";
import { machine, type Row, table } from "./figures.ts";
import { loadLarge, measures } from "./measures.ts";
import { must, type Subject, subjects } from "./subjects.ts";

const { values: args } = parseArgs({
  options: {
    rounds: { type: "string", default: "15" },
    only: { type: "string" },
    json: { type: "string", default: "dist/bench.json" },
  },
});
const rounds = Number(args.rounds);
const wanted = (name: string) => args.only === undefined || args.only.split(",").includes(name);

const all = await subjects();
const versions = await Promise.all(all.map(versionOf));
const rows: Row[] = [];
try {
  for (const [name, measure] of [...Object.entries(measures), ["load", load] as const]) {
    if (!wanted(name)) continue;
    console.error(`measuring ${name} …`);
    try {
      rows.push(...(await measure(all, rounds)));
    } catch (error) {
      // The other figures are still worth having; the exit code says that one is not there.
      console.error(`${name} could not be measured: ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
    }
  }
} finally {
  for (const subject of all) await subject.close();
}

const names = all.map(({ name }) => name);
const day = new Date().toISOString().slice(0, 10);
console.log(`${day}, ${machine()}; ${versions.join(", ")}; medians of ${rounds} interleaved rounds; (hoy ÷ other)\n`);
console.log(table(rows, names));
mkdirSync(dirname(args.json), { recursive: true });
writeFileSync(args.json, `${JSON.stringify({ day, machine: machine(), versions, rounds, rows }, null, 2)}\n`);

/** Over the engines with an API: podman reads no compressed docker-archive. */
async function load(each: readonly Subject[]): Promise<readonly Row[]> {
  const archive = await largeArchive();
  if (archive === undefined) {
    console.error("load is left out: neither HOY_BENCH_TAR nor debootstrap is here");
    return [];
  }
  return loadLarge(
    each.filter(({ socket }) => socket !== undefined),
    archive,
    Math.max(3, rounds >> 2),
  );
}

/** A large root file system in docker-archive form, gzip. Made once and kept in dist/. */
async function largeArchive(): Promise<string | undefined> {
  const path = "dist/bench-large.tar.gz";
  if (existsSync(path)) return path;
  const given = process.env.HOY_BENCH_TAR;
  if (given === undefined && Bun.which("debootstrap") === null) return undefined;
  await must(["bash", "bench/large-archive", path, ...(given === undefined ? [] : [given])]);
  return path;
}

async function versionOf({ name, cli }: Subject): Promise<string> {
  const { stdout } = await command([...cli, "version", "--format", "{{.Server.Version}}"]);
  return `${name} ${stdout.trim() || "?"}`;
}
