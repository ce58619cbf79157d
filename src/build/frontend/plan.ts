// From stages as written to nodes that know what they depend on: names and platforms with their variables put in, --from
// looked up, circles found. Nothing is fetched. Behaviour: BuildKit, dockerfile2llb/convert.go.

import { type Platform, parsePlatform } from "../../image/platform.ts";
import { atPlace, Fault, located, withSuggestion } from "../dockerfile/fault.ts";
import type { Copy, Run, Stage, StageInstruction } from "../dockerfile/instructions/types.ts";
import { DockerfileError, type LineRange } from "../dockerfile/source.ts";
import { checkPlatformFlag, checkUndeclared } from "../lint/stages.ts";
import { contextFor } from "./contexts.ts";
import { type Conversion, expandWord } from "./conversion.ts";
import { Environment } from "./environment.ts";
import { type Command, newNode, type StageNode } from "./node.ts";

const SCRATCH = "scratch";
const COUNTED: ReadonlySet<string> = new Set(["ADD", "COPY", "RUN", "WORKDIR"]);

/** Fills `conversion.nodes` from the stages. @throws DockerfileError */
export function addStages(stages: readonly Stage[], conversion: Conversion): void {
  for (const [index, stage] of stages.entries()) addStage(stage, index, conversion);
}

function addStage({ from, instructions }: Stage, index: number, conversion: Conversion): void {
  const { nodes, options, source, globals } = conversion;
  const linter = conversion.linter.within(from.comments);
  const known = { globals, declared: conversion.declared };
  const base = located(source, from.range, "build", () => expandWord(from.base, globals, conversion.escape));
  checkUndeclared(base.unset, known, from.range, linter);
  if (base.text === "") {
    throw new DockerfileError(`base name (${from.base}) should not be blank`, source, from.range, undefined, "build");
  }
  const platform = from.platform === "" ? undefined : readPlatform();
  function readPlatform(): Platform {
    return located(source, from.range, "build", () => {
      const word = expandWord(from.platform, globals, conversion.escape);
      checkUndeclared(word.unset, known, from.range, linter);
      checkPlatformFlag(from, word, globals, linter);
      if (word.text === "") {
        const [unset = ""] = word.unset;
        throw new Fault(withSuggestion(`empty platform value from expression ${from.platform}`, unset, globals.keys()));
      }
      return parsePlatform(word.text);
    });
  }
  const context = from.stage === "" ? undefined : contextFor(from.stage, platform ?? conversion.platform, options);
  const node = newNode({
    from,
    range: from.range,
    baseName: base.text,
    name: from.stage === "" ? `stage-${index}` : from.stage,
    key: from.stage,
    context,
    platform,
    ignoreCache: isNoCache(options.noCache, from.stage),
  });
  nodes.add(node);
  if (context !== undefined) return;
  node.commands = instructions.map((instruction) => ({ instruction, sources: [], trigger: false }));
  node.total =
    (node.baseName !== SCRATCH && node.base === undefined ? 1 : 0) +
    instructions.filter(({ kind }) => COUNTED.has(kind)).length;
}

/** After all stages are added: a stage may be named before it is defined, which is an error of its own. */
export function linkStages(conversion: Conversion): void {
  const { nodes, source } = conversion;
  for (const node of [...nodes.all]) {
    node.commands = node.commands.map(({ instruction }) =>
      linked(instruction, node, false, conversion, instruction.range),
    );
  }
  checkCircles(nodes.all, source);
  const [only, ...more] = nodes.all;
  if (only !== undefined && more.length === 0) only.name = "";
}

/** Looks up what an instruction's --from names and notes that the stage needs it. @throws DockerfileError */
export function linked(
  instruction: StageInstruction,
  node: StageNode,
  trigger: boolean,
  conversion: Conversion,
  range: LineRange,
): Command {
  const sources = located(conversion.source, range, "build", () => sourcesOf(instruction, conversion));
  for (const source of sources) {
    if (source !== undefined && !node.dependencies.has(source)) node.dependencies.set(source, range);
  }
  return { instruction, sources, trigger };
}

function sourcesOf(instruction: StageInstruction, conversion: Conversion): (StageNode | undefined)[] {
  if (instruction.kind === "COPY") return instruction.from === "" ? [] : [copySource(instruction, conversion)];
  return instruction.kind === "RUN" ? mountSources(instruction, conversion) : [];
}

function copySource(copy: Copy, conversion: Conversion): StageNode {
  if (expandWord(copy.from, new Environment(), conversion.escape).text !== copy.from) {
    const way = "define a new stage with FROM using ARG from global scope as a workaround";
    throw new Fault(`variable expansion is not supported for --from, ${way}`);
  }
  if (/^[-+]?\d{1,9}$/.test(copy.from)) return conversion.nodes.byIndex(Number(copy.from));
  return namedSource(copy.from, copy.range, conversion);
}

function mountSources(run: Run, conversion: Conversion): (StageNode | undefined)[] {
  return run.mountSources.map((from) => (from === "" ? undefined : namedSource(from, run.range, conversion)));
}

/** A stage, or an image or named context that stands for one. */
function namedSource(name: string, range: LineRange, conversion: Conversion): StageNode {
  const { nodes } = conversion;
  const stage = nodes.byName(name);
  if (stage !== undefined) return stage;
  const known = nodes.all.find((node) => node.from === undefined && node.baseName === name);
  if (known !== undefined) return known;
  const image = newNode({ from: undefined, range, baseName: name, name: "", key: "" });
  nodes.add(image);
  return image;
}

function isNoCache(noCache: boolean | readonly string[], stage: string): boolean {
  if (typeof noCache === "boolean") return noCache;
  return stage !== "" && noCache.some((name) => name.toLowerCase() === stage);
}

/** Stages can't be made of each other. */
function checkCircles(nodes: readonly StageNode[], source: Conversion["source"]): void {
  const seen = new Set<StageNode>();
  const trail = new Set<StageNode>();
  const visit = (node: StageNode): void => {
    if (seen.has(node)) return;
    seen.add(node);
    trail.add(node);
    for (const [other, range] of node.dependencies) {
      if (trail.has(other)) {
        throw atPlace(
          new Fault(`circular dependency detected on stage: ${other.name || node.name}`),
          source,
          range,
          "build",
        );
      }
      visit(other);
    }
    trail.delete(node);
  };
  for (const node of nodes) visit(node);
}
