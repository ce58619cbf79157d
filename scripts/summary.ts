// Sums up a run of ./check: reads the results of steps (NAME.step: pass, fail, or skip and why) and of test runs (NAME.status: the exit
// status, NAME.xml: bun's JUnit report, NAME.log: what it printed) from a directory; prints why tests failed, which ones
// did and which were skipped, and last the line `N passed, N failed, N skipped`.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";

interface Result {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
}

/** The test cases of a JUnit report. Only bun's own reports are read, whose form is fixed: this is no XML parser. */
export function readReport(xml: string, from: string): Result[] {
  const results: Result[] = [];
  for (const [, attributes = "", body = ""] of xml.matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    const title = text(attributes, "name");
    const name = `${text(attributes, "file") || from}: ${title}`;
    const outcome = /<(failure|error)\b/.test(body) ? "failed" : /<skipped\b/.test(body) ? "skipped" : "passed";
    results.push({ name, outcome });
  }
  return results;
}

/** What NAME.step says. */
export function readStep(text: string, name: string): Result {
  const [word = "", ...why] = text.trim().split(" ");
  if (word === "skip") return { name: `${name} (skipped: ${why.join(" ")})`, outcome: "skipped" };
  return { name, outcome: word === "pass" ? "passed" : "failed" };
}

/** The same tests run in more than one lane (`system-overlay-runc`, `vm-…`): which one it was is said with the name. */
function inLane(result: Result, lane: string): Result {
  return /^(system|vm)-/.test(lane) ? { ...result, name: `${lane}: ${result.name}` } : result;
}

export function summary(results: readonly Result[]): string {
  const count = (outcome: Result["outcome"]) => results.filter((result) => result.outcome === outcome).length;
  return `${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`;
}

function text(attributes: string, name: string): string {
  const found = new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? "";
  return found
    .replace(
      /&(lt|gt|quot|apos|amp);/g,
      (_, entity: string) => ({ lt: "<", gt: ">", quot: '"', apos: "'" })[entity] ?? "&",
    )
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
}

/** A run of tests that ended badly without naming a failed test: a crash, the time limit, a file that does not load. */
export function readStatus(status: string, name: string, results: readonly Result[]): Result[] {
  if (status === "0" || (status === "1" && results.some((result) => result.outcome === "failed"))) return [];
  return [{ name: `${name}: the run ended with status ${status}`, outcome: "failed" }];
}

/** What bun printed before each failed test, at most 40 lines of it: the error and where it was thrown. */
export function reasons(log: string): string[] {
  const lines = stripVTControlCharacters(log).split("\n");
  return lines.flatMap((line, index) => {
    if (!line.startsWith("(fail)")) return [];
    const before = lines.slice(Math.max(0, index - 40), index);
    const start = before.findLastIndex((earlier) => /^\((pass|skip|fail)\)/.test(earlier));
    return [[...before.slice(start + 1), line].join("\n")];
  });
}

function main(folder: string): number {
  const read = (file: string) => readFileSync(join(folder, file), "utf8");
  const files = readdirSync(folder);
  // Once more at the end: where a log is kept in part, it is the end that is kept.
  for (const file of files.filter((name) => name.endsWith(".log"))) {
    for (const reason of reasons(read(file)).slice(0, 10)) console.log(`${reason}\n`);
  }
  const results = files.flatMap((file): Result[] => {
    const name = file.replace(/\.\w+$/, "");
    if (file.endsWith(".step")) return [readStep(read(file), name)];
    if (!file.endsWith(".status")) return [];
    const report = files.includes(`${name}.xml`) ? readReport(read(`${name}.xml`), name) : [];
    return [...report.map((result) => inLane(result, name)), ...readStatus(read(file).trim(), name, report)];
  });
  for (const { name, outcome } of results) {
    if (outcome !== "passed") console.log(`${outcome.toUpperCase()}  ${name}`);
  }
  console.log(summary(results));
  return results.length > 0 && results.every((result) => result.outcome !== "failed") ? 0 : 1;
}

if (import.meta.main) process.exit(main(process.argv[2] ?? "dist/results"));
