// RUN: the command with its shell, here-documents and mounts as one ExecOp.

import { Fault } from "../dockerfile/fault.ts";
import { stripTabs } from "../dockerfile/instructions/heredoc.ts";
import { readMount } from "../dockerfile/instructions/mount.ts";
import type { Run } from "../dockerfile/instructions/types.ts";
import { readHeredocWord } from "../dockerfile/parse.ts";
import type { ExecMount, ExecOp, Input } from "../graph.ts";
import { mountsOf } from "./mounts.ts";
import { Inputs, type Scope } from "./scope.ts";
import { withShell } from "./shell.ts";

const SCRIPTS = "/dev/pipes/";

export function run(scope: Scope, instruction: Run): void {
  const { state, node, conversion } = scope;
  const { options } = conversion;
  const mounts = instruction.mounts.map((text) => readMount(text, scope.expand));
  // The command may read anything.
  node.paths.add("/");
  if (instruction.devices.length > 0) {
    throw new Fault("RUN --device is not supported: devices are not given to build steps");
  }
  const { args, script, summary } = commandOf(scope, instruction);
  const inputs = new Inputs();
  const root: ExecMount = {
    input: inputs.add(state.tree),
    selector: "",
    target: "/",
    readonly: false,
    output: 0,
    detail: { type: "bind" },
  };
  const scriptMounts: ExecMount[] =
    script === undefined
      ? []
      : [
          {
            input: inputs.add(script),
            selector: "",
            target: SCRIPTS,
            readonly: true,
            output: -1,
            detail: { type: "bind" },
          },
        ];
  const asked = mountsOf(scope, mounts, inputs);
  let env = state.env;
  if (asked.agent !== undefined && env.get("SSH_AUTH_SOCK") === undefined) env = env.with("SSH_AUTH_SOCK", asked.agent);
  const op: ExecOp = {
    kind: "exec",
    args,
    env: env.list(),
    cwd: state.cwd,
    user: scope.config.User ?? "",
    hostname: options.hostname,
    network: instruction.network === "default" ? options.network : instruction.network,
    insecure: instruction.security === "insecure",
    extraHosts: options.extraHosts,
    ulimits: options.ulimits,
    shmSize: options.shmSize,
    cgroupParent: options.cgroupParent,
    proxyEnv: conversion.proxyEnv,
    secretEnv: asked.secretEnv,
    mounts: [root, ...scriptMounts, ...asked.mounts],
  };
  const masked = new Set(asked.secretEnv.map(({ name }) => name));
  const name = scope.stepName(instruction.text + summary, masked);
  state.tree = { vertex: scope.vertex(op, inputs.list, name), output: 0 };
  scope.commit(`RUN ${[...argumentsInHistory(scope), ...args].join(" ")} # buildkit`, state.tree);
}

function commandOf(
  scope: Scope,
  { command }: Run,
): { readonly args: readonly string[]; readonly script: Input | undefined; readonly summary: string } {
  const [first] = command.heredocs;
  const [line = ""] = command.args;
  if (first === undefined) {
    return { args: withShell(scope, command), script: undefined, summary: "" };
  }
  const alone = readHeredocWord(line) !== undefined;
  if (!alone) {
    // The shell reads the documents itself.
    const whole = line + command.heredocs.map(({ content, name }) => `\n${content}${name}`).join("");
    return { args: withShell(scope, { ...command, args: [whole] }), script: undefined, summary: "" };
  }
  const text = first.stripTabs ? stripTabs(first.content) : first.content;
  const summary = ` (${summarize(first.content)})`;
  if (!text.startsWith("#!")) {
    return { args: withShell(scope, { ...command, args: [text] }), script: undefined, summary };
  }
  const script = inlineFile(scope, first.name, text, 0o755);
  return { args: withShell(scope, { ...command, args: [SCRIPTS + first.name] }), script, summary };
}

/** A document as a file in a tree of its own. */
export function inlineFile(scope: Scope, name: string, text: string, mode: number): Input {
  const action = {
    type: "file",
    path: `/${name.replace(/^\/+/, "")}`,
    data: new TextEncoder().encode(text),
    mode,
    owner: undefined,
    created: scope.conversion.sourceDateEpoch,
  } as const;
  const op = { kind: "file", actions: [{ input: -1, secondary: -1, output: 0, action }] } as const;
  return { vertex: scope.vertex(op, [], "[internal] preparing inline document", "always"), output: 0 };
}

/** `|2 A=1 B=2`: which arguments the command saw, as the history has always told it. */
function argumentsInHistory({ state }: Scope): string[] {
  const seen = new Map(state.args.map(({ key, value }) => [key, state.env.get(key) ?? value ?? ""]));
  return seen.size === 0 ? [] : [`|${seen.size}`, ...[...seen].map(([key, value]) => `${key}=${value}`)];
}

function summarize(document: string): string {
  const [first = "", ...more] = document.trim().split(/\r?\n/);
  return more.length > 0 ? `${first}...` : first;
}
