// Texts as Go's fmt makes them, for the history: other tools read `CMD ["sh" "-c"]` there.

const SHORT: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};

/** %q of a string. */
export function quote(text: string): string {
  const escaped = text.replace(/["\\]|[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, (character) => {
    const short = SHORT[character];
    if (short !== undefined) return short;
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
    return code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
  return `"${escaped}"`;
}

/** %q of a list. */
export function quoteList(list: readonly string[]): string {
  return `[${list.map(quote).join(" ")}]`;
}

/** time.Duration's String, from nanoseconds: 1m30s, 1.5s, 250ms. */
export function formatDuration(ns: number): string {
  if (ns === 0) return "0s";
  for (const [unit, size] of [
    ["ns", 1],
    ["µs", 1e3],
    ["ms", 1e6],
  ] as const) {
    if (ns < size * 1000) return `${decimal(ns, size)}${unit}`;
  }
  const seconds = `${decimal(ns % 60e9, 1e9)}s`;
  const minutes = Math.floor(ns / 60e9);
  if (minutes === 0) return seconds;
  return minutes < 60 ? `${minutes}m${seconds}` : `${Math.floor(minutes / 60)}h${minutes % 60}m${seconds}`;
}

/** Without the noise of floating point: `value / unit` for whole numbers. */
function decimal(value: number, unit: number): string {
  const rest = String(value % unit).padStart(String(unit).length - 1, "0");
  const digits = unit === 1 ? "" : rest.replace(/0+$/, "");
  return `${Math.floor(value / unit)}${digits === "" ? "" : `.${digits}`}`;
}
