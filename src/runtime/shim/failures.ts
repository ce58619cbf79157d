// What crun, runc or the shim said, in Docker's words: clients look for these texts to choose exit codes 126 and 127
// (docker/cli, command/container/run.go, toStatusError; moby, daemon/errors.go, translateContainerdStartErr).

import { HoyError } from "../../base/error.ts";

export type Verb = "create" | "exec";

const PREFIX: Record<Verb, string> = {
  create: "failed to create task for container: failed to create shim task: OCI runtime create failed",
  exec: "OCI runtime exec failed: exec failed",
};

/**
 * A runtime's failure as an error: "invalid" when the command is at fault, "internal" otherwise.
 * @param command the process's first argument, which not every runtime names
 */
export function runtimeFailure(verb: Verb, message: string, command: string): HoyError {
  const text = `${PREFIX[verb]}: ${dockerWords(logMessage(message), command)}: unknown`;
  return new HoyError(startExitCode(text) === undefined ? "internal" : "invalid", text);
}

/** The exit code that Docker gives a container which could not start for this reason: 127, 126, or neither. */
export function startExitCode(message: string): 126 | 127 | undefined {
  const text = message.toLowerCase();
  if (text.includes("permission denied") || text.includes("is a directory")) return 126;
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

const START = "unable to start container process";

function dockerWords(message: string, command: string): string {
  // crun
  const missing = /^executable file [`'"](.*)[`'"] not found in \$PATH/.exec(message)?.[1];
  if (missing !== undefined) return `${START}: exec: ${JSON.stringify(missing)}: ${notFound(missing)}`;
  // An empty name is looked up in $PATH like any other; crun finds the first directory there, and may not run it.
  if (command === "" && /^(open executable|exec.*): /.test(message)) return `${START}: exec: "": ${notFound("")}`;
  // crun 1.8 says EPERM for what is no regular file, as a directory.
  if (/^(open executable|exec.*): (Permission denied|Operation not permitted)$/.test(message))
    return `${START}: exec: ${JSON.stringify(command)}: permission denied`;
  const label = /^write file [`'"](\/proc\/\S*\/attr\/\S*exec)[`'"]: (.*)$/.exec(message);
  if (label?.[2] !== undefined) {
    const why = `write ${label[1]}: ${label[2].toLowerCase()}`;
    return `${START}: unable to apply apparmor profile: apparmor failed to apply profile: ${why}`;
  }
  // runc, whose words Docker's are
  const words = message.trim().replace(/^(runc run failed|exec failed): /, "");
  return /mount.*not a directory/i.test(words) ? `${words}: ${WRONG_KIND}` : words;
}

const WRONG_KIND =
  "Are you trying to mount a directory onto a file (or vice-versa)? Check if the specified host path exists and is the expected type";

function notFound(command: string): string {
  return command.includes("/") ? `stat ${command}: no such file or directory` : "executable file not found in $PATH";
}
