// Flags before the command: which engine, and how to reach it.

import { join } from "node:path";
import { lazy } from "./base/builtin.ts";
import { ExitError } from "./base/errors.ts";
import { flag } from "./flag.ts";
import type { Values } from "./flags.ts";
import type { CliIo } from "./io.ts";

const LEVELS = ["debug", "info", "warn", "warning", "error", "fatal", "panic", "trace"];

export function globalFlags(io: Pick<CliIo, "env">) {
  const directory = configDirectory(io.env);
  const certificates = io.env.DOCKER_CERT_PATH || directory;
  const file = (help: string, name: string) => {
    const path = join(certificates, name);
    return flag.string(help, { initial: path, shown: JSON.stringify(path) });
  };
  return {
    config: flag.string("Location of client config files", { initial: directory, shown: JSON.stringify(directory) }),
    context: flag.string(
      'Name of the context to use to connect to the engine (overrides DOCKER_HOST env var and default context set with "context use")',
      { short: "c" },
    ),
    debug: flag.bool("Enable debug mode", { short: "D" }),
    host: flag.list("Engine socket to connect to", { short: "H" }),
    "log-level": flag.string('Set the logging level ("debug", "info", "warn", "error", "fatal")', {
      short: "l",
      initial: "info",
      shown: '"info"',
    }),
    tls: flag.bool("Use TLS; implied by --tlsverify"),
    tlscacert: file("Trust certs signed only by this CA", "ca.pem"),
    tlscert: file("Path to TLS certificate file", "cert.pem"),
    tlskey: file("Path to TLS key file", "key.pem"),
    tlsverify: flag.bool("Use TLS and verify the remote", { initial: Boolean(io.env.DOCKER_TLS_VERIFY) }),
    version: flag.bool("Print version information and quit", { short: "v" }),
  };
}

export interface Globals extends Values<ReturnType<typeof globalFlags>> {
  /** Flags that were written, as against taken from the environment. */
  readonly changed: ReadonlySet<string>;
}

/** @throws ExitError in docker's words. */
export function checkGlobals(globals: Globals): void {
  if (!LEVELS.includes(globals["log-level"].toLowerCase()))
    throw new ExitError(1, `Unable to parse logging level: ${globals["log-level"]}`);
  if (globals.host.length > 1) throw new ExitError(1, "Specify only one -H");
  // Which of two engines was meant is not guessed.
  if (globals.host.length > 0 && globals.context !== "")
    throw new ExitError(1, "conflicting options: cannot specify both --host and --context");
}

export function configDirectory(env: CliIo["env"]): string {
  return env.DOCKER_CONFIG || join(env.HOME || lazy.os.homedir(), ".docker");
}
