// --security-opt: what the client does before the engine sees it: a seccomp profile is read from its file, and
// systempaths=unconfined becomes empty lists of masked and read-only paths.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { UsageError } from "../base/errors.ts";
import { quote } from "../base/numbers.ts";
import { cut } from "../base/text.ts";
import { compactJson } from "../template/json.ts";
import { openFailure } from "./environment.ts";

export interface SecurityOptions {
  readonly options: string[];
  /** Both unset: the engine's own lists. */
  readonly maskedPaths: string[] | undefined;
  readonly readonlyPaths: string[] | undefined;
}

/** @throws UsageError */
export function parseSecurityOptions(written: readonly string[], cwd: string): SecurityOptions {
  const options = written.map((option) => readOption(option, cwd));
  const unconfined = options.includes("systempaths=unconfined");
  return {
    options: options.filter((option) => option !== "systempaths=unconfined"),
    maskedPaths: unconfined ? [] : undefined,
    readonlyPaths: unconfined ? [] : undefined,
  };
}

function readOption(option: string, cwd: string): string {
  const separator = option.includes("=") || option === "no-new-privileges" ? "=" : ":";
  const [name, value] = cut(option, separator);
  if (value === "" && name !== "no-new-privileges") throw new UsageError(`Invalid --security-opt: ${quote(option)}`);
  if (name !== "seccomp" || value === "unconfined" || value === "builtin") return option;
  return `seccomp=${readProfile(value, cwd)}`;
}

function readProfile(file: string, cwd: string): string {
  let text: string;
  try {
    text = readFileSync(resolve(cwd, file), "utf8");
  } catch (thrown) {
    throw new UsageError(`opening seccomp profile (${file}) failed: ${openFailure(file, thrown)}`);
  }
  try {
    JSON.parse(text);
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    throw new UsageError(`compacting json for seccomp profile (${file}) failed: ${why}`);
  }
  return compactJson(text);
}
