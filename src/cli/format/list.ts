// The output of list commands: a table of views, by --format or the default, as docker's formatter prints it.

import { ExitError } from "../base/errors.ts";
import type { Output } from "../base/output.ts";
import { HEADER_FUNCTIONS } from "../template/functions.ts";
import { compileTemplate, type Template } from "../template/template.ts";
import { TemplateError } from "../template/token.ts";
import { type Value, View } from "../template/value.ts";
import { alignTabs } from "./tabs.ts";

export interface List {
  /** Template, with or without "table "; "json" is `{{json .}}`. */
  readonly format: string;
  /** Text of the header, by field. */
  readonly headers: Readonly<Record<string, string>>;
  readonly rows: readonly View[];
}

/** @throws ExitError in docker's words when the format is no template, or asks for a field that is not there. */
export function printList(out: Output, list: List): void {
  out.print(renderList(list));
}

export function renderList(list: List): string {
  const table = isTable(list.format);
  const template = compileFormat(list.format);
  const lines = list.rows.map((row) => `${renderRow(template, row)}\n`).join("");
  if (!table) return lines;
  const header = template.render(headerView(list.headers), { functions: HEADER_FUNCTIONS });
  return alignTabs(`${header}\n${lines}`);
}

/** One value, one line: for streams of rows without a header. */
export function renderRow(template: Template, row: Value): string {
  try {
    return template.render(row);
  } catch (thrown) {
    throw templateFailure(thrown);
  }
}

/** @throws ExitError */
export function compileFormat(format: string): Template {
  try {
    return compileTemplate(templateText(format));
  } catch (thrown) {
    throw templateFailure(thrown);
  }
}

export const isTable = (format: string) => format.startsWith("table");

function templateText(format: string): string {
  if (format === "json") return "{{json .}}";
  if (format === "table") return "";
  const text = isTable(format) ? format.slice("table".length) : format;
  return text
    .replaceAll(/^ +| +$/g, "")
    .replaceAll("\\t", "\t")
    .replaceAll("\\n", "\n");
}

function templateFailure(thrown: unknown): unknown {
  return thrown instanceof TemplateError
    ? new ExitError(1, `template parsing error: ${thrown.message}`, thrown)
    : thrown;
}

/** `.Label "com.example.role"` is headed by its last word. */
function headerView(headers: List["headers"]): View {
  const fields = Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, () => text]));
  const Label = (name: string) => (name.split(".").at(-1) ?? "").replaceAll(/[-_]/g, " ");
  return new View("formatter.SubHeaderContext", fields, { Label }, { open: true });
}
