// Go's string and rune literals, read (strconv.Unquote).

const SIMPLE: Record<string, string> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/** The value of a "…" or `…` literal; undefined when it is none. */
export function unquote(literal: string): string | undefined {
  const body = literal.slice(1, -1);
  return literal.startsWith("`") ? body.replaceAll("\r", "") : withoutEscapes(body, '"');
}

/** The code point of a '…' literal. */
export function unquoteRune(literal: string): number | undefined {
  const text = withoutEscapes(literal.slice(1, -1), "'");
  if (text === undefined || [...text].length !== 1) return undefined;
  return text.codePointAt(0);
}

function withoutEscapes(body: string, quote: string): string | undefined {
  let wrong = false;
  const other = quote === '"' ? "'" : '"';
  const text = body.replaceAll(
    /\\(x[\da-fA-F]{2}|u[\da-fA-F]{4}|U[\da-fA-F]{8}|[0-7]{3}|.|$)/gs,
    (_, sequence: string) => {
      const kind = sequence.charAt(0);
      if (/^[xuU]./.test(sequence) && sequence.length > 1) return codePoint(Number.parseInt(sequence.slice(1), 16));
      if (/^[0-7]{3}$/.test(sequence)) return codePoint(Number.parseInt(sequence, 8));
      const simple = SIMPLE[kind];
      if (simple !== undefined && sequence !== other) return simple;
      wrong = true;
      return "";
    },
  );
  return wrong ? undefined : text;
}

function codePoint(value: number): string {
  return value > 0x10ffff ? "\ufffd" : String.fromCodePoint(value);
}
