// `--check`: the file is read and turned into a graph, nothing is built, and what the rules found is shown with its
// lines. Without a target every stage is looked at (BuildKit, frontend/subrequests/lint).

import { toHoyError } from "../../base/error.ts";
import { DockerfileError, Source } from "../dockerfile/source.ts";
import { convert } from "../frontend/build.ts";
import type { DockerfileOptions } from "../frontend/options.ts";
import type { SolveOptions, Solver } from "../solver-contract.ts";
import type { LintWarning } from "./linter.ts";

export interface CheckResult {
  /** By line. */
  readonly warnings: readonly LintWarning[];
  /** What would have failed the build, as its client shows it. */
  readonly error: string | undefined;
  /** What is shown; "" when there is nothing to say. */
  readonly text: string;
  /** Exit status of the check: 1 when something was found. */
  readonly status: 0 | 1;
}

/** @throws HoyError "cancelled" only: what is wrong with the file is the result. */
export async function checkDockerfile(
  options: DockerfileOptions,
  solver: Solver,
  solveOptions: SolveOptions,
): Promise<CheckResult> {
  const found: LintWarning[] = [];
  const error = await convert(options, solver, solveOptions, { everyStage: true, warn: (one) => found.push(one) }).then(
    () => undefined,
    (thrown: unknown) => failureOf(thrown, found),
  );
  const warnings = found.toSorted((a, b) => a.range.start - b.range.start);
  const source = new Source(options.name, options.text);
  const text = warnings.map((warning) => formatWarning(warning, source)).join("");
  return {
    warnings,
    error,
    text: error === undefined ? text : `${text}${text === "" ? "" : "\n"}${error}\n`,
    status: warnings.length > 0 || error !== undefined ? 1 : 0,
  };
}

/** `WARNING: Rule - page`, what is wrong, and the lines. */
export function formatWarning({ rule, message, range }: LintWarning, source: Source): string {
  const page = rule.url === "" ? "" : ` - ${rule.url}`;
  return `\nWARNING: ${rule.name}${page}\n${message}\n${source.name}:${range.start}\n${source.excerpt(range)}\n`;
}

function failureOf(thrown: unknown, found: readonly LintWarning[]): string | undefined {
  if (thrown instanceof DockerfileError) return thrown.message;
  const error = toHoyError(thrown);
  if (error.code === "cancelled" || error.code === "internal") throw thrown;
  // Warnings that are errors are shown as warnings.
  return found.length > 0 && error.message.startsWith("lint violation found") ? undefined : error.message;
}
