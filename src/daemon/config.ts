// The daemon's configuration: flags and file put together, with dockerd's rules. What is given in both places is an
// error that names both values, except what adds up (runtimes). What has no effect here is said; what is missing refuses.

import { HoyError } from "../base/error.ts";
import { readConfigFile } from "./file.ts";
import type { Flags } from "./flags.ts";
import { nameOf, type Option, type OptionValue } from "./options/option.ts";
import { byFlag, options } from "./options/table.ts";

export interface Config {
  /** Every option that has a fallback or was set; by name. */
  readonly values: ReadonlyMap<string, OptionValue>;
  /** Options that were set, by flag or file. */
  readonly set: ReadonlySet<string>;
  readonly warnings: readonly string[];
  readonly file: string;
}

/** @throws HoyError "invalid", also for conflicts; "not-implemented" for what is not there yet. */
export function loadConfig(flags: Flags): Config {
  const given = flags.values.get("config-file");
  const file = typeof given === "string" ? given : String(byFlag.get("config-file")?.fallback);
  return mergeConfig(flags, readConfigFile(file, given !== undefined), file);
}

/** @throws HoyError as loadConfig. */
export function mergeConfig(flags: Flags, fromFile: ReadonlyMap<string, OptionValue>, file: string): Config {
  refuseConflicts(flags, fromFile, file);
  const values = new Map<string, OptionValue>();
  const warnings: string[] = [];
  for (const option of options) {
    const name = nameOf(option);
    const flag = flags.values.get(name);
    const key = fromFile.get(name);
    const value = option.merges ? merged(key, flag) : (flag ?? key);
    if (value !== undefined) checkStanding(option, value, warnings);
    const effective = value ?? option.fallback;
    if (effective !== undefined) values.set(name, effective);
  }
  return { values, set: new Set([...flags.values.keys(), ...fromFile.keys()]), warnings, file };
}

function refuseConflicts(flags: Flags, fromFile: ReadonlyMap<string, OptionValue>, file: string): void {
  const conflicts = options.flatMap((option) => {
    const flag = flags.values.get(nameOf(option));
    const key = fromFile.get(nameOf(option));
    if (option.merges || flag === undefined || key === undefined) return [];
    return [`${option.key}: (from flag: ${show(flag)}, from file: ${show(key)})`];
  });
  if (conflicts.length === 0) return;
  throw new HoyError(
    "invalid",
    `unable to configure the daemon with file ${file}: the following directives are specified both as a flag and in ` +
      `the configuration file: ${conflicts.join(", ")}`,
  );
}

function checkStanding(option: Option, value: OptionValue, warnings: string[]): void {
  const standing = option.standing ?? { kind: "used" };
  if (standing.kind === "used" || show(value) === show(option.fallback)) return;
  const written = option.flag === undefined ? `"${option.key}"` : `--${option.flag}`;
  if (standing.kind === "missing") throw new HoyError("not-implemented", `${written}: ${standing.why}`);
  warnings.push(`${written} has no effect: ${standing.why}`);
}

function merged(key: OptionValue | undefined, flag: OptionValue | undefined): OptionValue | undefined {
  if (key === undefined || flag === undefined) return flag ?? key;
  return { ...(key as { [name: string]: unknown }), ...(flag as { [name: string]: unknown }) };
}

function show(value: unknown): string {
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return `[${value.join(" ")}]`;
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
