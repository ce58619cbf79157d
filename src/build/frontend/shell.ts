// The shell form of a command: SHELL, or /bin/sh -c, and the text.

import type { CommandLine } from "../dockerfile/instructions/types.ts";
import type { Scope } from "./scope.ts";

export function withShell(scope: Scope, command: CommandLine): readonly string[] {
  if (!command.shell) return command.args;
  const { Shell } = scope.config;
  const shell = Shell === undefined || Shell.length === 0 ? ["/bin/sh", "-c"] : Shell;
  return [...shell, command.args.join(" ")];
}
