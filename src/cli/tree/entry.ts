// How a command is put into the tree: a name, a line of help, and where its code is. Loaded only when called, so that
// starting costs the same however many there are.

import type { Command, Group, Leaf } from "../command.ts";

interface LeafOptions {
  readonly aliases?: readonly string[];
  /** Also at the top, under this name. */
  readonly top?: string;
  readonly hidden?: boolean;
}

type Loader = () => Promise<unknown>;

export interface Entry {
  readonly leaf: Leaf;
  readonly top: Leaf | undefined;
}

/** `load` resolves to the command; its type is erased here, as its flags differ from command to command. */
export function entry(group: string, name: string, summary: string, load: Loader, options: LeafOptions = {}): Entry {
  const { aliases = [], top, hidden = false } = options;
  const paths = [name, ...aliases].map((word) => `${group} ${word}`);
  if (top !== undefined) paths.push(top);
  const leaf: Leaf = {
    kind: "command",
    name,
    aliases,
    summary,
    paths,
    hidden,
    load: async () => (await load()) as Command,
  };
  return { leaf, top: top === undefined ? undefined : { ...leaf, name: top, aliases: [] } };
}

export function single(name: string, summary: string, load: Loader, hidden = false): Leaf {
  return {
    kind: "command",
    name,
    aliases: [],
    summary,
    paths: [name],
    hidden,
    load: async () => (await load()) as Command,
  };
}

export function group(name: string, summary: string, entries: readonly Entry[], hidden = false): Group {
  return { kind: "group", name, aliases: [], summary, hidden, children: entries.map(({ leaf }) => leaf) };
}
