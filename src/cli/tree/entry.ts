// How a command is put into the tree: a name, a line of help, and where its code is. Entries are plain data, and a node
// is made of one only when its word is typed or its help page asked for: a client lives for some milliseconds, of which
// making all nodes, and the engine's compiling of what made them, took three.

import type { Command, Group, Leaf } from "../command.ts";

export interface Entry {
  readonly name: string;
  readonly summary: string;
  /** Resolves to the command; its type is erased here, as its flags differ from command to command. */
  readonly load: () => Promise<unknown>;
  readonly aliases?: readonly string[];
  /** Also at the top, under this name. */
  readonly top?: string;
  readonly hidden?: boolean;
}

/** `path`: the words that lead to the group, "registry user"; `groups`: those below it. */
export function group(
  path: string,
  summary: string,
  entries: readonly Entry[],
  groups: readonly Group[] = [],
): EntryGroup {
  return new EntryGroup(path, summary, entries, groups);
}

class EntryGroup implements Group {
  readonly kind = "group";
  readonly name: string;
  readonly aliases: readonly string[] = [];
  readonly summary: string;
  readonly hidden = false;
  readonly entries: readonly Entry[];
  readonly #path: string;
  readonly #groups: readonly Group[];

  constructor(path: string, summary: string, entries: readonly Entry[], groups: readonly Group[]) {
    this.name = path.slice(path.lastIndexOf(" ") + 1);
    this.summary = summary;
    this.entries = entries;
    this.#path = path;
    this.#groups = groups;
  }

  get children(): readonly (Leaf | Group)[] {
    return [...this.entries.map((entry) => leafOf(entry, this.#path)), ...this.#groups];
  }

  child(word: string): Leaf | Group | undefined {
    for (const entry of this.entries)
      if (entry.name === word || entry.aliases?.includes(word)) return leafOf(entry, this.#path);
    return namedGroup(this.#groups, word);
  }

  /** The command that stands at the top under this name. */
  top(word: string): Leaf | undefined {
    for (const entry of this.entries) if (entry.top === word) return topOf(entry, word, this.#path);
    return undefined;
  }

  get tops(): readonly Leaf[] {
    return this.entries.flatMap((entry) => (entry.top === undefined ? [] : topOf(entry, entry.top, this.#path)));
  }
}

/** The program itself: its own commands, those of the groups that stand at the top too, and the groups. */
export class RootGroup implements Group {
  readonly kind = "group";
  readonly name = "";
  readonly aliases: readonly string[] = [];
  readonly summary = "";
  readonly hidden = false;
  readonly #entries: readonly Entry[];
  readonly #groups: readonly EntryGroup[];

  constructor(entries: readonly Entry[], groups: readonly EntryGroup[]) {
    this.#entries = entries;
    this.#groups = groups;
  }

  get children(): readonly (Leaf | Group)[] {
    const own = this.#entries.map((entry) => leafOf(entry, ""));
    return [...this.#groups.flatMap(({ tops }) => tops), ...own, ...this.#groups];
  }

  child(word: string): Leaf | Group | undefined {
    for (const each of this.#groups) {
      const found = each.top(word);
      if (found !== undefined) return found;
    }
    for (const entry of this.#entries) if (entry.name === word) return leafOf(entry, "");
    return namedGroup(this.#groups, word);
  }
}

function namedGroup(groups: readonly Group[], word: string): Group | undefined {
  for (const each of groups) if (each.name === word) return each;
  return undefined;
}

function leafOf(entry: Entry, group: string): Leaf {
  const { name, summary, aliases = [], top, hidden = false } = entry;
  const before = group === "" ? "" : `${group} `;
  const paths = [name, ...aliases].map((word) => before + word);
  if (top !== undefined) paths.push(top);
  return {
    kind: "command",
    name,
    aliases,
    summary,
    paths,
    hidden,
    load: async () => (await entry.load()) as Command,
  };
}

const topOf = (entry: Entry, name: string, group: string): Leaf => ({ ...leafOf(entry, group), name, aliases: [] });
