// COPY and ADD: their sources as actions of one FileOp, on the stage's tree or, with --link, on nothing, to be merged
// over it. What a source is (a path, a URL, a repository, a here-document) is sources.ts's business.

import { Fault } from "../dockerfile/fault.ts";
import type { Add, Copy } from "../dockerfile/instructions/types.ts";
import type { FileAction, FileOp, Input } from "../graph.ts";
import { checkIgnored } from "../lint/stage.ts";
import { checkMode, ownerOf } from "./owner.ts";
import { resolve, rooted } from "./paths.ts";
import { remoteSource } from "./remote.ts";
import { inlineFile } from "./run.ts";
import { Inputs, type Scope } from "./scope.ts";

type FileCopy = Extract<FileAction["action"], { type: "copy" }>;
interface From {
  readonly tree: Input | undefined;
  readonly copy: Pick<FileCopy, "source"> & Partial<FileCopy>;
}

export function copy(scope: Scope, written: Copy | Add): void {
  const instruction = expanded(scope, written);
  const { state, conversion } = scope;
  const target = resolve(state.cwd, ["", "."].includes(instruction.target) ? "./" : instruction.target, true);
  const mode = checkMode(instruction.chmod);
  checkChecksum(instruction);
  const name = scope.stepName(instruction.text);
  const found = sourcesOf(scope, instruction, name);
  const links = instruction.link && instruction.chmod === "";
  const inputs = new Inputs();
  const base = links ? -1 : inputs.add(state.tree);
  const common: Omit<FileCopy, "source"> = {
    type: "copy",
    target,
    owner: ownerOf(instruction.chown),
    mode,
    followSymlink: false,
    contentsOnly: false,
    unpack: false,
    createTarget: true,
    allowWildcard: false,
    allowEmptyWildcard: false,
    include: [],
    exclude: instruction.exclude,
    parents: instruction.kind === "COPY" && instruction.parents,
    alwaysReplace: false,
    created: conversion.sourceDateEpoch,
  };
  const numbers = found.map(({ tree }) => inputs.add(tree ?? emptyTree(scope)));
  const count = inputs.list.length;
  const actions: FileAction[] = found.map(({ copy }, index) => ({
    input: index === 0 ? base : count + index - 1,
    secondary: numbers[index] ?? -1,
    output: index === found.length - 1 ? 0 : -1,
    action: { ...common, ...copy },
  }));
  const op: FileOp = { kind: "file", actions };
  const copied: Input = { vertex: scope.vertex(op, inputs.list, name), output: 0 };
  if (!links || state.tree === undefined) state.tree = copied;
  else {
    const label = scope.sameStepName(`LINK ${instruction.text}`);
    state.tree = { vertex: scope.vertex({ kind: "merge" }, [state.tree, copied], label), output: 0 };
  }
  scope.commit(`${historyText(instruction)} # buildkit`, state.tree);
}

function expanded<T extends Copy | Add>(scope: Scope, instruction: T): T {
  const { expand } = scope;
  return {
    ...instruction,
    chown: expand(instruction.chown),
    chmod: expand(instruction.chmod),
    ...(instruction.kind === "ADD" ? { checksum: expand(instruction.checksum) } : {}),
    sources: instruction.sources.map(expand),
    target: expand(instruction.target),
    inline: instruction.inline.map((file) => (file.expand ? { ...file, data: scope.expandDocument(file.data) } : file)),
  };
}

function sourcesOf(scope: Scope, instruction: Copy | Add, name: string): From[] {
  const place = placeOf(scope, instruction);
  const paths = instruction.sources.map((source): From => {
    const remote = remoteSource(scope, instruction, source, name);
    if (remote !== undefined) return remote;
    const ignore = scope.command.sources.length === 0 ? scope.conversion.ignore : undefined;
    checkIgnored(source, instruction.kind, ignore, instruction.range, scope.linter);
    place.used.add(rooted(source));
    return { tree: place.tree, copy: pathCopy(instruction, source) };
  });
  const documents = instruction.inline.map(
    ({ name: file, data }): From => ({
      tree: inlineFile(scope, file, data, 0o644),
      copy: { source: `/${file.replace(/^\/+/, "")}` },
    }),
  );
  const all = [...paths, ...documents];
  if (all.length === 0) throw new Fault(`${instruction.kind} requires at least one source`);
  return all;
}

/** Where its paths are, and who is told of them. */
function placeOf(scope: Scope, instruction: Copy | Add): { tree: Input | undefined; used: Set<string> } {
  const { conversion, command, node } = scope;
  const [source] = command.sources;
  if (source === undefined) return { tree: conversion.mainContext, used: conversion.contextPaths };
  if (source.state === undefined || !source.done) {
    const from = instruction.kind === "COPY" ? instruction.from : "";
    throw new Fault(
      `cannot copy from stage ${JSON.stringify(from)}, it needs to be defined before current stage ${JSON.stringify(node.name)}`,
    );
  }
  return { tree: source.state.tree, used: source.paths };
}

function pathCopy(instruction: Copy | Add, source: string): From["copy"] {
  const common = {
    followSymlink: true,
    contentsOnly: true,
    unpack: instruction.kind === "ADD" && (instruction.unpack ?? true),
    allowWildcard: true,
    allowEmptyWildcard: true,
  };
  if (instruction.kind === "ADD" || !instruction.parents) return { ...common, source: resolve("/", source, false) };
  // "a/./b/c": only what follows the dot is kept in the target, so the dot stays.
  return { ...common, source: source.startsWith("/") ? source : `/${source}` };
}

/** A stage of nothing has no files: the copy says which one it looked for. */
function emptyTree(scope: Scope): Input {
  return { vertex: scope.vertex({ kind: "source", type: "scratch" }, [], "FROM scratch", "always"), output: 0 };
}

function checkChecksum(instruction: Copy | Add): void {
  if (instruction.kind === "COPY" || instruction.checksum === "") return;
  if (instruction.sources.length !== 1) throw new Fault("checksum can't be specified for multiple sources");
}

function historyText(instruction: Copy | Add): string {
  const flags = [
    instruction.kind === "COPY" && instruction.parents ? "--parents" : "",
    instruction.chown === "" ? "" : `--chown=${instruction.chown}`,
    instruction.chmod === "" ? "" : `--chmod=${instruction.chmod}`,
  ];
  const documents = instruction.inline.map(({ name }) => `<<${name}`);
  return [instruction.kind, ...flags.filter(Boolean), ...instruction.sources, ...documents, instruction.target].join(
    " ",
  );
}
