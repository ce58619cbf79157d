// Go's path.Match, which the `reference` filter speaks: `*` and `?` stop at slashes, `[a-z]` and `\` as in a shell.

import { HoyError } from "../base/error.ts";

/** @throws HoyError "invalid" `syntax error in pattern` */
export function globMatch(pattern: string, text: string): boolean {
  return toExpression(pattern).test(text);
}

function toExpression(pattern: string): RegExp {
  if (pattern.length > 512) throw bad();
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern.charAt(at);
    if (char === "*") {
      // Stars in a row mean what one means; as one they can't make the search slow.
      if (pattern.charAt(at + 1) !== "*") source += "[^/]*";
    } else if (char === "?") source += "[^/]";
    else if (char === "[") {
      const end = pattern.indexOf("]", at + 2);
      if (end < 0) throw bad();
      source += `(?!/)[${pattern.slice(at + 1, end).replace(/[\]\\[]/g, "\\$&")}]`;
      at = end;
    } else if (char === "\\") {
      if (++at === pattern.length) throw bad();
      source += escaped(pattern.charAt(at));
    } else source += escaped(char);
  }
  try {
    return new RegExp(`^${source}$`, "s");
  } catch (cause) {
    throw bad(cause);
  }
}

function escaped(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|/]/, "\\$&");
}

function bad(cause?: unknown): HoyError {
  return new HoyError("invalid", "syntax error in pattern", { cause });
}
