// Rules that the text alone can break: casing, names of stages, comments, continued lines, bases by default arguments.

import { tryParseReference } from "../../image/reference.ts";
import { ExpansionError } from "../dockerfile/expand.ts";
import type { Arg, From, Place, StageInstruction, Stages } from "../dockerfile/instructions/types.ts";
import type { ParsedDockerfile } from "../dockerfile/parse.ts";
import { DockerfileError } from "../dockerfile/source.ts";
import { globalArgs } from "../frontend/arguments.ts";
import { expandWord } from "../frontend/conversion.ts";
import type { Environment } from "../frontend/environment.ts";
import type { Linter } from "./linter.ts";
import { RULES } from "./rules.ts";

const RESERVED: ReadonlySet<string> = new Set(["context", "scratch"]);

/** `start`: the predefined arguments. */
export function checkText(parsed: ParsedDockerfile, stages: Stages, start: Environment, linter: Linter): void {
  for (const { range } of parsed.emptyContinuations) {
    linter.run(RULES.noEmptyContinuation, range, "Empty continuation line");
  }
  for (const instruction of stages.globals) checkAlone(instruction, linter);
  for (const { from, instructions } of stages.stages) {
    checkFrom(from, linter);
    for (const instruction of instructions) checkAlone(instruction, linter);
  }
  checkStageNames(stages, linter);
  checkCasing(stages, linter);
  checkDefaultBases(parsed, stages, start, linter);
}

function checkFrom(from: From, linter: Linter): void {
  const own = linter.within(from.comments);
  const { as, name, range } = from;
  if (as === undefined) return;
  if (as.name !== as.name.toLowerCase()) {
    own.run(RULES.stageNameCasing, range, `Stage name '${as.name}' should be lowercase`);
  }
  const wanted = isLower(name) ? as.word.toLowerCase() : isUpper(name) ? as.word.toUpperCase() : as.word;
  if (wanted !== as.word)
    own.run(RULES.fromAsCasing, range, `'${as.word}' and '${name}' keywords' casing do not match`);
  checkDescription("FROM", [from.stage], from, own);
}

function checkAlone(instruction: StageInstruction, linter: Linter): void {
  const own = linter.within(instruction.comments);
  if (instruction.kind === "MAINTAINER") {
    own.run(
      RULES.maintainerDeprecated,
      instruction.range,
      "Maintainer instruction is deprecated in favor of using label",
    );
  }
  if (instruction.kind === "ARG") checkDescription("ARG", keysOf(instruction), instruction, own);
}

function keysOf({ args }: Arg): string[] {
  return args.map(({ key }) => key);
}

/** The comment right above describes the stage or argument, and begins with its name. */
function checkDescription(keyword: "ARG" | "FROM", keys: readonly string[], place: Place, linter: Linter): void {
  const [first = ""] = keys;
  const comment = place.comments.at(-1);
  if (comment === undefined || keys.includes(comment.split(" ")[0] ?? "")) return;
  const example = keys.length > 1 ? "<arg_key>" : first;
  const message = `Comment for ${keyword} should follow the format: \`# ${example} <description>\``;
  linter.run(RULES.invalidDefinitionDescription, place.range, message);
}

function checkStageNames({ stages }: Stages, linter: Linter): void {
  const seen = new Set<string>();
  for (const { from } of stages) {
    const { stage, range } = from;
    if (stage === "") continue;
    const quoted = JSON.stringify(stage);
    if (RESERVED.has(stage)) {
      linter.run(RULES.reservedStageName, range, `Stage name should not use the same name as reserved stage ${quoted}`);
    }
    if (seen.has(stage)) {
      linter.run(RULES.duplicateStageName, range, `Duplicate stage name ${quoted}, stage names should be unique`);
    }
    seen.add(stage);
  }
}

/** As most of the file's instructions are; capitals when there are as many of both. */
function checkCasing({ stages }: Stages, linter: Linter): void {
  const all = stages.flatMap(({ from, instructions }): Place[] => [from, ...instructions]);
  const lower = all.filter(({ name }) => isLower(name)).length;
  const upper = all.filter(({ name }) => isUpper(name) && !isLower(name)).length;
  const wanted = lower > upper ? "lowercase" : "uppercase";
  for (const { name, range } of all) {
    if (wanted === "lowercase" ? isLower(name) : isUpper(name)) continue;
    const message = `Command '${name}' should match the case of the command majority (${wanted})`;
    linter.run(RULES.consistentInstructionCasing, range, message);
  }
}

/** Without build arguments the bases should be images too. */
function checkDefaultBases(
  { source, directives }: ParsedDockerfile,
  stages: Stages,
  start: Environment,
  linter: Linter,
): void {
  try {
    const { env } = globalArgs(stages.globals, start, new Map(), source, directives.escape);
    for (const { from } of stages.stages) {
      if (tryParseReference(expandWord(from.base, env, directives.escape).text) !== undefined) continue;
      const message = `Default value for ARG ${from.base} results in empty or invalid base image name`;
      linter.run(RULES.invalidDefaultArgInFrom, from.range, message);
    }
  } catch (error) {
    // A variable that can't be read is an error of the build, and told there.
    if (!(error instanceof DockerfileError) && !(error instanceof ExpansionError)) throw error;
  }
}

function isLower(text: string): boolean {
  return text === text.toLowerCase();
}

function isUpper(text: string): boolean {
  return text === text.toUpperCase();
}
