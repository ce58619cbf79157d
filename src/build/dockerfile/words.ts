// Splitting an instruction's text: its keyword, its flags, and its arguments in the forms that instructions have.

export interface SplitLine {
  readonly keyword: string;
  readonly flags: readonly string[];
  readonly rest: string;
}

const SPACES = /[\t\v\f\r ]+/;

/** `RUN --mount=… -- rest` → keyword, flags without their quotes, the rest trimmed. */
export function splitLine(text: string, escapeSign: string): SplitLine {
  const trimmed = text.trim();
  const gap = SPACES.exec(trimmed);
  if (gap === null) return { keyword: trimmed, flags: [], rest: "" };
  const { flags, rest } = takeFlags(trimmed.slice(gap.index + gap[0].length), escapeSign);
  return { keyword: trimmed.slice(0, gap.index), flags, rest: rest.trim() };
}

/** Words that begin with `--`, until the first that does not, or until `--` alone. */
function takeFlags(text: string, escapeSign: string): { flags: string[]; rest: string } {
  const flags: string[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && isSpace(text[at])) at++;
    if (!text.startsWith("--", at)) return { flags, rest: text.slice(at) };
    let word = "";
    let quoted = false;
    let quote = "";
    for (; at < text.length && (quote !== "" || !isSpace(text[at])); at++) {
      let character = text[at] ?? "";
      if (quote === "" && (character === "'" || character === '"')) {
        quote = character;
        quoted = true;
        continue;
      }
      if (character === quote) {
        quote = "";
        continue;
      }
      if (character === escapeSign) {
        at++;
        if (at >= text.length) break;
        character = text[at] ?? "";
      }
      word += character;
    }
    if (word === "--") return { flags, rest: text.slice(at) };
    if (word !== "" || quoted) flags.push(word);
    if (at >= text.length) return { flags, rest: "" };
  }
}

/** At white space; nothing is quoted. */
export function splitSpaces(text: string): string[] {
  return text === "" ? [] : text.split(SPACES);
}

/** Words with their quotes and escapes kept, which are taken off when variables are put in. */
export function splitQuoted(text: string, escapeSign: string): string[] {
  const words: string[] = [];
  let word = "";
  let open = false;
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? "";
    if (quote === "" && isSpace(character)) {
      if (open) words.push(word);
      word = "";
      open = false;
      continue;
    }
    if (character === escapeSign && quote !== "'") {
      // Alone at the end it is nothing.
      if (at + 1 >= text.length) continue;
      word += character + (text[++at] ?? "");
      open = true;
      continue;
    }
    if (quote === "" && (character === "'" || character === '"')) quote = character;
    else if (character === quote) quote = "";
    word += character;
    open = true;
  }
  if (open) words.push(word);
  return words;
}

export type JsonForm =
  | { readonly kind: "list"; readonly items: string[] }
  | { readonly kind: "not-strings" }
  | { readonly kind: "text" };

/** The exec form: an array of strings. Anything that is not JSON is text for a shell, as it always was. */
export function readJsonForm(text: string): JsonForm {
  const trimmed = text.trimStart();
  if (!trimmed.startsWith("[")) return { kind: "text" };
  let value: unknown;
  try {
    value = JSON.parse(trimmed);
  } catch (error) {
    if (error instanceof SyntaxError) return { kind: "text" };
    throw error;
  }
  if (!Array.isArray(value)) return { kind: "text" };
  return value.every((item) => typeof item === "string") ? { kind: "list", items: value } : { kind: "not-strings" };
}

function isSpace(character: string | undefined): boolean {
  return character !== undefined && /\s/.test(character);
}
