// A command that ended with another code than 0. Frontends and protocols say it each in their own words.

import { HoyError } from "../../base/error.ts";

export class StepFailed extends HoyError {
  readonly args: readonly string[];
  readonly exitCode: number;

  constructor(args: readonly string[], exitCode: number, oomKilled: boolean) {
    const memory = oomKilled ? " (out of memory)" : "";
    const command = JSON.stringify(args.join(" "));
    super("internal", `process ${command} did not complete successfully: exit code: ${exitCode}${memory}`);
    this.args = args;
    this.exitCode = exitCode;
  }
}
