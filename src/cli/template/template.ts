// Go templates for --format, as docker has them: parse once, run over many values.

import { type ExecuteOptions, executeTemplate } from "./execute.ts";
import { FUNCTION_NAMES } from "./functions.ts";
import { parseTemplate } from "./parse.ts";
import type { Value } from "./value.ts";

export interface Template {
  /** @throws TemplateError */
  render(value: Value, options?: ExecuteOptions): string;
}

/** `name` is what messages call the template. @throws TemplateError when the text is none. */
export function compileTemplate(source: string, name = ""): Template {
  const tree = parseTemplate(source, FUNCTION_NAMES, name);
  return { render: (value, options) => executeTemplate(tree, value, options) };
}
