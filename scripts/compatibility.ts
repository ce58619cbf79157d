// Writes docs/compatibility.md: what suites written by others say (from their reports), and for each route of the API and
// each command the tests of ours that call it (read from the tests' text). No claim is made by hand: a row without a test says so.
//   bun scripts/compatibility.ts [REPORTS]   REPORTS: a folder with docker-py.xml, dockerode.json, and what the runners
//   compose, compose-1, old-client, testcontainers and docker-bench printed, as NAME.txt (test/conformance)

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { ROUTES } from "../src/api/server/routes/index.ts";
import type { Group, Leaf } from "../src/cli/command.ts";
import { tree } from "../src/cli/tree.ts";
import { readReport } from "./summary.ts";

const ROOT = resolve(import.meta.dir, "..");

export interface Suite {
  readonly name: string;
  readonly passed: number;
  readonly skipped: number;
  readonly failed: readonly string[];
}

/** pytest's JUnit: `classname` and `name` tell a case. */
export function readPytest(name: string, xml: string): Suite {
  const named = xml.replaceAll(/<testcase classname="([^"]*)" name="([^"]*)"/g, '<testcase file="$1" name="$2"');
  const results = readReport(named, name);
  const of = (outcome: string) => results.filter((result) => result.outcome === outcome);
  return {
    name,
    passed: of("passed").length,
    skipped: of("skipped").length,
    failed: of("failed").map((result) => result.name.replace(/^tests\.integration\./, "")),
  };
}

/** mocha's own JSON report. */
export function readMocha(name: string, json: string): Suite {
  const { stats, failures } = JSON.parse(json) as {
    stats: { passes: number; pending: number };
    failures: { fullTitle: string }[];
  };
  return { name, passed: stats.passes, skipped: stats.pending, failed: failures.map(({ fullTitle }) => fullTitle) };
}

/** A runner of ours: "pass  …" and "FAIL  …" lines. */
export function readChecks(name: string, text: string): Suite {
  const named = (word: string) =>
    text.split("\n").flatMap((line) => (line.startsWith(`${word}  `) ? line.slice(word.length + 2) : []));
  return { name, passed: named("pass").length, skipped: 0, failed: named("FAIL") };
}

/** Docker Bench's outcomes, and those that differ from the engine's they were compared with. */
export function benchLines(text: string): string[] {
  const counts = text.split("\n").find((line) => /^\d+ passed, \d+ warned/.test(line));
  const differ = text.split("\n").filter((line) => /^[<>] [45]\.\d+ [A-Z]+$/.test(line));
  return [
    `### Docker Bench for Security, sections 4 and 5: ${counts ?? "no outcome"}`,
    "",
    "Compared with Debian's dockerd 20.10 on the same machine with the same containers (`<` dockerd, `>` hoy):",
    "",
    ...(differ.length === 0 ? ["- none differs"] : differ.map((line) => `- \`${line}\``)),
    "",
  ];
}

/** Whether the text of a test calls the route: the method and then the path as literals, with anything for its names. */
export function calls(text: string, method: string, path: string): boolean {
  const literal = (part: string) => part.replaceAll(/[.*+?^$()|[\]\\]/g, "\\$&");
  const pattern = path
    .split("/")
    .map((part) => (part.startsWith("{") ? '[^/"`?]+' : literal(part)))
    .join("/");
  return new RegExp(`["'\`]${method}["'\`],\\s*["'\`](?:/v1\\.\\d+)?${pattern}["'\`?$]`).test(text);
}

/** Whether the text of a test runs the command by one of its names, as literals: `client("container", "ls"`. */
export function runs(text: string, paths: readonly string[]): boolean {
  return paths.some((path) => {
    const words = path.split(" ").map((word) => `"${word}"`);
    return new RegExp(`[([,]\\s*${words.join(",\\s*")}\\s*[,)\\]]`).test(text);
  });
}

function* leaves(group: Group): Generator<Leaf> {
  for (const child of group.children) {
    if (child.kind === "group") yield* leaves(child);
    else if (!child.hidden) yield child;
  }
}

function* tests(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* tests(path);
    else if (entry.name.endsWith(".test.ts")) yield path;
  }
}

function suiteLines({ name, passed, skipped, failed }: Suite): string[] {
  return [
    `### ${name}: ${passed} passed, ${failed.length} failed, ${skipped} skipped`,
    "",
    ...failed.map((one) => `- ${one}`),
    ...(failed.length === 0 ? [] : [""]),
  ];
}

interface Row {
  readonly name: string;
  readonly called: (text: string) => boolean;
}

function table(what: string, rows: readonly Row[]): string[] {
  const files = ["test/system", "test/images", "src/api/server", "src/cli"]
    .flatMap((folder) => [...tests(join(ROOT, folder))])
    .map((path) => ({ name: relative(ROOT, path), text: readFileSync(path, "utf8") }));
  const lines = rows.map(({ name, called }) => {
    const found = files.filter(({ text }) => called(text)).map((file) => `\`${file.name}\``);
    return `| ${name} | ${found.slice(0, 3).join(", ") || "–"} |`;
  });
  const named = lines.filter((line) => !line.endsWith("– |")).length;
  return [
    `${rows.length} ${what}, ${named} of them named in a test of ours.`,
    "",
    `| ${what} | tests |`,
    "|---|---|",
    ...lines,
    "",
  ];
}

function routeRows(): Row[] {
  return ROUTES.map(({ method, path }) => ({
    name: `${method} ${path}`,
    called: (text) => calls(text, method, path),
  }));
}

/** Once each, under all its names. */
function commandRows(): Row[] {
  const all = new Map([...leaves(tree)].map((leaf) => [leaf.paths.join(", "), leaf]));
  return [...all].map(([name, { paths }]) => ({ name, called: (text) => runs(text, paths) }));
}

/** Runners of ours that drive clients written by others. */
const CHECKS = [
  ["compose", "docker compose 2"],
  ["compose-1", "docker-compose 1.29"],
  ["old-client", "docker client 20.10"],
  ["testcontainers", "testcontainers, for Node and Python"],
] as const;

function main(reports: string): void {
  const read = (file: string) => {
    const path = join(reports, file);
    return existsSync(path) ? readFileSync(path, "utf8") : undefined;
  };
  const py = read("docker-py.xml");
  const node = read("dockerode.json");
  const suites = [
    ...(py === undefined ? [] : [readPytest("docker-py, tests/integration", py)]),
    ...(node === undefined ? [] : [readMocha("dockerode", node)]),
    ...CHECKS.flatMap(([file, name]) => {
      const text = read(`${file}.txt`);
      return text === undefined ? [] : [readChecks(name, text)];
    }),
  ];
  const bench = read("docker-bench.txt");
  const lines = [
    "# Compatibility",
    "",
    "Made by `scripts/compatibility.ts` from reports of the runners in `test/conformance/`; not edited by hand.",
    "",
    "## Suites written by others",
    "",
    "Run in a network namespace without a way out, beside a registry that stands in for the Hub: what needs the real one",
    "fails, and is listed with the others. So are docker-py's cases that want swarm (networks of scope, attachable, ingress),",
    "and those that fail on dockerd too: its contexts, and WebSocket over a unix socket.",
    "",
    ...(suites.length === 0 ? ["No report was given.", ""] : suites.flatMap(suiteLines)),
    ...(bench === undefined ? [] : benchLines(bench)),
    "### podman --remote: not served",
    "",
    "It speaks libpod's own API (`/v4.0.0/libpod/…`), which is not Docker's; none of it is here.",
    "",
    "## Our own tests",
    "",
    "Read from the tests' text: a test is listed when it names the route or the command as written here. A dash means that",
    "none does; it may be called through a client or a variable all the same. At most three files are listed.",
    "",
    "### Routes of the API",
    "",
    ...table("routes", routeRows()),
    "### Commands",
    "",
    ...table("commands", commandRows()),
  ];
  writeFileSync(join(ROOT, "docs/compatibility.md"), `${lines.join("\n")}\n`);
}

if (import.meta.main) main(resolve(process.argv[2] ?? join(ROOT, "dist/conformance")));
