// Collects warnings of rules; which rules count is said by `# check=…` at the head of the file, by the same comment right
// above an instruction, or by the caller.

import { HoyError } from "../../base/error.ts";
import { Fault } from "../dockerfile/fault.ts";
import { parseBool } from "../dockerfile/instructions/values.ts";
import type { LineRange } from "../dockerfile/source.ts";
import type { Rule } from "./rules.ts";

export interface LintConfig {
  readonly skip: ReadonlySet<string> | "all";
  readonly experimental: ReadonlySet<string> | "all";
  /** A warning fails the build. */
  readonly error: boolean;
}

export interface LintWarning {
  readonly rule: Rule;
  /** What is wrong here. */
  readonly message: string;
  readonly range: LineRange;
}

const NONE: LintConfig = { skip: new Set(), experimental: new Set(), error: false };

export class Linter {
  readonly #config: LintConfig;
  readonly #warn: (warning: LintWarning) => void;
  readonly #broken: Set<string>;

  constructor(config: LintConfig, warn: (warning: LintWarning) => void, broken: Set<string> = new Set()) {
    this.#config = config;
    this.#warn = warn;
    this.#broken = broken;
  }

  run(rule: Rule, range: LineRange, message: string): void {
    const { skip, experimental } = this.#config;
    if (rule.experimental ? !has(experimental, rule) : has(skip, rule)) return;
    this.#broken.add(rule.name);
    this.#warn({ rule, message, range });
  }

  /** For an instruction with these comments above it. A comment that can't be read is a comment. */
  within(comments: readonly string[]): Linter {
    for (const comment of comments) {
      const value = /^check\s*=\s*(\S*)/i.exec(comment)?.[1];
      if (value === undefined) continue;
      const more = tryOptions(value);
      return more === undefined ? this : new Linter(merged(this.#config, more), this.#warn, this.#broken);
    }
    return this;
  }

  /** @throws HoyError when warnings were asked to be errors and there were some. */
  finish(): void {
    if (!this.#config.error || this.#broken.size === 0) return;
    throw new HoyError("invalid", `lint violation found for rules: ${[...this.#broken].sort().join(", ")}`);
  }
}

/** "skip=A,B;experimental=all;error=true". @throws Fault */
export function parseLintOptions(text: string): LintConfig {
  if (text.trim() === "") return NONE;
  let config = NONE;
  for (const part of text.trim().split(";")) {
    const [, key = "", value] = /^([^=]*)=(.*)$/s.exec(part) ?? [];
    if (value === undefined) throw new Fault(`invalid check option ${JSON.stringify(part)}`);
    switch (key.trim()) {
      case "skip":
      case "experimental":
        config = { ...config, [key.trim()]: readRules(value) };
        break;
      case "error":
        config = { ...config, error: readError(part, value.trim()) };
        break;
      default:
        throw new Fault(`invalid check option ${JSON.stringify(key.trim())}`);
    }
  }
  return config;
}

function readRules(value: string): ReadonlySet<string> | "all" {
  return value.trim() === "all" ? "all" : new Set(value.split(",").map((name) => name.trim()));
}

function readError(part: string, value: string): boolean {
  const flag = parseBool(value);
  if (flag !== undefined) return flag;
  const why = `strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`;
  throw new Fault(`failed to parse check option ${JSON.stringify(part)}: ${why}`);
}

function tryOptions(text: string): LintConfig | undefined {
  try {
    return parseLintOptions(text);
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

function merged(base: LintConfig, more: LintConfig): LintConfig {
  const union = (a: LintConfig["skip"], b: LintConfig["skip"]) =>
    a === "all" || b === "all" ? "all" : new Set([...a, ...b]);
  return {
    skip: union(base.skip, more.skip),
    experimental: union(base.experimental, more.experimental),
    error: base.error,
  };
}

function has(set: LintConfig["skip"], rule: Rule): boolean {
  return set === "all" || set.has(rule.name);
}
