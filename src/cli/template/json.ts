// JSON as docker's templates print it: Go's escapes, keys of a view sorted, keys of an API object as they came.

import { isGoMap, isSorted, wasNil } from "./go-types.ts";
import { GoScalar, isList, isMap, keysOf, type Value, View } from "./value.ts";

/** One line of JSON, with <, > and & left alone, as docker's `json` function. */
export function toJson(value: Value): string {
  return encode(value, false);
}

/** With <, > and & as \u escapes, as Go's encoding/json does by default. */
export function toHtmlSafeJson(value: Value): string {
  return encode(value, true);
}

/** @param sorted by keys, whatever it is and whatever is in it */
function encode(value: Value, html: boolean, sorted = false): string {
  if (value === undefined || value === null || wasNil(value)) return "null";
  if (isList(value)) return `[${value.map((item) => encode(item, html, sorted)).join(",")}]`;
  if (typeof value === "bigint") return String(value);
  if (value instanceof GoScalar) return encode(value.value, html);
  if (value instanceof View) {
    if (value.json !== undefined) return encode(value.json, html);
    // A view is marshalled on its own first, which escapes HTML whatever the caller wants.
    const names = keysOf(value.fields as never);
    return `{${names.map((name) => `${escapeText(name, true)}:${encode(value.fields[name]?.(), true)}`).join(",")}}`;
  }
  if (isMap(value)) {
    const all = sorted || isSorted(value);
    const names = all || isGoMap(value) ? keysOf(value) : Object.keys(value);
    const entries = names.map((name) => [name, value[name]] as const).filter(([, item]) => item !== undefined);
    return `{${entries.map(([key, item]) => `${escapeText(key, html)}:${encode(item, html, all)}`).join(",")}}`;
  }
  if (typeof value === "string") return escapeText(value, html);
  return JSON.stringify(value);
}

function escapeText(text: string, html: boolean): string {
  const plain = JSON.stringify(text).replaceAll(/[\u2028\u2029]/g, unicode);
  return html ? plain.replaceAll(/[<>&]/g, unicode) : plain;
}

const unicode = (sign: string) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Re-indents JSON text without reading its values: order of keys and every digit of numbers stay. */
export function indentJson(source: string, step = "    "): string {
  return reformat(source, step);
}

/** Drops the white space between JSON's tokens. */
export function compactJson(source: string): string {
  return reformat(source, "");
}

function reformat(source: string, step: string): string {
  const tokens = source.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g) ?? [];
  const colon = step === "" ? ":" : ": ";
  let depth = 0;
  let out = "";
  const newline = () => (step === "" ? "" : `\n${step.repeat(depth)}`);
  tokens.forEach((token, index) => {
    const before = tokens[index - 1];
    if (token === "{" || token === "[") {
      if (before === "{" || before === "[") out += newline();
      depth++;
      out += token;
    } else if (token === "}" || token === "]") {
      depth--;
      if (before !== "{" && before !== "[") out += newline();
      out += token;
    } else if (token === ",") {
      out += `,${newline()}`;
    } else if (token === ":") {
      out += colon;
    } else {
      if (before === "{" || before === "[") out += newline();
      out += token;
    }
  });
  return out;
}
