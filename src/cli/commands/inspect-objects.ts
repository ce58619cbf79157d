// What every `inspect` does with the objects: an indented JSON list, or a template over each. Misses are errors at the
// end; what was found is shown all the same.

import { ExitError, FailureList } from "../base/errors.ts";
import type { Context } from "../command.ts";
import { compactJson, indentJson } from "../template/json.ts";
import { compileTemplate, type Template } from "../template/template.ts";
import { TemplateError } from "../template/token.ts";
import { typed } from "../template/typed.ts";

export interface Inspected {
  /** Which of go-structs.ts it is to templates. */
  readonly struct: string;
  /** As the engine sent it. */
  readonly json: string;
}

/** One object. @throws when there is none of that name. */
export type Fetch = (name: string) => Promise<Inspected>;

/** @throws ExitError 64 for a bad template, 1 when something was not found. */
export async function inspectObjects(
  { io }: Context,
  names: readonly string[],
  format: string,
  fetch: Fetch,
): Promise<void> {
  const template = format === "" || format === "json" ? undefined : compile(format);
  const failures = new FailureList();
  const found: string[] = [];
  for (const name of names) {
    try {
      const object = await fetch(name);
      found.push(template === undefined ? object.json : `${render(template, object)}\n`);
    } catch (thrown) {
      failures.add(thrown);
    }
  }
  if (template !== undefined) io.stdout.print(found.length === 0 ? "\n" : found.join(""));
  else if (found.length === 0) io.stdout.line("[]");
  else io.stdout.line(format === "json" ? compactJson(`[${found.join(",")}]`) : indentJson(`[${found.join(",")}]`));
  failures.raise();
}

function compile(format: string): Template {
  try {
    return compileTemplate(format);
  } catch (thrown) {
    if (thrown instanceof TemplateError) throw new ExitError(64, `template parsing error: ${thrown.message}`, thrown);
    throw thrown;
  }
}

function render(template: Template, { json, struct }: Inspected): string {
  try {
    return template.render(typed(JSON.parse(json), struct), { missingKey: "error", nil: "<nil>" });
  } catch (thrown) {
    if (thrown instanceof TemplateError) throw new ExitError(1, `template parsing error: ${thrown.message}`, thrown);
    throw thrown;
  }
}
