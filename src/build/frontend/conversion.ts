// What all parts of one conversion share.

import type { Matcher } from "../../image/ignore/matcher.ts";
import type { Platform } from "../../image/platform.ts";
import { expand } from "../dockerfile/expand.ts";
import type { Source } from "../dockerfile/source.ts";
import type { Input } from "../graph.ts";
import type { Linter } from "../lint/linter.ts";
import type { SolveOptions, Solver } from "../solver-contract.ts";
import type { Environment } from "./environment.ts";
import type { StageNodes } from "./node.ts";
import type { ClassicStep, DockerfileOptions } from "./options.ts";

export interface Conversion {
  readonly options: DockerfileOptions;
  readonly solver: Solver;
  readonly solveOptions: SolveOptions;
  readonly source: Source;
  readonly escape: "\\" | "`";
  readonly linter: Linter;
  /** Of the target. */
  readonly platform: Platform;
  /** No platform was asked for: it may be the base image's. */
  readonly implicitPlatform: boolean;
  /** Predefined arguments and ARGs before the first FROM. */
  readonly globals: Environment;
  /** Names among the globals that the file itself declares. */
  readonly declared: ReadonlySet<string>;
  readonly sourceDateEpoch: number | undefined;
  readonly proxyEnv: readonly string[];
  readonly nodes: StageNodes;
  readonly mainContext: Input;
  /** Paths of the main context that are used. */
  readonly contextPaths: Set<string>;
  readonly ignore: Matcher | undefined;
  readonly steps: ClassicStep[];
}

export function expandWord(
  word: string,
  env: Environment,
  escapeSign: "\\" | "`",
): { readonly text: string; readonly used: ReadonlySet<string>; readonly unset: ReadonlySet<string> } {
  return expand(word, (name) => env.get(name), { escape: escapeSign });
}
