// Rules about FROM and the arguments in it.

import { HoyError } from "../../base/error.ts";
import { type Platform, parsePlatform } from "../../image/platform.ts";
import { suggestion } from "../dockerfile/fault.ts";
import type { From } from "../dockerfile/instructions/types.ts";
import type { LineRange } from "../dockerfile/source.ts";
import type { Linter } from "./linter.ts";
import { RULES } from "./rules.ts";

interface Variables {
  get(key: string): string | undefined;
  keys(): Iterable<string>;
}

export function checkUndeclared(
  unset: ReadonlySet<string>,
  known: { readonly globals: Variables; readonly declared: ReadonlySet<string> },
  range: LineRange,
  linter: Linter,
): void {
  const names = new Set([...known.globals.keys(), ...known.declared]);
  for (const name of unset) {
    if (names.has(name)) continue;
    const meant = suggestion(name, names);
    const hint = meant === undefined ? "" : ` (did you mean ${meant}?)`;
    linter.run(RULES.undefinedArgInFrom, range, `FROM argument '${name}' is not declared${hint}`);
  }
}

/** --platform that says what is so anyway, or that names one platform for good. */
export function checkPlatformFlag(
  from: From,
  word: { readonly text: string; readonly used: ReadonlySet<string>; readonly unset: ReadonlySet<string> },
  globals: Variables,
  linter: Linter,
): void {
  const { used, unset, text } = word;
  if (used.size === 1 && unset.size === 0 && used.has("TARGETPLATFORM") && text === globals.get("TARGETPLATFORM")) {
    const message = `Setting platform to predefined ${from.platform} in FROM is redundant as this is the default behavior`;
    linter.run(RULES.redundantTargetPlatform, from.range, message);
  }
  if (used.size > 0 || unset.size > 0) return;
  const platform = tryPlatform(text);
  if (platform === undefined) return;
  // A stage that is named for its platform means it.
  if (from.stage.includes(platform.os) || from.stage.includes(platform.architecture)) return;
  const message = `FROM --platform flag should not use constant value ${JSON.stringify(text)}`;
  linter.run(RULES.fromPlatformFlagConstDisallowed, from.range, message);
}

function tryPlatform(text: string): Platform | undefined {
  try {
    return parsePlatform(text);
  } catch (error) {
    if (error instanceof HoyError) return undefined;
    throw error;
  }
}
