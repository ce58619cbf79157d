// For tests: the client's world in memory.

import { Writable } from "node:stream";
import { Output } from "../base/output.ts";
import type { CliIo, SignalName } from "../io.ts";
import { runCli } from "../main.ts";

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface MemoryOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly program?: string;
  readonly cwd?: string;
  /** Columns of a terminal that standard output then is. */
  readonly columns?: number;
  /** Its height; 24 unless said. */
  readonly rows?: number;
}

/** Runs one command line in this process. */
export async function hoy(argv: readonly string[], options: MemoryOptions = {}): Promise<Outcome> {
  const { io, text } = memoryIo(options);
  const code = await runCli(argv, io);
  return { code, ...text() };
}

export function memoryIo(options: MemoryOptions = {}) {
  const out = new Sink(options.columns, options.rows);
  const err = new Sink(options.columns, options.rows);
  const listeners = new Map<SignalName, Set<() => void>>();
  const io: CliIo = {
    stdin: {
      isTTY: false,
      async *read() {
        if (options.stdin !== undefined && options.stdin !== "") yield Buffer.from(options.stdin);
      },
      setRaw: () => undefined,
      release: () => undefined,
    },
    stdout: new Output(() => out),
    stderr: new Output(() => err),
    env: options.env ?? {},
    cwd: options.cwd ?? "/",
    program: options.program ?? "hoy",
    become(file) {
      throw new Error(`in memory nothing becomes ${file}`);
    },
    onSignal(name, listener) {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set.add(listener));
      return () => set.delete(listener);
    },
  };
  const signal = (name: SignalName) => {
    for (const listener of listeners.get(name) ?? []) listener();
  };
  const resize = (columns: number) => {
    for (const sink of [out, err]) sink.columns = columns;
    signal("SIGWINCH");
  };
  return { io, signal, resize, text: () => ({ stdout: out.text, stderr: err.text }) };
}

class Sink extends Writable {
  text = "";
  readonly isTTY: boolean;
  columns: number | undefined;
  readonly rows: number | undefined;

  constructor(columns: number | undefined, rows = 24) {
    super({ decodeStrings: true });
    this.isTTY = columns !== undefined;
    this.columns = columns;
    this.rows = columns === undefined ? undefined : rows;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}
