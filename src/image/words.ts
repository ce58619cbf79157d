// Words of a Dockerfile instruction: split at blanks outside quotes, then quotes taken off and variables filled in
// (BuildKit, frontend/dockerfile/shell). `$NAME`, `${NAME}`, `${NAME:-word}` and `${NAME:+word}` are known.

import { HoyError } from "../base/error.ts";

/** Splits at blanks, keeping quotes and backslashes for `expandWord`. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (quote === "" && /\s/.test(char)) {
      if (word !== "") words.push(word);
      word = "";
      continue;
    }
    word += char;
    if (char === "\\" && quote !== "'" && at + 1 < text.length) word += text.charAt(++at);
    else if (quote === "" && (char === "'" || char === '"')) quote = char;
    else if (char === quote) quote = "";
  }
  if (word !== "") words.push(word);
  return words;
}

/**
 * Takes the quotes off and fills variables in.
 * @param env Values by name; a name that is not there is empty.
 * @throws HoyError "invalid" for an unfinished quote or brace.
 */
export function expandWord(word: string, env: ReadonlyMap<string, string>): string {
  return new Expander(word, env).run();
}

/** Braces in braces, deeper than anyone writes. */
const DEPTH_LIMIT = 20;

class Expander {
  readonly #text: string;
  readonly #env: ReadonlyMap<string, string>;
  readonly #depth: number;
  #at = 0;

  constructor(text: string, env: ReadonlyMap<string, string>, depth = 0) {
    this.#text = text;
    this.#env = env;
    this.#depth = depth;
    if (depth > DEPTH_LIMIT) throw new HoyError("invalid", "variables are nested too deeply");
  }

  run(): string {
    let result = "";
    while (this.#at < this.#text.length) {
      const char = this.#next();
      if (char === "'") result += this.#single();
      else if (char === '"') result += this.#double();
      else if (char === "$") result += this.#variable();
      // A backslash at the very end stands for itself.
      else if (char === "\\") result += this.#at < this.#text.length ? this.#next() : "\\";
      else result += char;
    }
    return result;
  }

  #next(): string {
    return this.#text.charAt(this.#at++);
  }

  #single(): string {
    const end = this.#text.indexOf("'", this.#at);
    if (end < 0) throw unfinished("single-quoted");
    const inside = this.#text.slice(this.#at, end);
    this.#at = end + 1;
    return inside;
  }

  #double(): string {
    let result = "";
    while (this.#at < this.#text.length) {
      const char = this.#next();
      if (char === '"') return result;
      if (char === "$") result += this.#variable();
      else if (char === "\\" && /["$\\]/.test(this.#text.charAt(this.#at))) result += this.#next();
      else result += char;
    }
    throw unfinished("double-quoted");
  }

  #variable(): string {
    if (this.#text.charAt(this.#at) !== "{") {
      const name = /^(?:[A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])/.exec(this.#text.slice(this.#at))?.[0];
      if (name === undefined) return "$";
      this.#at += name.length;
      return this.#env.get(name) ?? "";
    }
    const inside = this.#braces();
    const match = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-+?])([\s\S]*))?$/.exec(inside);
    const name = match?.[1];
    if (name === undefined) throw new HoyError("invalid", `invalid variable: \${${inside}}`);
    return this.#modified(name, match?.[2] ?? "", match?.[3] ?? "");
  }

  #modified(name: string, modifier: string, word: string): string {
    const value = this.#env.get(name);
    const isSet = modifier.startsWith(":") ? value !== undefined && value !== "" : value !== undefined;
    const other = () => new Expander(word, this.#env, this.#depth + 1).run();
    switch (modifier.at(-1)) {
      case "-":
        return isSet ? (value ?? "") : other();
      case "+":
        return isSet ? other() : "";
      case "?":
        if (!isSet) throw new HoyError("invalid", `${name}: ${other() || "not allowed to be unset"}`);
        return value ?? "";
      default:
        return value ?? "";
    }
  }

  /** What is between the braces, braces inside it counted. */
  #braces(): string {
    const start = ++this.#at;
    for (let depth = 1; this.#at < this.#text.length; ) {
      const char = this.#next();
      if (char === "\\") this.#at++;
      else if (char === "{") depth++;
      else if (char === "}" && --depth === 0) return this.#text.slice(start, this.#at - 1);
    }
    throw unfinished("braced");
  }
}

function unfinished(what: string): HoyError {
  return new HoyError("invalid", `unexpected end of statement while looking for the end of a ${what} word`);
}
