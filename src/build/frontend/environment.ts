// Variables in the order they were last set; never changed, only made anew.

export class Environment {
  readonly #values: ReadonlyMap<string, string>;

  constructor(values: ReadonlyMap<string, string> = new Map()) {
    this.#values = values;
  }

  /** "KEY=value" each; a word without a sign is a variable without a value. */
  static from(list: readonly string[]): Environment {
    return list.reduce((env, word) => env.with(...splitPair(word)), new Environment());
  }

  get(key: string): string | undefined {
    return this.#values.get(key);
  }

  keys(): Iterable<string> {
    return this.#values.keys();
  }

  with(key: string, value: string): Environment {
    const values = new Map(this.#values);
    values.delete(key);
    values.set(key, value);
    return new Environment(values);
  }

  list(): string[] {
    return [...this.#values].map(([key, value]) => `${key}=${value}`);
  }
}

export function splitPair(word: string): [string, string] {
  const sign = word.indexOf("=");
  return sign < 0 ? [word, ""] : [word.slice(0, sign), word.slice(sign + 1)];
}

/** An image's Env with one variable set: in its place where it was, else at the end. */
export function setInList(list: readonly string[], key: string, value: string): string[] {
  const word = `${key}=${value}`;
  const at = list.findIndex((one) => splitPair(one)[0] === key);
  return at < 0 ? [...list, word] : list.with(at, word);
}
