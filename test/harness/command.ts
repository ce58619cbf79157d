// Runs a program to its end, with standard input, or on a terminal. For tests: everything is bounded by time, and a
// program that overstays is killed and said so.

/** How much more patience a slow machine needs than a usual one (HOY_TEST_SLOWER); the virtual machine asks for it. */
export const SLOWER = Number(process.env.HOY_TEST_SLOWER || 1);
const PATIENCE = 45_000 * SLOWER;

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Milliseconds until it is killed, instead of the usual. */
  readonly patience?: number;
}

export async function command(argv: readonly string[], options: CommandOptions = {}): Promise<Result> {
  const { code, stdout, stderr } = await commandBytes(argv, options);
  return { code, stdout: new TextDecoder().decode(stdout), stderr };
}

/** As `command`, with standard output as it is: for archives. */
export async function commandBytes(argv: readonly string[], options: CommandOptions = {}) {
  const child = Bun.spawn([...argv], {
    stdin:
      options.input === undefined
        ? "ignore"
        : typeof options.input === "string"
          ? Buffer.from(options.input)
          : options.input,
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const late = setTimeout(() => child.kill("SIGKILL"), options.patience ?? PATIENCE);
  const [stdout, stderr] = await Promise.all([child.stdout.bytes(), child.stderr.text()]);
  const code = await child.exited;
  clearTimeout(late);
  if (child.signalCode === "SIGKILL") throw new Error(`took too long: ${argv.join(" ")}\n${stderr}`);
  return { code, stdout, stderr };
}

/** A program that runs on while the test does other things. */
export interface Running {
  /** Everything on standard output (or the terminal) so far. */
  output(): string;
  stderr(): string;
  write(text: string): void;
  endInput(): void;
  resize(columns: number, rows: number): void;
  kill(signal: NodeJS.Signals): void;
  /** Waits until the output matches. @throws when the program ends or time does before that. */
  until(pattern: RegExp): Promise<string>;
  /** Exit code, once it has ended. */
  readonly exited: Promise<number>;
}

export function start(
  argv: readonly string[],
  options: CommandOptions & { terminal?: { columns: number; rows: number } } = {},
): Running {
  const decoder = new TextDecoder();
  let [output, stderr, over] = ["", "", false];
  let changed = Promise.withResolvers<void>();
  const note = () => {
    changed.resolve();
    changed = Promise.withResolvers();
  };
  const { terminal } = options;
  const common = {
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  };
  const child =
    terminal === undefined
      ? Bun.spawn([...argv], { ...common, stdin: "pipe", stdout: "pipe", stderr: "pipe" })
      : Bun.spawn([...argv], {
          ...common,
          terminal: {
            cols: terminal.columns,
            rows: terminal.rows,
            data: (_terminal, data) => {
              output += decoder.decode(data, { stream: true });
              note();
            },
          },
        });
  const pump = async (stream: unknown, take: (text: string) => void) => {
    if (!(stream instanceof ReadableStream)) return;
    const text = new TextDecoder();
    for await (const chunk of stream) {
      take(text.decode(chunk, { stream: true }));
      note();
    }
  };
  const pumps = [
    pump(child.stdout, (text) => {
      output += text;
    }),
    pump(child.stderr, (text) => {
      stderr += text;
    }),
  ];
  const late = setTimeout(() => child.kill("SIGKILL"), PATIENCE);
  const exited = (async () => {
    const code = await child.exited;
    await Promise.all(pumps);
    clearTimeout(late);
    over = true;
    note();
    return code;
  })();
  const sink = child.stdin;
  return {
    output: () => output,
    stderr: () => stderr,
    write: (text) => {
      if (child.terminal !== undefined) child.terminal.write(text);
      else if (sink !== undefined && sink !== null && typeof sink !== "number") {
        sink.write(text);
        sink.flush();
      }
    },
    endInput: () => {
      if (sink !== undefined && sink !== null && typeof sink !== "number") sink.end();
    },
    resize: (columns, rows) => child.terminal?.resize(columns, rows),
    kill: (signal) => child.kill(signal),
    until: async (pattern) => {
      while (!pattern.test(output)) {
        if (over) throw new Error(`ended before ${pattern}: ${JSON.stringify(output)} ${JSON.stringify(stderr)}`);
        await changed.promise;
      }
      return output;
    },
    exited,
  };
}
