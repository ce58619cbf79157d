// Carrying out a stage: what it has from its base, and its instructions in order.

import { atPlace } from "../dockerfile/fault.ts";
import type { Conversion } from "./conversion.ts";
import { copy } from "./copy.ts";
import { Environment, splitPair } from "./environment.ts";
import { expose } from "./expose.ts";
import { configOf, DEFAULT_PATH, withConfig } from "./image.ts";
import * as metadata from "./metadata.ts";
import type { StageNode, StageState } from "./node.ts";
import { resolve } from "./paths.ts";
import { run } from "./run.ts";
import { Scope } from "./scope.ts";
import { dropped } from "./unset.ts";

/** `unset`: what is dropped of what the base image brought (unset.ts). @throws DockerfileError */
export function carryOut(node: StageNode, conversion: Conversion, unset: readonly string[]): void {
  const state = startState(node, conversion, unset);
  node.state = state;
  node.done = true;
  for (const command of node.commands) {
    const { instruction } = command;
    const before = state.tree;
    try {
      apply(new Scope(conversion, node, state, command));
    } catch (thrown) {
      throw atPlace(thrown, conversion.source, instruction.range, "build");
    }
    conversion.steps.push({
      text: instruction.text,
      range: instruction.range,
      tree: state.tree,
      hasLayer: state.tree !== before,
      trigger: command.trigger,
    });
  }
}

/** The base's state, and the variables, directory and PATH that its config says. */
function startState(node: StageNode, conversion: Conversion, unset: readonly string[]): StageState {
  const { base } = node;
  if (base?.state !== undefined) {
    node.platform = base.platform;
    // What is used of a stage is used of its base.
    for (const path of node.paths) base.paths.add(path);
    node.paths = base.paths;
  }
  const from = base?.state ?? node.state;
  if (from === undefined) throw new Error(`stage ${node.baseName} has no base`);
  const isImage = base === undefined;
  const kept = isImage ? located(() => dropped(from.image, unset)) : from.image;
  // Triggers are for those who build on the image; they are spent here.
  let image = withConfig(kept, { OnBuild: undefined });
  const list = configOf(image).Env ?? [];
  if (!list.some((word) => word.startsWith("PATH=")))
    image = withConfig(image, { Env: [...list, `PATH=${DEFAULT_PATH}`] });
  const config = configOf(image);
  const variables = Environment.from(config.Env ?? []);
  // Arguments of the base stage are still known.
  const env = isImage
    ? variables
    : (config.Env ?? []).reduce((known, word) => known.with(...splitPair(word)), from.env);
  const cwd = config.WorkingDir === undefined ? "/" : resolve("/", config.WorkingDir, false);
  if (config.WorkingDir !== undefined && config.WorkingDir !== "") image = withConfig(image, { WorkingDir: cwd });
  conversion.steps.push({
    text: node.from?.text ?? "",
    range: node.range,
    tree: from.tree,
    hasLayer: false,
    trigger: false,
  });
  return { ...from, image, env, cwd, history: [...from.history] };

  function located<T>(work: () => T): T {
    try {
      return work();
    } catch (thrown) {
      throw atPlace(thrown, conversion.source, node.range, "build");
    }
  }
}

function apply(scope: Scope): void {
  const { instruction } = scope;
  switch (instruction.kind) {
    case "RUN":
      run(scope, instruction);
      break;
    case "COPY":
    case "ADD":
      copy(scope, instruction);
      break;
    case "ENV":
      metadata.env(scope, instruction);
      break;
    case "LABEL":
      metadata.label(scope, instruction);
      break;
    case "ARG":
      metadata.arg(scope, instruction);
      break;
    case "CMD":
    case "ENTRYPOINT":
      metadata.program(scope, instruction);
      break;
    case "HEALTHCHECK":
      metadata.healthcheck(scope, instruction);
      break;
    case "EXPOSE":
      expose(scope, instruction);
      break;
    case "VOLUME":
      metadata.volume(scope, instruction);
      break;
    case "SHELL":
      metadata.shell(scope, instruction);
      break;
    case "USER":
      metadata.user(scope, instruction);
      break;
    case "STOPSIGNAL":
      metadata.stopSignal(scope, instruction);
      break;
    case "MAINTAINER":
      metadata.maintainer(scope, instruction);
      break;
    case "WORKDIR":
      metadata.workdir(scope, instruction);
      break;
    case "ONBUILD":
      scope.configure({ OnBuild: [...(scope.config.OnBuild ?? []), instruction.expression] });
      break;
  }
}
