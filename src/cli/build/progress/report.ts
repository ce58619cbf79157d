// What is said after a build: warnings, and of a failure the step's last lines, its place in the Dockerfile, the reason.

import type { GrpcError } from "../../../build/buildkit/grpc/status.ts";
import type { Output } from "../../base/output.ts";
import type { Progress } from "./open.ts";
import { clean } from "./terminal.ts";

const SOURCE = "github.com/moby/buildkit/errdefs.Source+json";
/** Lines of a failed step's output: all that is kept, as a plain log has shown them before. */
const LINES = 20;

export function reportWarnings(out: Output, { mode, state }: Progress): void {
  const { warnings } = state;
  if (warnings.length === 0 || mode === "quiet" || mode === "rawjson") return;
  const count = warnings.length === 1 ? "1 warning" : `${warnings.length} warnings`;
  out.line(`\n ${count} found (use --check to see the lines):`);
  for (const { short } of warnings) out.line(` - ${clean(Buffer.from(short).toString())}`);
}

/** Why steps were built that could have been in the cache. */
export function reportExplanations(out: Output, { mode, state }: Progress): void {
  if (mode === "rawjson") return;
  const steps = [...state.steps.values()].filter(({ explanation }) => explanation.length > 0);
  out.line(steps.length === 0 ? "\nEvery step was in the cache." : "\nNot in the cache:");
  for (const { name, explanation } of steps) {
    out.line(` ${clean(name)}`);
    for (const line of explanation) out.line(`   ${clean(line)}`);
  }
}

export function reportFailure(out: Output, error: GrpcError, { mode, state }: Progress): void {
  const step = state.failed();
  if (step !== undefined && mode !== "rawjson") {
    const { lines } = step.output;
    out.line(`------\n > ${clean(step.name)}:`);
    if (lines.length > LINES) out.line(`… ${lines.length - LINES} lines before these`);
    for (const line of lines.slice(-LINES)) out.line(clean(line));
    out.line("------");
  }
  for (const { typeUrl, value } of error.details) {
    if (typeUrl === SOURCE) out.print(excerptOf(Buffer.from(value).toString(), error.message));
  }
}

interface ErrorSource {
  readonly info?: { readonly filename?: string; readonly data?: string };
  readonly ranges?: readonly {
    readonly start?: { readonly line?: number };
    readonly end?: { readonly line?: number };
  }[];
}

/** The lines with two before and after, those that are meant marked, and a caret under the word that is. */
function excerptOf(json: string, message: string): string {
  const { info, ranges } = JSON.parse(json) as ErrorSource;
  const start = ranges?.[0]?.start?.line;
  if (info?.data === undefined || start === undefined) return "";
  const end = Math.max(start, ranges?.at(-1)?.end?.line ?? start);
  const lines = Buffer.from(info.data, "base64").toString().split("\n");
  if (lines.at(-1) === "") lines.pop();
  const rule = "-".repeat(20);
  const rows: string[] = [];
  let marked = false;
  for (let number = Math.max(1, start - 2); number <= Math.min(lines.length, end + 2); number++) {
    const line = clean((lines[number - 1] ?? "").replace(/\r$/, ""));
    const isMeant = number >= start && number <= end;
    rows.push(`${String(number).padStart(4)} | ${isMeant ? ">>>" : "   "} ${line}`.trimEnd());
    const caret = isMeant && !marked ? caretUnder(line, message) : undefined;
    if (caret === undefined) continue;
    marked = true;
    rows.push(`     |     ${caret}`);
  }
  return [`${info.filename ?? "Dockerfile"}:${start}`, rule, ...rows, rule, ""].join("\n");
}

/** Under the first of the message's own words (quoted, or after a colon) that the line has; undefined: none. */
export function caretUnder(line: string, message: string): string | undefined {
  const quoted = [...message.matchAll(/"((?:[^"\\]|\\.)+)"|'([^']+)'/g)].map(([, a, b]) => a ?? b ?? "");
  const named = [...message.matchAll(/(?:instruction:|flag:|name:|stage) ([^\s:()"']+)/g)].map(
    ([, word]) => word ?? "",
  );
  const words = [...quoted, ...named].flatMap((word) => [
    word,
    word.replace(/^\//, ""),
    word.replace(/^\/bin\/sh -c /, "").replaceAll('\\"', '"'),
  ]);
  for (const word of words) {
    // Of what is most of the line, the line's own mark says enough.
    const at = word.length < 2 || word.length > 40 ? -1 : line.indexOf(word);
    if (at >= 0) return `${" ".repeat(Bun.stringWidth(line.slice(0, at)))}${"^".repeat(Bun.stringWidth(word))}`;
  }
  return undefined;
}
