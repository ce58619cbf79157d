// A command's forms as usage shows them.

import type { Command } from "./command.ts";

/** The command's forms, each with the words it was called by. */
export function usageLines(loaded: Command, program: string, path: string): string[] {
  const forms = typeof loaded.usage === "string" ? [loaded.usage] : loaded.usage;
  return forms.map((form) => `${program} ${path} ${form}`.trimEnd());
}
