// A wire through a child process: `ssh host hoy system dial-stdio` copies its stdin and stdout to the engine's socket on
// the far side. What the child says on stderr is kept for the error if it fails.

import { spawn } from "node:child_process";
import { HoyError } from "../../base/error.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Wire } from "./wire.ts";

interface Refable {
  ref(): void;
  unref(): void;
}

const MAX_STDERR = 8 * 1024;

type SshEndpoint = Extract<Endpoint, { kind: "ssh" }>;

/** The argv of the dial. The far side's `hoy` is tried first, then `docker`. Words for the far shell are quoted. */
export function sshCommand(endpoint: SshEndpoint): string[] {
  const argv = ["ssh", "-o", "ConnectTimeout=30", "-T"];
  if (endpoint.user !== undefined) argv.push("-l", endpoint.user);
  if (endpoint.port !== undefined) argv.push("-p", String(endpoint.port));
  const host = endpoint.path === undefined ? "" : ` --host ${quote(`unix://${endpoint.path}`)}`;
  const dial = `if command -v hoy >/dev/null 2>&1; then exec hoy${host} system dial-stdio; else exec docker${host} system dial-stdio; fi`;
  argv.push("--", endpoint.host, `sh -c ${quote(dial)}`);
  return argv;
}

/** Starts the child; that it can't connect is seen at the first read. */
export function connectProcess(argv: readonly string[]): Wire {
  const [file = "ssh", ...args] = argv;
  // A process group of its own: Ctrl-C at the terminal is for the container, not for the connection.
  const child = spawn(file, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
  const output = child.stdout.iterator({ destroyOnReturn: false });
  let said = "";
  let failure: Error | undefined;
  let closed = false;
  child.stderr.on("data", (data: Buffer) => {
    if (said.length < MAX_STDERR) said += data.toString("utf8");
  });
  child.on("error", (error) => {
    failure = error;
  });
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  child.stdin.on("error", () => {
    closed = true; // EPIPE: told to whoever writes next
  });
  const lost = (status: number | null) =>
    new HoyError(
      "unavailable",
      failure !== undefined
        ? `can't run ${file}: ${failure.message}`
        : `command [${argv.join(" ")}] has exited with ${status ?? "a signal"}, make sure the URL is valid, and hoy or docker is installed on the remote host: stderr=${said.trim()}`,
      { cause: failure },
    );
  return {
    get closed() {
      return closed;
    },
    async read() {
      const next = await output.next();
      if (next.done !== true) return next.value as Uint8Array;
      closed = true;
      const status = await exited;
      if (failure !== undefined || (status !== 0 && status !== null)) throw lost(status);
      return undefined;
    },
    async write(data) {
      if (closed) throw lost(await exited);
      if (!child.stdin.write(data)) {
        await new Promise<void>((resolve) => {
          const done = () => {
            for (const event of ["drain", "close", "error"]) child.stdin.removeListener(event, done);
            resolve();
          };
          for (const event of ["drain", "close", "error"]) child.stdin.on(event, done);
        });
      }
    },
    end() {
      child.stdin.end();
    },
    setIdle(idle) {
      // What a child's pipes are at run time: sockets, which know ref and unref.
      for (const each of [child, child.stdin, child.stdout, child.stderr] as readonly Partial<Refable>[]) {
        if (idle) each.unref?.();
        else each.ref?.();
      }
    },
    close() {
      closed = true;
      child.stdin.destroy();
      child.stdout.destroy();
      child.kill();
    },
  };
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
