// The progress of pull, push, load, import: on a terminal a line for each layer, changed in place; elsewhere only the
// lines that say something new. The texts are those of docker's jsonmessage.

import type { ProgressMessage } from "../../api/backend.ts";
import { HoyError } from "../../base/error.ts";
import type { Output } from "../base/output.ts";
import { humanSize } from "../format/units.ts";

export interface DisplayOptions {
  /** Gets every `aux`. */
  readonly onAux?: (aux: unknown) => void;
}

/** Shows all messages. @throws HoyError with the message that the engine ended the stream with. */
export async function displayProgress(
  out: Output,
  messages: AsyncIterable<ProgressMessage>,
  options: DisplayOptions = {},
): Promise<void> {
  const lines = new Map<string, number>();
  for await (const message of messages) {
    if (message.aux !== undefined && message.aux !== null) {
      options.onAux?.(message.aux);
      continue;
    }
    const failure = message.errorDetail?.message ?? message.error;
    if (failure !== undefined) throw new HoyError("internal", failure);
    show(out, message, lines);
  }
}

/** Reads them without showing; errors still throw. */
export async function drainProgress(messages: AsyncIterable<ProgressMessage>): Promise<void> {
  for await (const { error, errorDetail } of messages) {
    const failure = errorDetail?.message ?? error;
    if (failure !== undefined) throw new HoyError("internal", failure);
  }
}

function show(out: Output, message: ProgressMessage, lines: Map<string, number>): void {
  if (out.isTTY) out.print(onTerminal(message, lines, out.columns));
  else out.print(textOf(message, undefined));
}

function onTerminal(message: ProgressMessage, lines: Map<string, number>, columns: number): string {
  const { id = "" } = message;
  const text = textOf(message, columns);
  if (id === "" || message.progressDetail === undefined) {
    // Something that is no progress: what came before stays, new lines start below.
    lines.clear();
    return text;
  }
  const known = lines.get(id);
  const line = known ?? lines.size;
  if (known === undefined) lines.set(id, line);
  const up = lines.size - line;
  return `${known === undefined ? "\n" : ""}\x1b[${up}A\r\x1b[2K${text.replace(/\n$/, "")}\r\x1b[${up}B`;
}

/** `columns` undefined: not a terminal, and bars are nothing to print there. */
function textOf(message: ProgressMessage, columns: number | undefined): string {
  const { id = "", status = "", stream } = message;
  const bar = progressBar(message, columns ?? 0);
  if (columns === undefined && bar !== "") return "";
  const head = id === "" ? "" : `${id}: `;
  if (stream !== undefined && stream !== "") return head + stream;
  return `${head}${status}${bar === "" ? "" : ` ${bar}`}\n`;
}

/** "[====>     ]  1.2MB/3.4MB"; as wide as the terminal leaves room for. */
export function progressBar({ progressDetail }: ProgressMessage, columns: number): string {
  const { current = 0, total = 0, units = "", hidecounts = false } = progressDetail ?? {};
  if (current <= 0 && total <= 0) return "";
  const size = (value: number) => (units === "" ? humanSize(value) : String(value));
  if (total <= 0) return `${size(current).padStart(8)}${units === "" ? "" : ` ${units}`}`;
  const width = Math.max(0, Math.min(50, columns - 60));
  const done = Math.min(width, Math.floor((current / total) * width));
  const box = width < 5 ? "" : `[${"=".repeat(done)}>${" ".repeat(width - done)}] `;
  if (hidecounts) return box.trimEnd();
  const numbers = current > total ? size(current).padStart(8) : `${size(current).padStart(8)}/${size(total)}`;
  return `${box}${numbers}${units === "" ? "" : ` ${units}`}`;
}
