// The size of the user's terminal, told to the process's: at first, and at every change.

import type { Transport } from "../../api/client/transport.ts";
import { ExitError } from "../base/errors.ts";
import type { CliIo } from "../io.ts";

export type ResizeTarget = { readonly container: string } | { readonly exec: string };

/** Sends the size now and on every SIGWINCH, until the returned function is called. A size that can't be set is left. */
export function followSize(io: CliIo, engine: Transport, target: ResizeTarget): () => void {
  const send = async (retries: number): Promise<void> => {
    const [height, width] = consoleSize(io);
    if (height === 0 && width === 0) return;
    try {
      await engine.done("POST", pathOf(target), { query: { h: height, w: width } });
    } catch {
      // Asked too early, before the terminal is there; docker's client tries again as well.
      if (retries > 0) setTimeout(() => void send(retries - 1), (11 - retries) * 10).unref();
    }
  };
  void send(10);
  return io.onSignal("SIGWINCH", () => void send(0));
}

function pathOf(target: ResizeTarget): string {
  return "container" in target
    ? `/containers/${encodeURIComponent(target.container)}/resize`
    : `/exec/${encodeURIComponent(target.exec)}/resize`;
}

/** Rows and columns of standard output; zeros when it is no terminal. */
export function consoleSize(io: CliIo): [rows: number, columns: number] {
  return io.stdout.isTTY ? [io.stdout.rows, io.stdout.columns] : [0, 0];
}

/** @throws ExitError when a terminal is asked for, input attached, and there is none to give. */
export function checkTty(io: CliIo, attachStdin: boolean, tty: boolean): void {
  if (attachStdin && tty && !io.stdin.isTTY) throw new ExitError(1, "the input device is not a TTY");
}
