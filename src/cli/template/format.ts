// --format of commands that print one object: compiled first, so that a bad template asks the engine nothing.

import { ExitError } from "../base/errors.ts";
import { compileTemplate } from "./template.ts";
import { TemplateError } from "./token.ts";
import type { Value } from "./value.ts";

/** Prints a value by the template; "json" is `{{json .}}`. @throws ExitError 64 when the text is no template. */
export function objectFormat(format: string, name = ""): (value: Value) => string {
  const template = orExit(64, "template parsing error: ", () =>
    compileTemplate(format === "json" ? "{{json .}}" : format, name),
  );
  return (value) => orExit(1, "", () => template.render(value, { nil: "<nil>" }));
}

function orExit<T>(code: number, prefix: string, run: () => T): T {
  try {
    return run();
  } catch (thrown) {
    if (thrown instanceof TemplateError) throw new ExitError(code, prefix + thrown.message, thrown);
    throw thrown;
  }
}
