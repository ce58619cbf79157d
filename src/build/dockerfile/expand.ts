// Words and variables as a Dockerfile has them: quotes, escapes, $name and ${name…} with the modifiers of a shell
// (`:-` `-` `:+` `+` `:?` `?` `#` `##` `%` `%%` `/` `//`). One recursive reader over the text; what it can do differently
// is in its options. Behaviour: BuildKit's frontend/dockerfile/shell (its table envVarTest is run in expand.test.ts).

import { patternSource } from "./pattern.ts";

export type Variables = (name: string) => string | undefined;

export interface ExpandOptions {
  readonly escape: "\\" | "`";
  /** Keep quotes in the result. */
  readonly rawQuotes?: boolean;
  /** Keep escape characters in the result. */
  readonly rawEscapes?: boolean;
  /** Leave variables that are not set as they are written. */
  readonly skipUnset?: boolean;
  /** Quotes are characters like others (here-documents). */
  readonly skipQuotes?: boolean;
}

export interface Expanded {
  /** The text as one word, spaces kept. */
  readonly text: string;
  /** Split at spaces that are neither quoted nor escaped, also at those that a variable brought. */
  readonly words: readonly string[];
  /** Names that were asked for and not set. */
  readonly unset: ReadonlySet<string>;
  readonly used: ReadonlySet<string>;
}

/** What can't be read or a variable that must be set; the caller knows the line. */
export class ExpansionError extends Error {}

/** @throws ExpansionError `failed to process "…": …` */
export function expand(source: string, variables: Variables, options: ExpandOptions): Expanded {
  const reader = new Reader(source, variables, options);
  try {
    const { text, words } = reader.until(undefined, options.rawEscapes ?? false);
    return { text, words, unset: reader.unset, used: reader.used };
  } catch (error) {
    if (error instanceof ExpansionError)
      throw new ExpansionError(`failed to process ${JSON.stringify(source)}: ${error.message}`);
    throw error;
  }
}

/** Nested ${a:-${b:-…}}; a Dockerfile is a stranger's text. */
const MAX_DEPTH = 100;

class Words {
  readonly list: string[] = [];
  #current = "";
  #open = false;

  /** A space ends a word. */
  add(text: string): void {
    for (const character of text) {
      if (!isSpace(character)) this.addRaw(character);
      else if (this.#open && this.#current !== "") this.#close();
    }
  }

  /** Also a space, and also nothing, is part of the word. */
  addRaw(text: string): void {
    this.#current += text;
    this.#open = true;
  }

  finish(): readonly string[] {
    if (this.#current !== "") this.#close();
    return this.list;
  }

  #close(): void {
    this.list.push(this.#current);
    this.#current = "";
    this.#open = false;
  }
}

class Reader {
  readonly #characters: readonly string[];
  readonly #variables: Variables;
  readonly #options: ExpandOptions;
  readonly unset = new Set<string>();
  readonly used = new Set<string>();
  #at = 0;
  #depth = 0;

  constructor(source: string, variables: Variables, options: ExpandOptions) {
    this.#characters = [...source];
    this.#variables = variables;
    this.#options = options;
  }

  /** Reads to the end, or to `stop`, which is taken. */
  until(stop: string | undefined, rawEscapes: boolean): { text: string; words: readonly string[] } {
    if (++this.#depth > MAX_DEPTH) throw new ExpansionError("too many substitutions inside each other");
    let text = "";
    const words = new Words();
    for (;;) {
      const next = this.#peek();
      if (next === undefined) break;
      if (next === stop) {
        this.#at++;
        this.#depth--;
        return { text, words: words.finish() };
      }
      const special = this.#special(next, rawEscapes);
      if (special !== undefined) {
        text += special;
        if (next === "$") words.add(special);
        else words.addRaw(special);
        continue;
      }
      this.#at++;
      if (next !== this.#options.escape) {
        text += next;
        words.add(next);
        continue;
      }
      if (rawEscapes) {
        text += next;
        words.addRaw(next);
      }
      const escaped = this.#take();
      if (escaped === undefined) break;
      text += escaped;
      words.addRaw(escaped);
    }
    if (stop !== undefined) throw new ExpansionError(`unexpected end of statement while looking for matching ${stop}`);
    return { text, words: words.finish() };
  }

  #special(character: string, rawEscapes: boolean): string | undefined {
    if (character === "$") return this.#dollar();
    if (character === "<") return this.#heredocSign();
    if (this.#options.skipQuotes) return undefined;
    if (character === "'") return this.#singleQuoted();
    if (character === '"') return this.#doubleQuoted(rawEscapes);
    return undefined;
  }

  /** `<< NAME` stays together as one word. */
  #heredocSign(): string {
    this.#at++;
    if (this.#peek() !== "<") return "<";
    this.#at++;
    let sign = "<<";
    for (let next = this.#peek(); next === " " || next === "\t" || next === "\r"; next = this.#peek()) {
      sign += next;
      this.#at++;
    }
    return sign;
  }

  #singleQuoted(): string {
    const quote = this.#options.rawQuotes ? "'" : "";
    this.#at++;
    let text = "";
    for (let next = this.#take(); next !== "'"; next = this.#take()) {
      if (next === undefined)
        throw new ExpansionError("unexpected end of statement while looking for matching single-quote");
      text += next;
    }
    return quote + text + quote;
  }

  #doubleQuoted(rawEscapes: boolean): string {
    const { escape: sign, rawQuotes } = this.#options;
    const quote = rawQuotes ? '"' : "";
    this.#at++;
    let text = "";
    for (;;) {
      const next = this.#peek();
      if (next === undefined)
        throw new ExpansionError("unexpected end of statement while looking for matching double-quote");
      if (next === "$") {
        text += this.#dollar();
        continue;
      }
      this.#at++;
      if (next === '"') return quote + text + quote;
      if (next !== sign) {
        text += next;
        continue;
      }
      if (rawEscapes) text += next;
      const escaped = this.#peek();
      if (escaped === undefined) continue;
      const isEscapable = escaped === '"' || escaped === "$" || escaped === sign;
      text += isEscapable ? escaped : next;
      if (isEscapable) this.#at++;
    }
  }

  #dollar(): string {
    this.#at++;
    if (this.#peek() !== "{") {
      const name = this.#name();
      if (name === "") return "$";
      const value = this.#value(name);
      return value ?? (this.#options.skipUnset ? `$${name}` : "");
    }
    this.#at++;
    const first = this.#peek();
    if (first === undefined) throw new ExpansionError("syntax error: missing '}'");
    if (first === "{" || first === "}" || first === ":") throw new ExpansionError("syntax error: bad substitution");
    return this.#braced(this.#name());
  }

  #braced(name: string): string {
    const sign = this.#take() ?? "";
    if (sign === "}") return this.#value(name) ?? (this.#options.skipUnset ? `\${${name}}` : "");
    if (sign === "/") return this.#replace(name);
    const colon = sign === ":";
    const operator = colon ? (this.#take() ?? "") : sign;
    const signs = colon ? `:${operator}` : operator;
    const isPattern = operator === "#" || operator === "%";
    if (!["+", "-", "?", "#", "%"].includes(operator) || (colon && isPattern)) {
      throw new ExpansionError(`unsupported modifier (${signs}) in substitution`);
    }
    const word = this.#closing("}", isPattern);
    const value = this.#value(name);
    if (value === undefined && this.#options.skipUnset) return `\${${name}${signs}${word}}`;
    const absent = value === undefined || (colon && value === "");
    switch (operator) {
      case "-":
        return absent ? word : value;
      case "+":
        return absent ? "" : word;
      case "?":
        if (!absent) return value;
        throw new ExpansionError(
          `${name}: ${word || `is not allowed to be ${value === undefined ? "unset" : "empty"}`}`,
        );
      default:
        return trim(operator, word, value ?? "");
    }
  }

  #replace(name: string): string {
    const all = this.#peek() === "/";
    if (all) this.#at++;
    const pattern = this.#closing("/", true, "syntax error: missing '/' in ${}");
    const replacement = this.#closing("}", true);
    const value = this.#value(name);
    if (value === undefined && this.#options.skipUnset) return `\${${name}/${pattern}/${replacement}}`;
    const expression = new RegExp(checkedPattern(pattern, true), all ? "gsu" : "su");
    return (value ?? "").replace(expression, () => replacement);
  }

  #closing(stop: string, rawEscapes: boolean, missing = "syntax error: missing '}'"): string {
    const { text } = this.#orMissing(() => this.until(stop, rawEscapes), missing);
    return text;
  }

  #orMissing<T>(read: () => T, missing: string): T {
    try {
      return read();
    } catch (error) {
      if (error instanceof ExpansionError && this.#peek() === undefined) throw new ExpansionError(missing);
      throw error;
    }
  }

  /** Letters, digits and _; or only digits; or one of the shell's special parameters. */
  #name(): string {
    const first = this.#peek();
    if (first === undefined) return "";
    if (/[@*#?\-$!]/.test(first)) {
      this.#at++;
      return first;
    }
    const allowed = /\d/.test(first) ? /\d/ : /[\p{L}\p{Nd}_]/u;
    let name = "";
    for (let next = this.#peek(); next !== undefined && allowed.test(next); next = this.#peek()) {
      name += next;
      this.#at++;
    }
    return name;
  }

  #value(name: string): string | undefined {
    const value = this.#variables(name);
    (value === undefined ? this.unset : this.used).add(name);
    return value;
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #take(): string | undefined {
    return this.#characters[this.#at++];
  }
}

/** `#` and `%`: the shortest match from that end; doubled: the longest. */
function trim(operator: string, word: string, value: string): string {
  const greedy = word.startsWith(operator);
  const source = checkedPattern(greedy ? word.slice(1) : word, greedy);
  if (operator === "#") return value.replace(new RegExp(`^(?:${source})`, "su"), "");
  // From the end: the shortest is the match that begins last.
  const whole = new RegExp(`^(?:${source})$`, "su");
  const characters = [...value];
  const starts = characters.map((_, index) => index).concat(characters.length);
  const order = greedy ? starts : starts.toReversed();
  const start = order.find((index) => whole.test(characters.slice(index).join("")));
  return start === undefined ? value : characters.slice(0, start).join("");
}

function checkedPattern(pattern: string, greedy: boolean): string {
  const source = patternSource(pattern, greedy);
  if (source === undefined) throw new ExpansionError(`invalid pattern (${pattern}) in substitution`);
  return source;
}

function isSpace(character: string): boolean {
  return /\s/u.test(character);
}
