// The daemon's command line, read as dockerd's is (pflag): --flag value, --flag=value, -Dl debug, -H=addr, bools without
// a value, bare words refused. The client has a parser of its own; neither may import the other.

import { HoyError } from "../base/error.ts";
import { nearest } from "../base/nearest.ts";
import { flagValue } from "./options/flag-value.ts";
import type { Option, OptionValue } from "./options/option.ts";
import { nameOf } from "./options/option.ts";
import { byFlag, byShort } from "./options/table.ts";

export interface Flags {
  /** Only what was given; by the option's name. */
  readonly values: ReadonlyMap<string, OptionValue>;
  readonly help: boolean;
  readonly version: boolean;
  /** Check the configuration and end. */
  readonly validate: boolean;
}

/** @throws HoyError "invalid". */
export function parseFlags(args: readonly string[], program: string): Flags {
  const reader = new FlagReader(args, program);
  for (let word = reader.rest.shift(); word !== undefined; word = reader.rest.shift()) reader.word(word);
  const { values, asked } = reader;
  return { values, help: asked.has("help"), version: asked.has("version"), validate: asked.has("validate") };
}

const PLAIN: ReadonlySet<string> = new Set(["help", "version", "validate"]);

class FlagReader {
  readonly values = new Map<string, OptionValue>();
  readonly asked = new Set<string>();
  readonly rest: string[];
  private readonly program: string;

  constructor(args: readonly string[], program: string) {
    this.rest = [...args];
    this.program = program;
  }

  word(word: string): void {
    if (word === "--" && this.rest.length === 0) return;
    if (word.startsWith("--") && word.length > 2) this.long(word.slice(2));
    else if (/^-[^-]/.test(word)) this.cluster(word.slice(1));
    else throw this.bad(`"${this.program}" accepts no arguments, but got ${JSON.stringify(word)}`);
  }

  private long(text: string): void {
    const at = text.indexOf("=");
    const name = at < 0 ? text : text.slice(0, at);
    if (PLAIN.has(text)) {
      this.asked.add(text);
      return;
    }
    const option = byFlag.get(name);
    if (option === undefined) {
      const near = nearest(name, [...byFlag.keys(), ...PLAIN]);
      throw this.bad(`unknown flag: --${name}`, near === undefined ? undefined : `did you mean --${near}?`);
    }
    this.take(option, at < 0 ? undefined : text.slice(at + 1), `--${name}`);
  }

  /** One-letter flags in one word; the first that wants a value takes what is left of the word, or the next word. */
  private cluster(letters: string): void {
    for (let index = 0; index < letters.length; index++) {
      const letter = letters[index] ?? "";
      const left = letters.slice(index + 1);
      const plain = letter === "h" ? "help" : letter === "v" ? "version" : undefined;
      if (plain !== undefined) {
        this.asked.add(plain);
        continue;
      }
      const option = byShort.get(letter);
      if (option === undefined) throw this.bad(`unknown shorthand flag: '${letter}' in -${letters}`);
      if (option.type === "bool" && !left.startsWith("=")) {
        this.take(option, undefined, `-${letter}`);
        continue;
      }
      this.take(option, left === "" ? undefined : left.replace(/^=/, ""), `-${letter}`);
      return;
    }
  }

  private take(option: Option, given: string | undefined, written: string): void {
    const text = given ?? (option.type === "bool" ? "true" : this.rest.shift());
    if (text === undefined) throw this.bad(`flag needs an argument: ${written}`);
    const name = nameOf(option);
    this.values.set(name, flagValue(option, text, this.values.get(name)));
  }

  private bad(message: string, hint = `see '${this.program} --help'`): HoyError {
    return new HoyError("invalid", message, { hint });
  }
}
