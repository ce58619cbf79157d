// Asking on a terminal for one line; for a password, without showing it.

import { ExitError } from "../base/errors.ts";
import type { CliIo } from "../io.ts";

/** @throws ExitError 130 on Ctrl-C. */
export async function readLine(io: CliIo, question: string, options: { readonly hidden: boolean }): Promise<string> {
  io.stdout.print(question);
  if (options.hidden) io.stdin.setRaw(true);
  try {
    let line = "";
    for await (const piece of io.stdin.read()) {
      for (const sign of Buffer.from(piece).toString()) {
        if (sign === "\n" || sign === "\r" || sign === "\x04") return line;
        if (sign === "\x03") throw new ExitError(130);
        line = sign === "\x7f" || sign === "\b" ? line.slice(0, -1) : line + sign;
      }
    }
    return line;
  } finally {
    if (options.hidden) {
      io.stdin.setRaw(false);
      io.stdout.print("\n");
    }
  }
}
