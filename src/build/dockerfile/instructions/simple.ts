// The instructions that only say something of the image: ENV, LABEL, ARG, CMD, EXPOSE, USER and their like.

import { Fault } from "../fault.ts";
import type { Instruction } from "../parse.ts";
import { commandLine } from "./command.ts";
import { readFlags } from "./flags.ts";
import type { Arg, Onbuild, Pairs, Place, Program, Text, Words } from "./types.ts";

export function readPairs(instruction: Instruction, place: Place, kind: Pairs["kind"]): Pairs {
  readFlags(instruction.flags, {});
  const { args } = instruction;
  if (args.length === 0) throw new Fault(`${kind} requires at least one argument`);
  const pairs = Array.from({ length: Math.ceil(args.length / 3) }, (_, index) => {
    const [key = "", value = "", sign = ""] = args.slice(index * 3, index * 3 + 3);
    if (key === "") throw new Fault(`${kind} names can not be blank`);
    return { key, value, legacy: sign === "" };
  });
  return { ...place, kind, pairs };
}

export function readArg(instruction: Instruction, place: Place): Arg {
  if (instruction.args.length === 0) throw new Fault("ARG requires at least one argument");
  const args = instruction.args.map((word) => {
    const sign = word.indexOf("=");
    if (sign < 0) return { key: word, value: undefined };
    if (sign === 0) throw new Fault("ARG names can not be blank");
    return { key: word.slice(0, sign), value: word.slice(sign + 1) };
  });
  return { ...place, kind: "ARG", args };
}

export function readProgram(instruction: Instruction, place: Place, kind: Program["kind"]): Program {
  readFlags(instruction.flags, {});
  return { ...place, kind, command: commandLine(instruction) };
}

export function readText(instruction: Instruction, place: Place, kind: Text["kind"]): Text {
  const [value, ...more] = instruction.args;
  if (value === undefined || more.length > 0) throw new Fault(`${kind} requires exactly one argument`);
  if (kind !== "STOPSIGNAL") readFlags(instruction.flags, {});
  return { ...place, kind, value };
}

export function readExpose(instruction: Instruction, place: Place): Words {
  if (instruction.args.length === 0) throw new Fault("EXPOSE requires at least one argument");
  readFlags(instruction.flags, {});
  return { ...place, kind: "EXPOSE", words: instruction.args.toSorted() };
}

export function readVolume(instruction: Instruction, place: Place): Words {
  if (instruction.args.length === 0) throw new Fault("VOLUME requires at least one argument");
  readFlags(instruction.flags, {});
  const words = instruction.args.map((word) => word.trim());
  if (words.includes("")) throw new Fault("VOLUME specified can not be an empty string");
  return { ...place, kind: "VOLUME", words };
}

export function readShell(instruction: Instruction, place: Place): Words {
  readFlags(instruction.flags, {});
  if (instruction.args.length === 0) throw new Fault("SHELL requires at least one argument");
  if (!instruction.json) throw new Fault("SHELL requires the arguments to be in JSON form");
  return { ...place, kind: "SHELL", words: instruction.args };
}

/** The trigger is kept as a text, as the image's config has it, and read when it is pulled. */
export function readOnbuild(instruction: Instruction, place: Place): Onbuild {
  const { trigger } = instruction;
  if (trigger === undefined) throw new Fault("ONBUILD requires at least one argument");
  readFlags(instruction.flags, {});
  const { keyword } = trigger;
  if (keyword === "MAINTAINER" || keyword === "FROM") throw new Fault(`${keyword} isn't allowed as an ONBUILD trigger`);
  const line = place.text.replace(/^\s*ONBUILD\s*/i, "");
  const documents = instruction.heredocs.map(({ content, name }) => `\n${content}${name}`);
  return { ...place, kind: "ONBUILD", expression: line + documents.join("") };
}
