// One line of comma-separated fields, quoted as in RFC 4180, the way Go's encoding/csv reads it.

import { Fault } from "../fault.ts";

/** @throws Fault in Go's words. */
export function readCsv(line: string): string[] {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (line[at] === '"') {
      const { field, end } = readQuoted(line, at);
      fields.push(field);
      if (end >= line.length) return fields;
      at = end + 1;
      continue;
    }
    const comma = line.indexOf(",", at);
    const field = comma < 0 ? line.slice(at) : line.slice(at, comma);
    const quote = field.indexOf('"');
    if (quote >= 0) throw new Fault(`parse error on line 1, column ${at + quote + 1}: bare " in non-quoted-field`);
    fields.push(field);
    if (comma < 0) return fields;
    at = comma + 1;
  }
}

/** From the opening quote to the comma or the end. */
function readQuoted(line: string, from: number): { field: string; end: number } {
  let field = "";
  let at = from + 1;
  for (;;) {
    const quote = line.indexOf('"', at);
    if (quote < 0)
      throw new Fault(`parse error on line 1, column ${line.length + 1}: extraneous or missing " in quoted-field`);
    field += line.slice(at, quote);
    const next = line[quote + 1];
    if (next === undefined || next === ",") return { field, end: quote + 1 };
    if (next !== '"')
      throw new Fault(`parse error on line 1, column ${quote + 1}: extraneous or missing " in quoted-field`);
    field += '"';
    at = quote + 2;
  }
}
