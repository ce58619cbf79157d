// The client's door to the world outside: streams, environment, terminal. Commands see this and never `process`,
// so that tests can run a whole command line in memory.

import { lazy } from "./base/builtin.ts";
import { isTerminal, Output } from "./base/output.ts";

/** Standard input as a command needs it. */
export interface Input {
  readonly isTTY: boolean;
  /** Bytes as they come; ends at end of file. Asked for once. */
  read(): AsyncIterable<Uint8Array>;
  /** Terminal only: pass every key on unchanged. A no-op elsewhere. */
  setRaw(on: boolean): void;
  /** Stop reading, so that a waiting read does not keep the process alive. */
  release(): void;
}

export type SignalName = "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGQUIT" | "SIGUSR1" | "SIGUSR2" | "SIGWINCH" | "SIGCONT";

export interface CliIo {
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Calls back on each signal until the returned function is called. */
  onSignal(name: SignalName, listener: () => void): () => void;
  /** Goes on as another program: same process, same streams. @throws when it can't be started */
  become(file: string, argv: readonly string[], env: CliIo["env"]): never;
  /** Last path segment of argv[0]: "docker" gives docker's texts, all else hoy's. */
  readonly program: string;
}

/** The real thing, from this process. `program` is the name the executable was called by. */
export function processIo(program: string): CliIo {
  return {
    stdin: processInput(),
    stdout: new Output(() => process.stdout, { fd: 1, sink: () => Bun.stdout.writer() }),
    stderr: new Output(() => process.stderr, { fd: 2, sink: () => Bun.stderr.writer() }),
    env: process.env,
    cwd: process.cwd(),
    program: program === "docker" ? "docker" : "hoy",
    become,
    onSignal(name, listener) {
      process.on(name, listener);
      return () => process.off(name, listener);
    },
  };
}

function become(file: string, argv: readonly string[], env: CliIo["env"]): never {
  const given = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined);
  if (process.execve === undefined) throw new Error("this platform can't replace a process");
  return process.execve(file, [file, ...argv], Object.fromEntries(given));
}

function processInput(): Input {
  let used = false;
  return {
    get isTTY() {
      return isTerminal(0);
    },
    async *read() {
      // Node's stream takes 8 ms to open; a terminal needs it, for raw mode.
      if (!this.isTTY) return yield* Bun.stdin.stream();
      used = true;
      for await (const chunk of process.stdin) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    },
    setRaw(on) {
      if (!this.isTTY) return;
      process.stdin.setRawMode(on);
      // Node's raw mode still turns \n into \r\n on its way out, which the container's terminal has done already; a
      // program that moves the cursor by \n would be drawn askew. Switching off puts everything back. Without stty the
      // rest of raw mode is as good as it gets.
      if (on) lazy.childProcess.spawnSync("stty", ["-opost"], { stdio: ["inherit", "ignore", "ignore"] });
    },
    release() {
      // Only touched when it was: opening it costs, and some kinds can't be let go again.
      if (used) process.stdin.pause();
    },
  };
}
