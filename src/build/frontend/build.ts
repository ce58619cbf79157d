// A Dockerfile becomes a graph and an image's config. Nothing is run: only configs of base images are asked for. The
// parts: plan.ts (stages and what they need), resolve.ts (bases), stage.ts (instructions).

import { HoyError } from "../../base/error.ts";
import { Matcher } from "../../image/ignore/matcher.ts";
import { normalizePlatform } from "../../image/platform.ts";
import { atPlace, Fault, located } from "../dockerfile/fault.ts";
import { readStages } from "../dockerfile/instructions/read.ts";
import type { Stages } from "../dockerfile/instructions/types.ts";
import { type ParsedDockerfile, parseDockerfile } from "../dockerfile/parse.ts";
import { vertex } from "../graph.ts";
import { checkText } from "../lint/file.ts";
import { Linter, type LintWarning, parseLintOptions } from "../lint/linter.ts";
import type { SolveOptions, Solver } from "../solver-contract.ts";
import { globalArgs, isPredefined, predefinedArgs, proxyEnvironment } from "./arguments.ts";
import { contextInput, usedPaths } from "./contexts.ts";
import type { Conversion } from "./conversion.ts";
import { configOf, withConfig } from "./image.ts";
import { type StageNode, StageNodes, type StageState } from "./node.ts";
import type { DockerfileOptions, DockerfileResult } from "./options.ts";
import { addStages, linkStages } from "./plan.ts";
import { resolveBases } from "./resolve.ts";
import { carryOut } from "./stage.ts";

const EPOCH = "SOURCE_DATE_EPOCH";
/** A build argument in the place of the directive (BuildKit, frontend/dockerfile/builder). */
const CHECK = "BUILDKIT_DOCKERFILE_CHECK";

/**
 * @throws DockerfileError that shows the lines at fault; HoyError of the solver for base images; HoyError "invalid" for
 * warnings that `# check=error=true` makes errors.
 */
export async function buildDockerfile(
  options: DockerfileOptions,
  solver: Solver,
  solveOptions: SolveOptions,
): Promise<DockerfileResult> {
  return convert(options, solver, solveOptions, { everyStage: false });
}

export interface ConvertExtras {
  /** Those that the target does not need too, as a check of the file wants it. */
  readonly everyStage: boolean;
  /** Told at once, also of a file that then fails. */
  readonly warn?: (warning: LintWarning) => void;
}

export async function convert(
  options: DockerfileOptions,
  solver: Solver,
  solveOptions: SolveOptions,
  { everyStage, warn }: ConvertExtras,
): Promise<DockerfileResult> {
  if (options.text === "") throw new HoyError("invalid", "the Dockerfile cannot be empty");
  const parsed = parseDockerfile(options.text, options.name);
  const { source, directives } = parsed;
  const warnings: LintWarning[] = [];
  const head = { start: 1, end: 1 };
  const linter = new Linter(
    located(source, head, "build", () => parseLintOptions(options.buildArgs.get(CHECK) ?? directives.check)),
    (warning) => {
      warnings.push(warning);
      warn?.(warning);
      const { rule, message, range } = warning;
      solveOptions.progress.warning({ rule: rule.name, message, url: rule.url, lines: range });
    },
  );
  const stages = readStages(parsed);
  const last = stages.stages.at(-1);
  if (last === undefined) throw atPlace(new Fault("dockerfile contains no stages to build"), source, head, "build");
  const conversion = startConversion(options, parsed, stages, linter, solver, solveOptions);
  checkText(parsed, stages, conversion.start, linter);

  addStages(stages.stages, conversion);
  const target = located(source, last.from.range, "build", () => conversion.nodes.target(options.target));
  linkStages(conversion);
  const { needed, pending, bases } = await resolveBases(target, everyStage && options.target === "", conversion);
  const chain = chainOf(target);
  const unset = [...directives.unset, ...options.unset];
  for (const node of conversion.nodes.all) {
    if (needed.has(node) && !node.done) carryOut(node, conversion, chain.has(node) ? unset : []);
  }
  linter.finish();

  target.paths.add("/");
  for (const { paths, used } of pending) paths.push(...usedPaths(used()));
  conversion.paths.push(...usedPaths(conversion.contextPaths));
  const { state } = target;
  if (state === undefined) throw new Error(`stage ${target.name} was not carried out`);
  return {
    target: state.tree ?? nothing(target, conversion),
    config: finished(state, conversion),
    history: state.history,
    steps: conversion.steps,
    warnings,
    sourceDateEpoch: conversion.sourceDateEpoch,
    unusedArgs: unusedArgs(options, stages, needed),
    bases,
  };
}

type Started = Conversion & {
  /** The main context's, filled at the end. */
  readonly paths: string[];
  /** The globals before the file's own. */
  readonly start: Conversion["globals"];
};

function startConversion(
  options: DockerfileOptions,
  { source, directives }: ParsedDockerfile,
  stages: Stages,
  linter: Linter,
  solver: Solver,
  solveOptions: SolveOptions,
): Started {
  const escapeSign = directives.escape;
  const buildPlatform = normalizePlatform(options.buildPlatform);
  const platform = normalizePlatform(options.platform ?? buildPlatform);
  const epoch = epochOf(options);
  const given = withEpoch(options, epoch);
  const targetName = given.target === "" ? (stages.stages.at(-1)?.from.stage ?? "") : given.target;
  const start = predefinedArgs(buildPlatform, platform, targetName, given.buildArgs);
  const { env, declared } = globalArgs(stages.globals, start, given.buildArgs, source, escapeSign);
  const paths: string[] = [];
  const { mainContext } = given;
  const ignore =
    mainContext.type === "local" && mainContext.exclude.length > 0 ? new Matcher(mainContext.exclude) : undefined;
  return {
    options: given,
    solver,
    solveOptions,
    source,
    escape: escapeSign,
    linter,
    platform,
    implicitPlatform: given.platform === undefined,
    globals: env,
    declared,
    sourceDateEpoch: epoch ?? readEpoch(env.get(EPOCH)),
    proxyEnv: proxyEnvironment(given.buildArgs),
    nodes: new StageNodes(),
    mainContext: mainInput(mainContext, platform, paths),
    contextPaths: new Set(),
    ignore,
    steps: stages.globals.map(({ text, range }) => ({ text, range, tree: undefined, hasLayer: false, trigger: false })),
    paths,
    start,
  };
}

function mainInput(context: DockerfileOptions["mainContext"], platform: Conversion["platform"], paths: string[]) {
  if (context.type === "image") throw new HoyError("invalid", "an image can't be the build context");
  const name = context.type === "local" ? "[internal] load build context" : "[internal] load remote build context";
  return contextInput(context, name, platform, paths);
}

function epochOf(options: DockerfileOptions): number | undefined {
  const argument = options.buildArgs.get(EPOCH);
  return argument === undefined ? options.sourceDateEpoch : readEpoch(argument);
}

function readEpoch(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const seconds = /^-?\d{1,12}$/.test(text) ? Number(text) : Number.NaN;
  // What a Date can say.
  if (!(Math.abs(seconds) <= 8.64e12)) throw new HoyError("invalid", `invalid SOURCE_DATE_EPOCH: ${text}`);
  return seconds;
}

/** An argument that is empty says nothing, not even that it is. */
function withEpoch(options: DockerfileOptions, epoch: number | undefined): DockerfileOptions {
  if (epoch !== undefined || !options.buildArgs.has(EPOCH)) return options;
  const buildArgs = new Map(options.buildArgs);
  buildArgs.delete(EPOCH);
  return { ...options, buildArgs };
}

/** The target and the stages it begins with. */
function chainOf(target: StageNode): Set<StageNode> {
  const chain = new Set<StageNode>();
  for (let node: StageNode | undefined = target; node !== undefined; node = node.base) chain.add(node);
  return chain;
}

/** A result is a tree even when there is nothing in it. */
function nothing(target: StageNode, conversion: Conversion): DockerfileResult["target"] {
  const platform = target.platform ?? conversion.platform;
  const op = { kind: "source", type: "scratch" } as const;
  return {
    vertex: vertex(op, [], { platform, name: "FROM scratch", ignoreCache: false, lines: undefined }),
    output: 0,
  };
}

function finished(state: StageState, conversion: Conversion): DockerfileResult["config"] {
  const { options, platform } = conversion;
  const labels = options.labels;
  let { image } = state;
  if (labels.size > 0) {
    image = withConfig(image, { Labels: { ...configOf(image).Labels, ...Object.fromEntries(labels) } });
  }
  const asked = conversion.implicitPlatform ? undefined : platform;
  const known = {
    os: asked?.os ?? image.os,
    architecture: asked?.architecture ?? image.architecture,
    variant: asked === undefined ? image.variant : askedVariant(image, asked),
  };
  const { os, architecture, variant } = normalizePlatform(known);
  return { ...image, os, architecture, variant };
}

function askedVariant(image: DockerfileResult["config"], asked: Conversion["platform"]): string | undefined {
  const isSame = image.os === asked.os && image.architecture === asked.architecture;
  return asked.variant !== undefined || !isSame ? asked.variant : image.variant;
}

function unusedArgs(options: DockerfileOptions, stages: Stages, needed: ReadonlySet<StageNode>): string[] {
  const declared = new Set(stages.globals.flatMap(({ args }) => args.map(({ key }) => key)));
  for (const node of needed) {
    for (const { instruction } of node.commands) {
      if (instruction.kind === "ARG") for (const { key } of instruction.args) declared.add(key);
    }
  }
  const isKnown = (key: string) =>
    declared.has(key) ||
    isPredefined(key) ||
    key === EPOCH ||
    key.startsWith("BUILDKIT_") ||
    /^(BUILD|TARGET)(PLATFORM|OS|ARCH|VARIANT|OSVERSION|STAGE)$/.test(key);
  return [...options.buildArgs.keys()].filter((key) => !isKnown(key)).sort();
}
