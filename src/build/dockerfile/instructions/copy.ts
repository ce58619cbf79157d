// ADD and COPY: flags, sources (here-documents among them) and the target.

import { Fault } from "../fault.ts";
import { type Instruction, readHeredocWord } from "../parse.ts";
import { readFlags } from "./flags.ts";
import { stripTabs } from "./heredoc.ts";
import type { Add, Copy, CopyFlags, InlineFile, Place } from "./types.ts";

const SHARED = { chown: "string", chmod: "string", link: "boolean", exclude: "strings" } as const;

export function readAdd(instruction: Instruction, place: Place): Add {
  needTwo(instruction, "ADD");
  const flags = readFlags(instruction.flags, {
    ...SHARED,
    "keep-git-dir": "boolean",
    checksum: "string",
    unpack: "boolean",
  });
  return {
    ...place,
    kind: "ADD",
    ...sourcesAndTarget(instruction, "ADD"),
    chown: flags.text("chown"),
    chmod: flags.text("chmod"),
    link: flags.isOn("link"),
    exclude: flags.list("exclude"),
    checksum: flags.text("checksum"),
    keepGitDir: flags.switch("keep-git-dir"),
    unpack: flags.switch("unpack"),
  };
}

export function readCopy(instruction: Instruction, place: Place): Copy {
  needTwo(instruction, "COPY");
  const flags = readFlags(instruction.flags, { ...SHARED, from: "string", parents: "boolean" });
  return {
    ...place,
    kind: "COPY",
    ...sourcesAndTarget(instruction, "COPY"),
    chown: flags.text("chown"),
    chmod: flags.text("chmod"),
    link: flags.isOn("link"),
    exclude: flags.list("exclude"),
    from: flags.text("from"),
    parents: flags.isOn("parents"),
  };
}

function needTwo(instruction: Instruction, keyword: string): void {
  if (instruction.args.length >= 2) return;
  throw new Fault(
    `${keyword} requires at least two arguments, but only one was provided. Destination could not be determined`,
  );
}

function sourcesAndTarget(instruction: Instruction, keyword: string): Pick<CopyFlags, "sources" | "inline" | "target"> {
  const target = instruction.args.at(-1) ?? "";
  if (readHeredocWord(target) !== undefined) throw new Fault(`${keyword} cannot accept a heredoc as a destination`);
  const sources: string[] = [];
  const inline: InlineFile[] = [];
  for (const source of instruction.args.slice(0, -1)) {
    const word = readHeredocWord(source);
    if (word === undefined) {
      sources.push(source);
      continue;
    }
    const content = instruction.heredocs.findLast(({ name }) => name === word.name)?.content ?? "";
    inline.push({ name: word.name, data: word.stripTabs ? stripTabs(content) : content, expand: word.expand });
  }
  return { sources, inline, target };
}
