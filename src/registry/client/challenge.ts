// The WWW-Authenticate header of a registry, read as RFC 9110 (11.6.1) has it.

export interface Challenge {
  /** Lower case: "bearer", "basic". */
  readonly scheme: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+/;

/** All challenges of one header value; what can't be read ends the list. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let rest = header.slice(0, 8192).trimStart();
  while (rest !== "") {
    const word = rest.match(TOKEN)?.[0];
    if (word === undefined) break;
    rest = rest.slice(word.length).trimStart();
    const current = challenges.at(-1);
    if (rest.startsWith("=") && current !== undefined) {
      const value = parseValue(rest.slice(1).trimStart());
      if (value === undefined) break;
      current.parameters.set(word.toLowerCase(), value.text);
      rest = value.rest;
    } else {
      challenges.push({ scheme: word.toLowerCase(), parameters: new Map() });
    }
    rest = rest.replace(/^[\s,]+/, "");
  }
  return challenges;
}

function parseValue(text: string): { text: string; rest: string } | undefined {
  if (!text.startsWith('"')) {
    const token = text.match(TOKEN)?.[0];
    return token === undefined ? undefined : { text: token, rest: text.slice(token.length) };
  }
  let value = "";
  for (let index = 1; index < text.length; index++) {
    const character = text[index];
    if (character === '"') return { text: value, rest: text.slice(index + 1) };
    value += character === "\\" ? (text[++index] ?? "") : character;
  }
  return undefined;
}
