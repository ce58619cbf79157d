// The two-way stream of attach and exec: what the process writes goes to our outputs, what the user types to it, until
// the process's output ends or the user lets go. The terminal is given back whatever happens.

import type { Hijacked } from "../../api/client/transport.ts";
import { ExitError } from "../base/errors.ts";
import type { CliIo } from "../io.ts";
import { DetachWatch } from "./detach-keys.ts";
import { demultiplex } from "./frames.ts";

export interface StreamOptions {
  readonly tty: boolean;
  /** Send standard input. */
  readonly stdin: boolean;
  /** Show anything; false: only send. */
  readonly output: boolean;
  readonly detachKeys: Uint8Array;
  /** Somebody else sends signals on to the container; else one that would end us ends us, terminal given back. */
  readonly signalsGoOn: boolean;
}

export type StreamEnd = "ended" | "detached";

/** Resolves when the output has ended (and is written), or on the detach keys. Closes the connection. */
export async function pumpStreams(io: CliIo, connection: Hijacked, options: StreamOptions): Promise<StreamEnd> {
  const raw = options.tty && options.stdin;
  using terminal = raw ? takeTerminal(io, options.signalsGoOn) : undefined;
  try {
    const output = options.output ? copyOutput(io, connection, options.tty) : undefined;
    const input = options.stdin ? copyInput(io, connection, options) : undefined;
    const end = firstEnd(output, input);
    return await (terminal === undefined ? end : Promise.race([end, terminal.killed]));
  } finally {
    if (options.stdin) io.stdin.release();
    connection.close();
  }
}

export interface TakenTerminal extends Disposable {
  /** Rejects on a signal that ends us. */
  readonly killed: Promise<never>;
}

/** Every key goes on unchanged, until it is disposed of. */
export function takeTerminal(io: CliIo, signalsGoOn: boolean): TakenTerminal {
  const { promise: killed, reject } = Promise.withResolvers<never>();
  killed.catch(() => undefined);
  const stops = signalsGoOn
    ? []
    : (
        [
          ["SIGHUP", 1],
          ["SIGTERM", 15],
        ] as const
      ).map(([name, number]) => io.onSignal(name, () => reject(new ExitError(128 + number))));
  io.stdin.setRaw(true);
  return {
    killed,
    [Symbol.dispose]() {
      io.stdin.setRaw(false);
      for (const stop of stops) stop();
    },
  };
}

/** The output's end is the end; the input's end is not, unless it was by the detach keys or there is no output. */
async function firstEnd(output: Promise<void> | undefined, input: Promise<StreamEnd> | undefined): Promise<StreamEnd> {
  const shown = output?.then((): StreamEnd => "ended");
  if (input === undefined) return (await shown) ?? "ended";
  if (shown === undefined) return input;
  return Promise.race([shown, input.then((end) => (end === "detached" ? end : shown))]);
}

async function copyOutput(io: CliIo, connection: Hijacked, tty: boolean): Promise<void> {
  if (tty) {
    for await (const data of connection.output) await io.stdout.write(data);
    return;
  }
  for await (const { stream, data } of demultiplex(connection.output)) await io[stream].write(data);
}

async function copyInput(io: CliIo, connection: Hijacked, options: StreamOptions): Promise<StreamEnd> {
  const watch = options.tty ? new DetachWatch(options.detachKeys) : undefined;
  try {
    for await (const data of io.stdin.read()) {
      const { send, detached } = watch?.feed(data) ?? { send: data, detached: false };
      if (send.length > 0) await connection.write(send);
      if (detached) return "detached";
    }
    connection.closeWrite();
  } catch (thrown) {
    // The process may end before it has read all: the output's side tells how it went.
    if (!options.output) throw thrown;
  }
  return "ended";
}
