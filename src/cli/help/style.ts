// Bold and colour for help pages: only on a terminal, and never with NO_COLOR (no-color.org).

import type { Output } from "../base/output.ts";
import type { CliIo } from "../io.ts";

export interface Style {
  heading(text: string): string;
  name(text: string): string;
  dim(text: string): string;
}

const PLAIN: Style = { heading: (text) => text, name: (text) => text, dim: (text) => text };

const COLOURED: Style = {
  heading: (text) => `\x1b[1m${text}\x1b[0m`,
  name: (text) => `\x1b[36m${text}\x1b[0m`,
  dim: (text) => `\x1b[2m${text}\x1b[0m`,
};

export function styleFor(io: CliIo, out: Output): Style {
  const off = !out.isTTY || Boolean(io.env.NO_COLOR) || io.env.TERM === "dumb";
  return off ? PLAIN : COLOURED;
}

/** Breaks text at spaces; continuation lines are for the caller to indent. Its own line breaks stay. */
export function wrap(text: string, width: number): string[] {
  return text.split("\n").flatMap((paragraph) => {
    const lines: string[] = [];
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else {
        line = line === "" && lines.length === 0 ? word : `${line} ${word}`;
      }
    }
    return [...lines, line];
  });
}
