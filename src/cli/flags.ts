// Flags as Go's pflag reads them, which docker's users and scripts expect to the letter: `-it`, `-v=x`, `--flag=x`,
// `--flag x`, `--rm=false`, repeated lists, `--`, and, for run and its kin, an end of flags at the first argument.
// Declaration here is data; `parseFlags` is the one reader; docs/decisions/ says why no library does this.

import { UsageError } from "./base/errors.ts";
import { quote } from "./base/numbers.ts";

/** One flag. `T` is what the command gets. */
export interface Flag<T> {
  /** Shown after the name in help: "list", "string", … ; "" for switches. */
  readonly kind: string;
  readonly help: string;
  readonly short?: string;
  readonly initial: T;
  /** The value after reading `text`; lists add to what was there before. @throws UsageError */
  parse(text: string, before: T): T;
  /** Value of the flag when none is written (`--rm`); absent: a value must follow. */
  readonly bare?: string;
  /** Taken, but not shown in help. */
  readonly hidden?: boolean;
  /** Shown as "(default …)" in help. */
  readonly shown?: string;
  /** Another spelling of the flag of this name. */
  readonly aliasOf?: string;
}

export type Flags = Readonly<Record<string, Flag<unknown>>>;
export type Values<F extends Flags> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

export interface Parsed<F extends Flags> {
  readonly values: Values<F>;
  /** Names of the flags that were written. */
  readonly changed: ReadonlySet<string>;
  readonly args: readonly string[];
}

/**
 * Reads `argv`. With `interspersed` false, the first argument that is no flag ends the flags.
 * @throws UsageError in pflag's words.
 */
export function parseFlags<F extends Flags>(
  flags: F,
  argv: readonly string[],
  options: { readonly interspersed: boolean },
): Parsed<F> {
  const reader = new Reader(flags, argv);
  const args: string[] = [];
  for (let word = reader.next(); word !== undefined; word = reader.next()) {
    if (word === "--") {
      args.push(...reader.rest());
    } else if (word.startsWith("--")) {
      reader.long(word);
    } else if (word.startsWith("-") && word !== "-") {
      reader.cluster(word);
    } else {
      args.push(word);
      if (!options.interspersed) args.push(...reader.rest());
    }
  }
  return { values: reader.values as Values<F>, changed: reader.changed, args };
}

class Reader {
  readonly values: Record<string, unknown> = {};
  readonly changed = new Set<string>();
  readonly #flags: Flags;
  readonly #shorts = new Map<string, string>();
  readonly #argv: readonly string[];
  #at = 0;

  constructor(flags: Flags, argv: readonly string[]) {
    this.#flags = flags;
    this.#argv = argv;
    for (const [name, flag] of Object.entries(flags)) {
      if (flag.short !== undefined) this.#shorts.set(flag.short, name);
      if (flag.aliasOf === undefined) this.values[name] = flag.initial;
    }
  }

  next(): string | undefined {
    return this.#argv[this.#at++];
  }

  rest(): readonly string[] {
    const rest = this.#argv.slice(this.#at);
    this.#at = this.#argv.length;
    return rest;
  }

  long(word: string): void {
    const equals = word.indexOf("=");
    const name = word.slice(2, equals < 0 ? undefined : equals);
    if (name === "" || name.startsWith("-")) throw new UsageError(`bad flag syntax: ${word}`);
    const flag = this.#find(name);
    if (flag === undefined) throw new UsageError(`unknown flag: --${name}`);
    if (equals >= 0) this.#set(name, flag, word.slice(equals + 1));
    else if (flag.bare !== undefined) this.#set(name, flag, flag.bare);
    else this.#set(name, flag, this.#follow(`flag needs an argument: --${name}`));
  }

  /** `-abc`, `-mVALUE`, `-m=VALUE`, `-m VALUE`: letters until one wants a value, which the rest of the word is. */
  cluster(word: string): void {
    for (let letters = word.slice(1); letters !== ""; letters = this.#letter(letters));
  }

  /** Reads the first of the letters; what is left of them. */
  #letter(letters: string): string {
    const letter = letters.charAt(0);
    const name = this.#shorts.get(letter);
    const flag = name === undefined ? undefined : this.#flags[name];
    if (name === undefined || flag === undefined)
      throw new UsageError(`unknown shorthand flag: ${quoteRune(letter)} in -${letters}`);
    const after = letters.slice(1);
    if (flag.bare !== undefined && !after.startsWith("=")) {
      this.#set(name, flag, flag.bare);
      return after;
    }
    const value =
      after === ""
        ? this.#follow(`flag needs an argument: ${quoteRune(letter)} in -${letters}`)
        : after.replace(/^=/, "");
    this.#set(name, flag, value);
    return "";
  }

  #follow(complaint: string): string {
    const value = this.next();
    if (value === undefined) throw new UsageError(complaint);
    return value;
  }

  #find(name: string): Flag<unknown> | undefined {
    return Object.hasOwn(this.#flags, name) ? this.#flags[name] : undefined;
  }

  #set(name: string, flag: Flag<unknown>, text: string): void {
    const target = flag.aliasOf ?? name;
    try {
      this.values[target] = flag.parse(text, this.values[target]);
    } catch (thrown) {
      if (!(thrown instanceof UsageError)) throw thrown;
      const spelling = flag.short === undefined ? `--${name}` : `-${flag.short}, --${name}`;
      throw new UsageError(`invalid argument ${quote(text)} for "${spelling}" flag: ${thrown.message}`);
    }
    this.changed.add(target);
  }
}

const quoteRune = (letter: string) => `'${letter}'`;
