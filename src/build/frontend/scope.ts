// One stage while its instructions are carried out: what instructions do to it.

import type { RunConfig } from "../../image/config.ts";
import type { Platform } from "../../image/platform.ts";
import { expand } from "../dockerfile/expand.ts";
import { suggestion } from "../dockerfile/fault.ts";
import type { StageInstruction } from "../dockerfile/instructions/types.ts";
import { type Input, type Op, type Vertex, vertex } from "../graph.ts";
import type { Linter } from "../lint/linter.ts";
import { RULES } from "../lint/rules.ts";
import type { Conversion } from "./conversion.ts";
import { configOf, withConfig } from "./image.ts";
import { currentName, nextName, shownText } from "./names.ts";
import type { Command, StageNode, StageState } from "./node.ts";

const COMMENT = "buildkit.dockerfile.v0";

/** Of the SBOM scanner; they are told to the build and not to its commands. */
const NOT_IN_ENVIRONMENT: ReadonlySet<string> = new Set(["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"]);

export class Scope {
  readonly conversion: Conversion;
  readonly node: StageNode;
  readonly state: StageState;
  readonly command: Command;
  readonly linter: Linter;
  readonly platform: Platform;

  constructor(conversion: Conversion, node: StageNode, state: StageState, command: Command) {
    this.conversion = conversion;
    this.node = node;
    this.state = state;
    this.command = command;
    this.linter = conversion.linter.within(command.instruction.comments);
    this.platform = node.platform ?? conversion.platform;
  }

  get instruction(): StageInstruction {
    return this.command.instruction;
  }

  get config(): RunConfig {
    return configOf(this.state.image);
  }

  configure(change: Partial<RunConfig>): void {
    this.state.image = withConfig(this.state.image, change);
  }

  /** Variables of the stage put in; those that are not set are warned of. */
  readonly expand = (word: string): string => this.#expanded(word, false).text;

  /** As `expand`, split at spaces that variables brought. */
  expandWords(word: string): readonly string[] {
    return this.#expanded(word, false).words;
  }

  /** For here-documents: quotes are characters like others. */
  expandDocument(text: string): string {
    return this.#expanded(text, true).text;
  }

  #expanded(word: string, document: boolean) {
    const { env } = this.state;
    const escapeSign = document ? "\\" : this.conversion.escape;
    const expanded = expand(word, (name) => env.get(name), { escape: escapeSign, skipQuotes: document });
    this.#warnOfUnset(expanded.unset);
    return expanded;
  }

  #warnOfUnset(unset: ReadonlySet<string>): void {
    for (const name of unset) {
      if (NOT_IN_ENVIRONMENT.has(name) || this.state.args.some(({ key }) => key === name)) continue;
      const meant = suggestion(name, this.state.env.keys());
      const hint = meant === undefined ? "" : ` (did you mean $${meant}?)`;
      this.linter.run(RULES.undefinedVar, this.instruction.range, `Usage of undefined variable '$${name}'${hint}`);
    }
  }

  setVariable(key: string, value: string): void {
    if (!NOT_IN_ENVIRONMENT.has(key)) this.state.env = this.state.env.with(key, value);
  }

  /** A line of the history; `made`: it changed files. */
  commit(created_by: string, made?: Input): void {
    const created = this.conversion.sourceDateEpoch;
    this.state.history.push({
      entry: {
        created: created === undefined ? undefined : new Date(created * 1000).toISOString().replace(".000Z", "Z"),
        created_by,
        author: undefined,
        comment: COMMENT,
        empty_layer: made === undefined ? true : undefined,
      },
      made,
    });
  }

  /** Takes the next number of the stage. */
  stepName(text: string, masked?: ReadonlySet<string>): string {
    return nextName(this.#shown(text, masked !== undefined, masked), this.#numbering());
  }

  /** Another vertex of the same step. */
  sameStepName(text: string): string {
    return currentName(this.#shown(text, false), this.#numbering());
  }

  #shown(text: string, raw: boolean, masked: ReadonlySet<string> = new Set()): string {
    return shownText(text, this.state.env, { escape: this.conversion.escape, raw, masked });
  }

  #numbering() {
    return {
      node: this.node,
      platform: this.conversion.options.showPlatform ? this.platform : undefined,
      env: this.state.env,
      trigger: this.command.trigger,
    };
  }

  vertex(op: Op, inputs: readonly Input[], name: string, cached: "as-asked" | "always" = "as-asked"): Vertex {
    return vertex(op, inputs, {
      platform: this.platform,
      name,
      ignoreCache: cached === "as-asked" && this.node.ignoreCache,
      lines: this.instruction.range,
    });
  }
}

/** Numbers the inputs of a vertex: each tree once; nothing at all is -1. */
export class Inputs {
  readonly list: Input[] = [];

  add(input: Input | undefined): number {
    if (input === undefined) return -1;
    const known = this.list.findIndex((one) => one.vertex === input.vertex && one.output === input.output);
    return known >= 0 ? known : this.list.push(input) - 1;
  }
}
