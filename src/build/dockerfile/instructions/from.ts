// FROM image [AS name].

import { Fault } from "../fault.ts";
import type { Instruction } from "../parse.ts";
import { readFlags } from "./flags.ts";
import type { From, Place } from "./types.ts";

const STAGE_NAME = /^[a-z][a-z0-9\-_.]*$/;

export function readFrom(instruction: Instruction, place: Place): From {
  const [base = "", word = "", name = ""] = instruction.args;
  const isNamed = instruction.args.length === 3 && word.toLowerCase() === "as";
  if (!isNamed && instruction.args.length !== 1) throw new Fault("FROM requires either one or three arguments");
  const stage = name.toLowerCase();
  if (isNamed && !STAGE_NAME.test(stage)) {
    const why = "name can't start with a number or contain symbols";
    throw new Fault(`invalid name for build stage: ${JSON.stringify(name)}, ${why}`);
  }
  const flags = readFlags(instruction.flags, { platform: "string" });
  return {
    ...place,
    kind: "FROM",
    base,
    stage,
    as: isNamed ? { word, name } : undefined,
    platform: flags.text("platform"),
  };
}
