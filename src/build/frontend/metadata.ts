// The instructions that only change the image's config and the variables that later ones see.

import { checkSignal } from "../../image/signal.ts";
import { Fault } from "../dockerfile/fault.ts";
import type { Arg, Health, Pairs, Program, Text, Words } from "../dockerfile/instructions/types.ts";
import { checkJsonForm, checkLegacyPairs, checkOnce, checkSecret, checkWorkdir } from "../lint/stage.ts";
import { setInList } from "./environment.ts";
import { formatDuration, quoteList } from "./golang.ts";
import { ownerOf } from "./owner.ts";
import { resolve } from "./paths.ts";
import { Inputs, type Scope } from "./scope.ts";
import { withShell } from "./shell.ts";

export function env(scope: Scope, instruction: Pairs): void {
  const { expand, linter, config } = scope;
  // All of them see what was set before the instruction.
  const pairs = instruction.pairs.map(({ key, value }) => ({ key: expand(key), value: expand(value) }));
  checkLegacyPairs(instruction, linter);
  let list: readonly string[] = config.Env ?? [];
  for (const { key, value } of pairs) {
    checkSecret("ENV", key, instruction.range, linter);
    scope.setVariable(key, value);
    list = setInList(list, key, value);
  }
  scope.configure({ Env: [...list] });
  scope.commit(`ENV ${pairs.map(({ key, value }) => `${key}=${value}`).join(" ")}`);
}

export function label(scope: Scope, instruction: Pairs): void {
  const pairs = instruction.pairs.map(({ key, value }) => [scope.expand(key), scope.expand(value)] as const);
  checkLegacyPairs(instruction, scope.linter);
  scope.configure({ Labels: Object.fromEntries([...Object.entries(scope.config.Labels ?? {}), ...pairs]) });
  scope.commit(`LABEL ${pairs.map(([key, value]) => `${key}=${value}`).join(" ")}`);
}

export function arg(scope: Scope, instruction: Arg): void {
  const { state, linter, conversion } = scope;
  const shown = instruction.args.map(({ key, value: fallback }) => {
    checkSecret("ARG", key, instruction.range, linter);
    const given = conversion.options.buildArgs.get(key);
    const value = given ?? (fallback === undefined ? conversion.globals.get(key) : scope.expand(fallback));
    if (value !== undefined) scope.setVariable(key, value);
    state.args = [...state.args, { key, value }];
    return value === undefined ? key : `${key}=${value}`;
  });
  scope.commit(`ARG ${shown.join(" ")}`);
}

/** CMD and ENTRYPOINT. An ENTRYPOINT drops the CMD that the base brought: it was meant for another program. */
export function program(scope: Scope, instruction: Program): void {
  const { node, linter, config } = scope;
  const { kind, command } = instruction;
  checkOnce(instruction, node.last, linter);
  if (command.shell && (config.Shell ?? []).length === 0) checkJsonForm(instruction, linter);
  const args = [...withShell(scope, command)];
  if (kind === "CMD") scope.configure({ Cmd: args, ArgsEscaped: true });
  else {
    const inherited = node.last.has("CMD") ? {} : { Cmd: undefined };
    scope.configure({ Entrypoint: args.length === 0 ? undefined : args, ...inherited });
  }
  scope.commit(`${kind} ${quoteList(args)}`);
}

export function healthcheck(scope: Scope, instruction: Health): void {
  const { check } = instruction;
  checkOnce(instruction, scope.node.last, scope.linter);
  scope.configure({ Healthcheck: check });
  const spans = [
    ["Interval", check.Interval],
    ["Timeout", check.Timeout],
    ["StartPeriod", check.StartPeriod],
    ["StartInterval", check.StartInterval],
  ] as const;
  const shown = spans.map(([name, value]) => `${name}:${formatDuration(value ?? 0)}`).join(" ");
  scope.commit(`HEALTHCHECK {Test:[${(check.Test ?? []).join(" ")}] ${shown} Retries:${check.Retries ?? 0}}`);
}

export function volume(scope: Scope, instruction: Words): void {
  const paths = instruction.words.map(scope.expand);
  if (paths.includes("")) throw new Fault("VOLUME specified can not be an empty string");
  const added = paths.map((path) => [path, {}] as const);
  scope.configure({ Volumes: Object.fromEntries([...Object.entries(scope.config.Volumes ?? {}), ...added]) });
  scope.commit(`VOLUME [${paths.join(" ")}]`);
}

export function shell(scope: Scope, instruction: Words): void {
  scope.configure({ Shell: [...instruction.words] });
  scope.commit(`SHELL [${instruction.words.join(" ")}]`);
}

export function user(scope: Scope, instruction: Text): void {
  const name = scope.expand(instruction.value);
  scope.configure({ User: name });
  scope.commit(`USER ${name}`);
}

export function stopSignal(scope: Scope, instruction: Text): void {
  const signal = scope.expand(instruction.value);
  checkSignal(signal);
  scope.configure({ StopSignal: signal });
  scope.commit(`STOPSIGNAL ${signal}`);
}

export function maintainer(scope: Scope, instruction: Text): void {
  scope.state.image = { ...scope.state.image, author: instruction.value };
  scope.commit(`MAINTAINER ${instruction.value}`);
}

/** The directory is made, of the stage's user; "/" is there. */
export function workdir(scope: Scope, instruction: Text): void {
  const { state, conversion } = scope;
  const path = scope.expand(instruction.value);
  if (!state.workdirSet) checkWorkdir(path, instruction.range, scope.linter);
  state.workdirSet = true;
  const directory = resolve(scope.config.WorkingDir ?? "", path, false);
  scope.configure({ WorkingDir: directory });
  state.cwd = directory;
  if (directory === "/") {
    scope.commit(`WORKDIR ${directory}`);
    return;
  }
  const inputs = new Inputs();
  const action = {
    type: "directory",
    path: directory,
    mode: 0o755,
    parents: true,
    owner: ownerOf(scope.config.User ?? ""),
    created: conversion.sourceDateEpoch,
  } as const;
  const op = { kind: "file", actions: [{ input: inputs.add(state.tree), secondary: -1, output: 0, action }] } as const;
  const name = scope.stepName(instruction.text);
  state.tree = { vertex: scope.vertex(op, inputs.list, name, "always"), output: 0 };
  scope.commit(`WORKDIR ${directory}`, state.tree);
}
