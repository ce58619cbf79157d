// One record of comma-separated values, with Go's encoding/csv rules: fields may be quoted, "" inside quotes is a quote.

import { UsageError } from "./errors.ts";

/** @throws UsageError in encoding/csv's words. */
export function parseCsvRecord(text: string): string[] {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    const [field, next] = text.charAt(at) === '"' ? quoted(text, at) : bare(text, at);
    fields.push(field);
    if (next >= text.length) return fields;
    at = next + 1;
  }
}

function bare(text: string, at: number): [string, number] {
  const comma = text.indexOf(",", at);
  const end = comma < 0 ? text.length : comma;
  const field = text.slice(at, end);
  const quote = field.indexOf('"');
  if (quote >= 0) throw new UsageError(`parse error on line 1, column ${at + quote + 1}: bare " in non-quoted-field`);
  return [field, end];
}

function quoted(text: string, at: number): [string, number] {
  let field = "";
  for (let from = at + 1; ; ) {
    const quote = text.indexOf('"', from);
    if (quote < 0)
      throw new UsageError(`parse error on line 1, column ${text.length + 1}: extraneous or missing " in quoted-field`);
    field += text.slice(from, quote);
    if (text.charAt(quote + 1) === '"') {
      field += '"';
      from = quote + 2;
      continue;
    }
    const end = quote + 1;
    if (end < text.length && text.charAt(end) !== ",")
      throw new UsageError(`parse error on line 1, column ${quote + 1}: extraneous or missing " in quoted-field`);
    return [field, end];
  }
}
