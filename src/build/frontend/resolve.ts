// The bases of the stages that are needed: images' configs are asked for, named contexts put in, and what ONBUILD in a
// base brings is added before a stage's own instructions (which may need further stages, so it goes round).

import { HoyError } from "../../base/error.ts";
import { formatPlatform, type Platform } from "../../image/platform.ts";
import { canonicalString, parseReference, tryParseReference, withDefaultTag } from "../../image/reference.ts";
import { atPlace, Fault, withSuggestion } from "../dockerfile/fault.ts";
import { readTyped } from "../dockerfile/instructions/read.ts";
import type { StageInstruction } from "../dockerfile/instructions/types.ts";
import { parseDockerfile } from "../dockerfile/parse.ts";
import { DockerfileError } from "../dockerfile/source.ts";
import { type Input, vertex } from "../graph.ts";
import { RULES } from "../lint/rules.ts";
import { contextFor, contextInput } from "./contexts.ts";
import type { Conversion } from "./conversion.ts";
import { Environment } from "./environment.ts";
import { emptyImage } from "./image.ts";
import { nextName } from "./names.ts";
import { reachable, type StageNode, type StageState } from "./node.ts";
import type { BuildContext, DockerfileResult, ImageDraft } from "./options.ts";
import { linked } from "./plan.ts";

type Bases = DockerfileResult["bases"][number][];

/** What needs a list of paths that is only known at the end. */
export interface PendingPaths {
  readonly paths: string[];
  readonly used: () => ReadonlySet<string>;
}

export interface Resolution {
  readonly needed: ReadonlySet<StageNode>;
  readonly pending: readonly PendingPaths[];
  readonly bases: Bases;
}

/** @throws DockerfileError that points at the FROM whose image is wrong, or what the solver throws. */
export async function resolveBases(target: StageNode, all: boolean, conversion: Conversion): Promise<Resolution> {
  const pending: PendingPaths[] = [];
  const bases: Bases = [];
  for (;;) {
    const needed = all ? new Set(conversion.nodes.all) : reachable(target);
    checkNames(conversion);
    const open = [...needed].filter((node) => node.base === undefined && !node.resolved);
    await Promise.all(open.map((node) => resolveNode(node, conversion, pending, bases)));
    let grown = false;
    for (const node of needed) grown = addTriggers(node, conversion) || grown;
    if (!grown) return { needed, pending, bases };
  }
}

/** Also of stages that are not needed: a name that can't be one is a mistake wherever it stands. */
function checkNames(conversion: Conversion): void {
  for (const node of conversion.nodes.all) {
    if (node.base !== undefined || node.resolved || node.context !== undefined || node.baseName === "scratch") continue;
    if (tryParseReference(node.baseName) !== undefined) continue;
    throw failure(
      node,
      conversion,
      new Fault(`failed to parse stage name ${JSON.stringify(node.baseName)}: invalid reference format`),
    );
  }
}

async function resolveNode(
  node: StageNode,
  conversion: Conversion,
  pending: PendingPaths[],
  bases: Bases,
): Promise<void> {
  node.resolved = true;
  const platform = node.platform ?? conversion.platform;
  try {
    const context = node.context ?? contextOf(node, platform, conversion);
    if (context !== undefined) await useContext(node, context, platform, conversion, pending, bases);
    else if (node.baseName === "scratch") {
      node.platform = conversion.platform;
      node.state = begin(undefined, emptyImage(conversion.platform), []);
    } else {
      const written = node.baseName;
      const ref = canonicalString(withDefaultTag(parseReference(written)));
      await useImage(node, ref, written, platform, conversion, bases, undefined);
    }
  } catch (thrown) {
    throw failure(node, conversion, thrown);
  }
  // A stage that a context replaces has no instructions; an image named by --from neither.
  if (node.context !== undefined || node.from === undefined) node.done = true;
}

function contextOf(node: StageNode, platform: Platform, conversion: Conversion): BuildContext | undefined {
  return node.baseName === "scratch" ? undefined : contextFor(node.baseName, platform, conversion.options);
}

async function useContext(
  node: StageNode,
  context: BuildContext,
  platform: Platform,
  conversion: Conversion,
  pending: PendingPaths[],
  bases: Bases,
): Promise<void> {
  const name = node.context === undefined ? node.baseName : node.key;
  node.platform = platform;
  if (context.type === "image") {
    const ref = canonicalString(withDefaultTag(parseReference(context.ref)));
    await useImage(node, ref, context.ref, platform, conversion, bases, `[context ${name}] ${context.ref}`);
    return;
  }
  const paths: string[] = [];
  pending.push({ paths, used: () => node.paths });
  const label = context.type === "local" ? "load from client" : context.type === "result" ? "" : locationOf(context);
  const input =
    context.type === "scratch" ? undefined : contextInput(context, `[context ${name}] ${label}`, platform, paths);
  const config = context.type === "result" ? context.config : undefined;
  node.state = begin(input, config ?? emptyImage(platform), config?.history ?? []);
}

function locationOf(context: BuildContext): string {
  return context.type === "git" || context.type === "http" ? context.url : context.type;
}

async function useImage(
  node: StageNode,
  ref: string,
  written: string,
  platform: Platform,
  conversion: Conversion,
  bases: Bases,
  label: string | undefined,
): Promise<void> {
  const { options, solver, solveOptions, linter, nodes } = conversion;
  const found = await solver.imageConfig(ref, platform, options.pullMode, solveOptions).catch((error: unknown) => {
    if (!(error instanceof HoyError) || error.code !== "not-found") throw error;
    const message = withSuggestion(`${written}: ${error.message}`, written, nodes.names());
    throw new HoyError("not-found", message, { cause: error });
  });
  const actual = actualPlatform(node, found.config, platform, conversion);
  node.platform = actual;
  const resolved = pinned(found.ref, found.digest);
  node.baseName = resolved;
  bases.push({ ref: resolved, digest: found.digest, platform: actual });
  const isEmpty =
    found.config.rootfs.diff_ids.length === 0 && !found.config.history?.some((entry) => entry.empty_layer !== true);
  const name =
    label ??
    nextName(`FROM ${resolved}`, {
      node,
      platform: options.showPlatform ? actual : undefined,
      env: new Environment(),
      trigger: false,
    });
  const input: Input | undefined = isEmpty
    ? undefined
    : {
        vertex: vertex({ kind: "source", type: "image", ref: resolved, mode: options.pullMode }, [], {
          platform: actual,
          name,
          ignoreCache: false,
          lines: node.from?.range,
        }),
        output: 0,
      };
  const { os, architecture } = found.config;
  if (input !== undefined && (os !== actual.os || architecture !== actual.architecture)) {
    const pulled = formatPlatform({ os, architecture, variant: found.config.variant });
    const message = `Base image ${written} was pulled with platform "${pulled}", expected "${formatPlatform(actual)}" for current build`;
    linter.within(node.from?.comments ?? []).run(RULES.invalidBaseImagePlatform, node.range, message);
  }
  const { rootfs: _layers, history, created: _created, ...image } = found.config;
  node.state = begin(input, image, history ?? []);
}

/** Where no platform was asked for, an image of another kind says what is built. */
function actualPlatform(node: StageNode, image: ImageDraft, wanted: Platform, conversion: Conversion): Platform {
  if (node.platform !== undefined || !conversion.implicitPlatform) return wanted;
  const { buildPlatform } = conversion.options;
  const isBuild = image.os === buildPlatform.os && image.architecture === buildPlatform.architecture;
  return isBuild ? buildPlatform : wanted;
}

function pinned(ref: string, digest: string): string {
  return digest === "" || ref.includes("@") ? ref : `${ref}@${digest}`;
}

/** A base's own tree and config, before the first instruction. */
function begin(
  tree: Input | undefined,
  image: ImageDraft,
  history: StageState["history"][number]["entry"][],
): StageState {
  return {
    tree,
    image,
    env: new Environment(),
    cwd: "/",
    history: history.map((entry) => ({ entry, made: undefined })),
    args: [],
    workdirSet: false,
  };
}

/** Whether new stages or images are needed for what ONBUILD brought. */
function addTriggers(node: StageNode, conversion: Conversion): boolean {
  if (node.triggersRead || node.from === undefined || node.context !== undefined) return false;
  node.triggersRead = true;
  const { base } = node;
  const texts =
    base === undefined
      ? (node.state?.image.config?.OnBuild ?? [])
      : base.commands.flatMap(({ instruction }) => (instruction.kind === "ONBUILD" ? [instruction.expression] : []));
  if (texts.length === 0) return false;
  const commands = texts.map((text) => linked(readTrigger(text, node, conversion), node, true, conversion, node.range));
  node.commands = [...commands, ...node.commands];
  // Counted whatever they are, as BuildKit's names do.
  node.total += commands.length;
  return commands.some(({ sources }) => sources.length > 0);
}

function readTrigger(text: string, node: StageNode, conversion: Conversion): StageInstruction {
  try {
    const parsed = parseDockerfile(text, conversion.source.name);
    const [instruction, ...more] = parsed.instructions;
    if (instruction === undefined || more.length > 0) throw new Fault("onbuild trigger should be a single expression");
    const typed = readTyped(instruction, parsed.source);
    if (typed.kind === "FROM") throw new Fault("FROM isn't allowed as an ONBUILD trigger");
    if (typed.kind === "ONBUILD") throw new Fault("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    return { ...typed, range: node.range };
  } catch (thrown) {
    // The trigger's own lines are not in this file.
    throw failure(node, conversion, thrown instanceof DockerfileError ? new Fault(thrown.summary) : thrown);
  }
}

function failure(node: StageNode, conversion: Conversion, thrown: unknown): unknown {
  return atPlace(thrown, conversion.source, node.range, "build");
}
