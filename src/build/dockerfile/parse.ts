// A Dockerfile read into instructions: keyword, flags, arguments, here-documents, places. Nothing is expanded and no
// instruction is understood here; whether its flags and arguments make sense is for instructions.ts.

import { nearest } from "../../base/nearest.ts";
import { type Directives, readDirectives } from "./directives.ts";
import { ExpansionError, expand } from "./expand.ts";
import { LineReader, type LogicalLine } from "./lines.ts";
import { DockerfileError, type LineRange, Source } from "./source.ts";
import { readJsonForm, splitLine, splitQuoted, splitSpaces } from "./words.ts";

export interface Heredoc {
  readonly name: string;
  /** 0 unless written as `3<<EOF`. */
  readonly fileDescriptor: number;
  /** Variables in it are put in: its name was not quoted. */
  readonly expand: boolean;
  /** `<<-`: leading tabs go. */
  readonly stripTabs: boolean;
  readonly content: string;
}

export interface Instruction {
  /** As written; compare with `keyword`. */
  readonly name: string;
  /** Upper case. */
  readonly keyword: Keyword;
  readonly flags: readonly string[];
  readonly args: readonly string[];
  /** Its arguments were a JSON array. */
  readonly json: boolean;
  /** ENV and LABEL: name, value and "=" (or "" in the old form with a space), three for each in `args`. */
  readonly heredocs: readonly Heredoc[];
  /** ONBUILD's. */
  readonly trigger: Instruction | undefined;
  /** One line, continuations joined. */
  readonly text: string;
  readonly range: LineRange;
  readonly comments: readonly string[];
}

export interface ParsedDockerfile {
  readonly source: Source;
  readonly directives: Directives;
  readonly instructions: readonly Instruction[];
  /** Lines with an empty continuation. */
  readonly emptyContinuations: readonly { readonly text: string; readonly range: LineRange }[];
}

type Form = "json-or-text" | "json-or-words" | "pairs" | "quoted-words" | "text" | "words" | "health" | "trigger";

const FORMS = {
  ADD: "json-or-words",
  ARG: "quoted-words",
  CMD: "json-or-text",
  COPY: "json-or-words",
  ENTRYPOINT: "json-or-text",
  ENV: "pairs",
  EXPOSE: "words",
  FROM: "words",
  HEALTHCHECK: "health",
  LABEL: "pairs",
  MAINTAINER: "text",
  ONBUILD: "trigger",
  RUN: "json-or-text",
  SHELL: "json-or-text",
  STOPSIGNAL: "text",
  USER: "text",
  VOLUME: "json-or-words",
  WORKDIR: "text",
} as const satisfies Record<string, Form>;

export type Keyword = keyof typeof FORMS;

const WITH_HEREDOCS: ReadonlySet<Keyword> = new Set(["ADD", "COPY", "RUN"]);

/** BuildKit's bound (MaxDockerfileSize is 1 MiB in buildx; its parser's line is 64 KiB); ours is on the whole. */
const MAX_SIZE = 4 * 1024 * 1024;

/** @throws DockerfileError that shows the line. */
export function parseDockerfile(text: string, name = "Dockerfile"): ParsedDockerfile {
  const source = new Source(name, text);
  if (text.length > MAX_SIZE)
    throw new DockerfileError(`the file is larger than ${MAX_SIZE} bytes`, source, { start: 1, end: 1 });
  const directives = readDirectives(source.lines);
  const { fault } = directives;
  if (fault !== undefined) throw new DockerfileError(fault.words, source, { start: fault.line, end: fault.line });
  const reader = new LineReader(source, directives);
  const instructions: Instruction[] = [];
  const emptyContinuations: { text: string; range: LineRange }[] = [];
  for (let line = reader.next(); line !== undefined; line = reader.next()) {
    if (line.emptyContinuation) emptyContinuations.push({ text: line.text, range: line.range });
    instructions.push(readInstruction(line, source, directives, reader));
  }
  if (instructions.length === 0) throw new DockerfileError("file with no instructions", source, { start: 1, end: 1 });
  return { source, directives, instructions, emptyContinuations };
}

function readInstruction(line: LogicalLine, source: Source, directives: Directives, reader: LineReader): Instruction {
  const parsed = parseText(line.text, line, source, directives, 0);
  const holder = parsed.trigger ?? parsed;
  if (!WITH_HEREDOCS.has(holder.keyword) || holder.json || !line.text.includes("<<")) return parsed;
  const heredocs = openedHeredocs(line, source).map((heredoc) => ({
    ...heredoc,
    content: reader.heredoc(heredoc.name, heredoc.stripTabs, line.range),
  }));
  const range = { start: line.range.start, end: reader.line };
  if (parsed.trigger === undefined) return { ...parsed, heredocs, range };
  return { ...parsed, range, heredocs, trigger: { ...parsed.trigger, heredocs, range } };
}

function parseText(
  text: string,
  line: LogicalLine,
  source: Source,
  directives: Directives,
  depth: number,
): Instruction {
  const { keyword: name, flags, rest } = splitLine(text, directives.escape);
  const fail = (fault: string, hint?: string): never => {
    throw new DockerfileError(fault, source, line.range, hint);
  };
  const upper = name.toUpperCase();
  if (!isKeyword(upper)) {
    const meant = nearest(upper, Object.keys(FORMS));
    return fail(`unknown instruction: ${name.slice(0, 80)}${meant === undefined ? "" : ` (did you mean ${meant}?)`}`);
  }
  const base = {
    name,
    keyword: upper,
    flags,
    heredocs: [],
    trigger: undefined,
    text,
    range: line.range,
    comments: line.comments,
  };
  const form = FORMS[upper];
  if (form === "trigger") {
    if (rest === "") return { ...base, args: [], json: false };
    if (depth > 0) return fail("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    return { ...base, args: [rest], json: false, trigger: parseText(rest, line, source, directives, depth + 1) };
  }
  const json = form === "json-or-text" || form === "json-or-words" ? readJsonForm(rest) : ({ kind: "text" } as const);
  if (json.kind === "not-strings")
    return fail("when using JSON array syntax, arrays must be comprised of strings only");
  if (json.kind === "list") return { ...base, args: json.items, json: true };
  switch (form) {
    case "json-or-text":
    case "text":
      return { ...base, args: rest === "" ? [] : [rest], json: false };
    case "json-or-words":
    case "words":
      return { ...base, args: splitSpaces(rest), json: false };
    case "quoted-words":
      return { ...base, args: splitQuoted(rest, directives.escape), json: false };
    case "pairs":
      return { ...base, args: readPairs(upper, rest, directives.escape, fail), json: false };
    case "health":
      return { ...base, ...readHealth(rest, fail) };
  }
}

/** `name=value …`, or the old `name value` where the first word has no sign. */
function readPairs(keyword: string, rest: string, escapeSign: string, fail: (fault: string) => never): string[] {
  const words = splitQuoted(rest, escapeSign);
  const [first] = words;
  if (first === undefined) return [];
  if (!first.includes("=")) {
    const gap = /[\t\v\f\r ]+/.exec(rest);
    if (gap === null) return fail(`${keyword} must have two arguments`);
    return [rest.slice(0, gap.index), rest.slice(gap.index + gap[0].length), ""];
  }
  return words.flatMap((word) => {
    const sign = word.indexOf("=");
    if (sign < 0)
      return fail(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
    return [word.slice(0, sign), word.slice(sign + 1), "="];
  });
}

function readHealth(rest: string, fail: (fault: string) => never): { args: string[]; json: boolean } {
  const [, type = "", command = ""] = /^(\S+)\s*([\s\S]*)$/.exec(rest) ?? [];
  if (type === "") return { args: [], json: false };
  if (command === "") return { args: [type], json: false };
  const json = readJsonForm(command);
  if (json.kind === "not-strings")
    return fail("when using JSON array syntax, arrays must be comprised of strings only");
  return json.kind === "list" ? { args: [type, ...json.items], json: true } : { args: [type, command], json: false };
}

/** A line whose quotes do not close is the shell's to complain of: it has no here-documents for us. */
function openedHeredocs(line: LogicalLine, source: Source): Omit<Heredoc, "content">[] {
  try {
    return heredocsOf(line.text);
  } catch (error) {
    if (!(error instanceof ExpansionError)) throw error;
    if (error.message.startsWith(`failed to process ${JSON.stringify(line.text)}`)) return [];
    throw new DockerfileError(error.message, source, line.range);
  }
}

const RAW = { escape: "\\", rawQuotes: true, rawEscapes: true, skipUnset: true } as const;
const NOTHING = () => undefined;
const HEREDOC = /^(\d*)<<(-?)\s*([^<]*)$/;

/** The here-documents that a line opens, in order; quotes around a name say that its content is taken as it is. */
function heredocsOf(text: string): Omit<Heredoc, "content">[] {
  return expand(text, NOTHING, RAW).words.flatMap((word) => readHeredocWord(word) ?? []);
}

/** `<<NAME`, `<<-"NAME"`, `3<<NAME` alone; undefined: the word is something else. */
export function readHeredocWord(word: string): Omit<Heredoc, "content"> | undefined {
  const [, fd = "", dash, rest = ""] = HEREDOC.exec(word) ?? [];
  if (rest === "") return undefined;
  const [plain, ...more] = expand(rest, NOTHING, { escape: "\\", skipUnset: true }).words;
  const [quoted] = expand(rest, NOTHING, { ...RAW, rawEscapes: false }).words;
  if (plain === undefined || more.length > 0) return undefined;
  return {
    name: plain,
    fileDescriptor: Number(fd || "0"),
    stripTabs: dash === "-",
    expand: quotesIn(plain) === quotesIn(quoted ?? ""),
  };
}

function quotesIn(text: string): number {
  return text.match(/['"]/g)?.length ?? 0;
}

function isKeyword(text: string): text is Keyword {
  return Object.hasOwn(FORMS, text);
}
