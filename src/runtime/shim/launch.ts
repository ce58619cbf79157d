// Starts the shim's process and reads its one line: STARTED or FAILED.

import { type ChildProcess, spawn } from "node:child_process";
import { HoyError } from "../../base/error.ts";
import { runtimeFailure } from "./failures.ts";

const LINE_LIMIT = 64 * 1024;
const START_MS = 120_000;

/** The shim's environment is the runtime's and its hooks': nothing of the daemon's own may leak into it. */
const ENVIRONMENT = { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" };

/** What is done when the shim has made the network namespace: `pid` names it; the OCI runtime waits meanwhile. */
export type OnNetwork = (pid: number) => Promise<void>;

export interface Launch {
  /** The shim's program. */
  readonly shim: string;
  /** Its job file. */
  readonly job: string;
  /** Descriptor of a sealed copy of the OCI runtime, when the job says that there is one. */
  readonly sealed: number | undefined;
  /** What the container runs, for the words of an error. */
  readonly command: string;
  readonly onNetwork: OnNetwork | undefined;
}

/**
 * Runs the shim until its container has started; gives the pid of its first process.
 * @throws HoyError as ContainerRuntime.start; the shim has ended (or is killed) then.
 */
export async function launchShim({ shim, job, sealed, command, onNetwork }: Launch): Promise<number> {
  const child = spawn(shim, [job], {
    cwd: "/",
    env: ENVIRONMENT,
    detached: true,
    stdio: [
      onNetwork === undefined ? "ignore" : "pipe",
      "pipe",
      "pipe",
      ...(sealed === undefined ? [] : [sealed]), // descriptor 3
    ],
  });
  child.stdin?.on("error", () => undefined); // A shim that is gone says so on its other streams.
  const lines = new Lines(child);
  try {
    let line = await lines.next();
    if (line.startsWith("NETNS ") && onNetwork !== undefined) {
      await onNetwork(Number(line.slice("NETNS ".length)));
      child.stdin?.end("G");
      line = await lines.next();
    }
    return startedPid(line, command);
  } catch (error) {
    // Its pipe's end tells it that the network will not come: it undoes what it made.
    child.stdin?.destroy();
    await lines.end;
    throw error;
  } finally {
    lines.stop();
    child.unref();
  }
}

function startedPid(line: string, command: string): number {
  if (line.startsWith("STARTED ")) return Number(line.slice("STARTED ".length));
  const failed = /^FAILED (\d+) (.*)$/s.exec(line);
  if (failed?.[2] !== undefined) throw runtimeFailure("create", failed[2], command);
  throw new HoyError("internal", `the shim did not start: ${line === "" ? "it said nothing" : line}`);
}

/** The shim and the OCI runtime that hangs under it: one session (`detached`). */
function killGroup(child: ChildProcess): void {
  if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL");
}

/** The shim's lines on standard output; once it has ended, what it said on standard error. */
class Lines {
  readonly #child: ChildProcess;
  readonly #timer: NodeJS.Timeout;
  #out = "";
  #err = "";
  #ended = false;
  #failure: HoyError | undefined;
  #wake: () => void = () => undefined;
  /** Resolves when the process has ended. */
  readonly end: Promise<void>;

  constructor(child: ChildProcess) {
    this.#child = child;
    this.end = new Promise((resolve) => {
      child.on("close", () => resolve());
      child.on("error", () => resolve());
    });
    this.#timer = setTimeout(() => {
      killGroup(child);
      this.#fail(new HoyError("internal", "the container did not start within two minutes"));
    }, START_MS);
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      if (this.#out.length < LINE_LIMIT) this.#out += text;
      this.#wake();
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      if (this.#err.length < LINE_LIMIT) this.#err += text;
    });
    child.on("error", (error) => {
      this.#fail(new HoyError("internal", `the shim can't be run: ${error.message}`, { cause: error }));
    });
    child.on("close", () => {
      this.#ended = true;
      this.#wake();
    });
  }

  #fail(error: HoyError): void {
    this.#failure = error;
    this.#wake();
  }

  async next(): Promise<string> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const end = this.#out.indexOf("\n");
      if (end >= 0) {
        const line = this.#out.slice(0, end);
        this.#out = this.#out.slice(end + 1);
        return line;
      }
      if (this.#ended || this.#out.length >= LINE_LIMIT) return (this.#out + this.#err).trim();
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }
}
