// From parsed instructions to typed ones, and from those to stages. What is wrong points at its lines.

import { Fault, located } from "../fault.ts";
import type { Instruction, ParsedDockerfile } from "../parse.ts";
import type { Source } from "../source.ts";
import { readAdd, readCopy } from "./copy.ts";
import { readFrom } from "./from.ts";
import { readHealth } from "./health.ts";
import { readRun } from "./run.ts";
import { readArg, readExpose, readOnbuild, readPairs, readProgram, readShell, readText, readVolume } from "./simple.ts";
import type { Arg, Place, Stage, StageInstruction, Stages, TypedInstruction } from "./types.ts";

/** @throws DockerfileError */
export function readStages(parsed: ParsedDockerfile): Stages {
  const { source } = parsed;
  const globals: Arg[] = [];
  const stages: (Stage & { readonly instructions: StageInstruction[] })[] = [];
  for (const instruction of parsed.instructions) {
    const typed = readTyped(instruction, source);
    if (typed.kind === "FROM") {
      stages.push({ from: typed, instructions: [] });
      continue;
    }
    const stage = stages.at(-1);
    if (stage !== undefined) stage.instructions.push(typed);
    else if (typed.kind === "ARG") globals.push(typed);
    else located(source, typed.range, "build", () => fail("no build stage in current context"));
  }
  return { globals, stages };
}

/** @throws DockerfileError */
export function readTyped(instruction: Instruction, source: Source): TypedInstruction {
  return located(source, instruction.range, "parse", () => typedFrom(instruction));
}

function typedFrom(instruction: Instruction): TypedInstruction {
  const { name, range, comments, keyword } = instruction;
  const place: Place = { name, range, comments, text: instruction.text.trim() };
  switch (keyword) {
    case "ADD":
      return readAdd(instruction, place);
    case "COPY":
      return readCopy(instruction, place);
    case "FROM":
      return readFrom(instruction, place);
    case "RUN":
      return readRun(instruction, place);
    case "ARG":
      return readArg(instruction, place);
    case "HEALTHCHECK":
      return readHealth(instruction, place);
    case "EXPOSE":
      return readExpose(instruction, place);
    case "VOLUME":
      return readVolume(instruction, place);
    case "SHELL":
      return readShell(instruction, place);
    case "ONBUILD":
      return readOnbuild(instruction, place);
    case "CMD":
    case "ENTRYPOINT":
      return readProgram(instruction, place, keyword);
    case "ENV":
    case "LABEL":
      return readPairs(instruction, place, keyword);
    case "MAINTAINER":
    case "USER":
    case "WORKDIR":
    case "STOPSIGNAL":
      return readText(instruction, place, keyword);
  }
}

function fail(message: string): never {
  throw new Fault(message);
}
