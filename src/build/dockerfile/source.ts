// The text of a Dockerfile and places in it. Errors of a build point at lines: with the lines around, and a mark.

import { HoyError } from "../../base/error.ts";

/** Lines from 1, both ends included. */
export interface LineRange {
  readonly start: number;
  readonly end: number;
}

/** An error at a place of the Dockerfile. Its message is whole: it shows the lines. */
export class DockerfileError extends HoyError {
  readonly range: LineRange;
  /** What is wrong, without the lines. */
  readonly fault: string;
  /** The fault as BuildKit words it, without the lines: its clients show those themselves. */
  readonly summary: string;

  /** `phase`: the text can't be read, or what it asks for can't be done. */
  constructor(fault: string, source: Source, range: LineRange, hint?: string, phase: "parse" | "build" = "parse") {
    const summary = phase === "parse" ? `dockerfile parse error on line ${range.start}: ${fault}` : fault;
    const words = `${source.name}:${range.start}\n${source.excerpt(range)}\nERROR: ${summary}`;
    super("invalid", words, hint === undefined ? {} : { hint });
    this.name = "DockerfileError";
    this.fault = fault;
    this.summary = summary;
    this.range = range;
  }
}

export class Source {
  readonly name: string;
  /** With their line ends. */
  readonly lines: readonly string[];

  constructor(name: string, text: string) {
    this.name = name;
    this.lines = text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  }

  /** The lines of the range with two before and after, numbered, those of the range marked. */
  excerpt(range: LineRange): string {
    const first = Math.max(1, range.start - 2);
    const last = Math.min(this.lines.length, range.end + 2);
    const rule = "-".repeat(20);
    const rows: string[] = [];
    for (let number = first; number <= last; number++) {
      const mark = number >= range.start && number <= range.end ? ">>>" : "   ";
      const text = (this.lines[number - 1] ?? "").replace(/\r?\n$/, "");
      rows.push(`${String(number).padStart(4)} | ${mark} ${text}`.trimEnd());
    }
    return [rule, ...rows, rule].join("\n");
  }
}
