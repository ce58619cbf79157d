// What a command is: data (usage, flags, arguments) and one function. Files under commands/ each declare one; the tree
// (tree.ts) loads them only when they are called, so that starting costs the same however many there are.

import type { Transport } from "../api/client/transport.ts";
import type { ConfigFile } from "./config/file.ts";
import type { Flags, Values } from "./flags.ts";
import type { Globals } from "./globals.ts";
import type { CliIo } from "./io.ts";

/** How many arguments a command takes. */
export interface ArgRule {
  readonly min: number;
  readonly max: number;
}

export const args = {
  none: { min: 0, max: 0 },
  exactly: (count: number): ArgRule => ({ min: count, max: count }),
  atLeast: (min: number): ArgRule => ({ min, max: Number.POSITIVE_INFINITY }),
  atMost: (max: number): ArgRule => ({ min: 0, max }),
  between: (min: number, max: number): ArgRule => ({ min, max }),
  any: { min: 0, max: Number.POSITIVE_INFINITY },
} as const;

/** What every command gets: the world, the engine (connected when first used), the user's configuration. */
export interface Context {
  readonly io: CliIo;
  /** "hoy" or "docker", as the user called us. */
  readonly program: string;
  /** The command's words without the program: "container ls". */
  readonly path: string;
  readonly globals: Globals;
  readonly engine: Transport;
  readonly config: ConfigFile;
  /** Every command there is; for completion. */
  readonly tree: Group;
}

export interface Command<F extends Flags = Flags> {
  /** What follows the command's words: "[OPTIONS] IMAGE [COMMAND] [ARG...]"; several for several forms. */
  readonly usage: string | readonly string[];
  /** Paragraphs under the summary on the help page. */
  readonly details?: string;
  readonly args: ArgRule;
  readonly flags: F | ((io: CliIo) => F);
  /** False: the first argument ends the flags, as what follows is another program's. */
  readonly interspersed?: boolean;
  /** Everything that follows is an argument, what looks like a flag too. */
  readonly verbatim?: boolean;
  /** The exit code; nothing is 0. */
  run(context: Context, call: Call<F>): Promise<number> | Promise<void>;
}

/** One call of a command, parsed. */
export interface Call<F extends Flags> {
  readonly flags: Values<F>;
  readonly args: readonly string[];
  /** Flags that were written, whatever their value. */
  readonly changed: ReadonlySet<string>;
}

/** Declares a command; only there for the types of its flags. */
export function command<F extends Flags>(declared: Command<F>): Command<F> {
  return declared;
}

/** A command in the tree: what help lists, and where its code is. */
export interface Leaf {
  readonly kind: "command";
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  /** Every way to call it, for its help page: "container ls", "ps". */
  readonly paths: readonly string[];
  readonly hidden: boolean;
  load(): Promise<Command>;
}

export interface Group {
  readonly kind: "group";
  readonly name: string;
  readonly aliases: readonly string[];
  readonly summary: string;
  readonly hidden: boolean;
  /** For help pages and completion: makes a node of each. */
  readonly children: readonly (Leaf | Group)[];
  /** The command or group of this name or alias. */
  child(word: string): Leaf | Group | undefined;
}
