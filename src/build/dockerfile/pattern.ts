// A shell pattern (`*`, `?`, `\x`) as the source of a regular expression; undefined for a trailing escape.

export function patternSource(pattern: string, greedy: boolean): string | undefined {
  let source = "";
  const characters = [...pattern];
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] ?? "";
    if (character === "*") source += greedy ? ".*" : ".*?";
    else if (character === "?") source += ".";
    else if (character === "\\") {
      const escaped = characters[++index];
      if (escaped === undefined) return undefined;
      source += quote(escaped);
    } else source += quote(character);
  }
  return source;
}

function quote(character: string): string {
  return character.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
