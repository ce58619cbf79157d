// A command in the exec form (a JSON array) or the shell form (one text).

import type { Instruction } from "../parse.ts";
import type { CommandLine } from "./types.ts";

export function commandLine(instruction: Instruction): CommandLine {
  return { args: instruction.args, shell: !instruction.json, heredocs: instruction.heredocs };
}
