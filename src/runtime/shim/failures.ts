// What crun, runc or the shim said, in Docker's words: clients look for these texts to choose exit codes 126 and 127
// (docker/cli, command/container/run.go, toStatusError; moby, daemon/errors.go, translateContainerdStartErr).

import { HoyError } from "../../base/error.ts";

export type Verb = "create" | "exec";

const PREFIX: Record<Verb, string> = {
  create: "failed to create task for container: failed to create shim task: OCI runtime create failed",
  exec: "OCI runtime exec failed: exec failed: unable to start container process",
};

/** A runtime's failure as an error: "invalid" when the command is at fault, "internal" otherwise. */
export function runtimeFailure(verb: Verb, message: string): HoyError {
  const words = dockerWords(logMessage(message));
  const text = `${PREFIX[verb]}: ${words}: unknown`;
  return new HoyError(startExitCode(text) === undefined ? "internal" : "invalid", text);
}

/** The exit code that Docker gives a container which could not start for this reason: 127, 126, or neither. */
export function startExitCode(message: string): 126 | 127 | undefined {
  const text = message.toLowerCase();
  if (text.includes("permission denied") || text.includes("is a directory") || text.includes("exec format error"))
    return 126;
  const missing = ["executable file not found", "no such file or directory", "not a directory"];
  return missing.some((words) => text.includes(words)) ? 127 : undefined;
}

/** The `msg` of a line of `--log-format json`; the line itself when it is none. */
function logMessage(line: string): string {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && "msg" in value && typeof value.msg === "string")
      return value.msg;
  } catch {
    // Not JSON: the shim's own words, or a runtime without the option.
  }
  return line;
}

/** crun's and runc's texts for a command that can't be run, as runc's newest says them. */
const COMMAND_FAULTS: readonly [RegExp, (name: string) => string][] = [
  [/executable file [`'"](.*?)[`'"] not found in \$PATH/i, (name) => notFound(name)],
  [/exec: "(.*?)": executable file not found in \$PATH/, (name) => notFound(name)],
  [/(?:exec|open executable|stat) [`'"](.*?)[`'"]: (?:Permission denied)/i, (name) => denied(name)],
];

function notFound(name: string): string {
  return `exec: ${JSON.stringify(name)}: executable file not found in $PATH`;
}

function denied(name: string): string {
  return `exec: ${JSON.stringify(name)}: permission denied`;
}

function dockerWords(message: string): string {
  for (const [pattern, words] of COMMAND_FAULTS) {
    const match = pattern.exec(message);
    if (match?.[1] !== undefined) return words(match[1]);
  }
  return message.trim();
}
