// From the lines of a file to its instructions as texts: comments dropped, continued lines joined, here-documents taken
// from below. What the texts mean is parse.ts's business. Behaviour: BuildKit's frontend/dockerfile/parser.

import type { Directives } from "./directives.ts";
import { DockerfileError, type LineRange, type Source } from "./source.ts";

export interface LogicalLine {
  readonly text: string;
  readonly range: LineRange;
  /** The comments right above it, without their signs. */
  readonly comments: readonly string[];
  /** An empty line between continued ones: allowed, and warned of. */
  readonly emptyContinuation: boolean;
}

/** Reads instruction by instruction; here-documents are asked for by whoever knows that the instruction has some. */
export class LineReader {
  readonly #source: Source;
  readonly #continuation: RegExp;
  #next = 0;

  constructor(source: Source, directives: Directives) {
    this.#source = source;
    const sign = directives.escape === "`" ? "`" : "\\\\";
    // Not continued when the sign is itself escaped.
    this.#continuation = new RegExp(`(^|[^${sign}])${sign}[ \\t]*$`);
    this.#next = directives.lines;
  }

  /** The next instruction, or undefined at the end. */
  next(): LogicalLine | undefined {
    let comments: string[] = [];
    for (; this.#next < this.#source.lines.length; ) {
      const start = this.#next + 1;
      const line = this.#take().trimStart();
      if (line.startsWith("#")) {
        const comment = line.slice(1).trim();
        comments = comment === "" ? [] : [...comments, comment];
        continue;
      }
      const first = this.#cut(line);
      if (!first.continued && first.text === "") continue;
      let { text, continued } = first;
      let emptyContinuation = false;
      while (continued && this.#next < this.#source.lines.length) {
        const more = this.#take();
        if (more.trimStart().startsWith("#")) continue;
        if (more.trim() === "") {
          emptyContinuation = true;
          continue;
        }
        const part = this.#cut(more);
        text += part.text;
        continued = part.continued;
      }
      return { text, range: { start, end: this.#next }, comments, emptyContinuation };
    }
    return undefined;
  }

  /** The lines up to one that is `name` alone. @throws DockerfileError when there is none. */
  heredoc(name: string, stripTabs: boolean, from: LineRange): string {
    let content = "";
    while (this.#next < this.#source.lines.length) {
      const line = this.#source.lines[this.#next++] ?? "";
      const bare = line.replace(/[\r\n]+$/, "");
      if ((stripTabs ? bare.replace(/^\t+/, "") : bare) === name) return content;
      content += line;
    }
    throw new DockerfileError("unterminated heredoc", this.#source, { start: from.start, end: this.#next });
  }

  /** How many lines are read. */
  get line(): number {
    return this.#next;
  }

  #take(): string {
    const line = this.#source.lines[this.#next] ?? "";
    const plain = this.#next === 0 ? line.replace(/^\uFEFF/, "") : line;
    this.#next++;
    return plain.replace(/[\r\n]+$/, "");
  }

  #cut(line: string): { text: string; continued: boolean } {
    if (!this.#continuation.test(line)) return { text: line, continued: false };
    return { text: line.replace(this.#continuation, "$1"), continued: true };
  }
}
