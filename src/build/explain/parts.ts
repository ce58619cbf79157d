// A step's key in parts that a person can be told of: name → value, the value being a digest where it may be a secret.
// What is in the key is in the parts; two steps of the same parts have the same key.

import { sha256 } from "../../base/digest.ts";
import { formatPlatform } from "../../image/platform.ts";
import type { ExecOp, FileAction, Vertex } from "../graph.ts";
import { canonical } from "../solver/digests.ts";

export type KeyParts = Readonly<Record<string, string>>;

/** Names of parts begin with one of these; what follows says which of them. */
export const PART = {
  command: "command",
  base: "base",
  below: "below",
  copy: "copy ",
  files: "files ",
  mount: "mount ",
  secret: "secret ",
  setting: "setting ",
  variable: "variable ",
} as const;

/** @param contents of the mounts, in their order; undefined: empty */
export function execParts(vertex: Vertex, op: ExecOp, contents: readonly (string | undefined)[]): KeyParts {
  const parts: Record<string, string> = { [PART.command]: commandOf(op.args) };
  for (const word of op.env) {
    const sign = word.indexOf("=");
    // Arguments of a build may be secrets of careless people.
    parts[`${PART.variable}${word.slice(0, sign)}`] = sha256(word);
  }
  for (const { name, id } of op.secretEnv) parts[`${PART.secret}${name}`] = id;
  const { cwd, user, hostname, network, insecure, extraHosts, ulimits, shmSize, cgroupParent } = op;
  const settings = {
    directory: cwd,
    user,
    hostname,
    network,
    insecure,
    hosts: extraHosts,
    ulimits,
    shmSize,
    cgroupParent,
  };
  if (op.validExitCodes !== undefined) parts[`${PART.setting}exit codes`] = plain(op.validExitCodes);
  for (const [name, value] of Object.entries(settings)) parts[`${PART.setting}${name}`] = plain(value);
  parts[`${PART.setting}platform`] = formatPlatform(vertex.platform);
  for (const [index, { target, input, selector, readonly, detail }] of op.mounts.entries()) {
    const content = contents[index];
    if (target === "/") Object.assign(parts, belowParts(vertex, input, content));
    else {
      parts[`${PART.mount}${target}`] = plain({ selector, readonly, detail });
      if (content !== undefined) parts[`${PART.files}${target}`] = content;
    }
  }
  return parts;
}

/** @param sources checksums of what the copies take; undefined for other actions */
export function fileParts(
  vertex: Vertex,
  actions: readonly FileAction[],
  below: string | undefined,
  sources: readonly (string | undefined)[],
): KeyParts {
  const [first] = actions;
  const parts: Record<string, string> = { ...belowParts(vertex, first?.input ?? -1, below) };
  for (const [index, { action }] of actions.entries()) {
    const name = action.type === "copy" ? `${action.source} to ${action.target}` : `${action.type} ${action.path}`;
    parts[`${PART.copy}${name}`] = action.type === "file" ? sha256(canonical(action)) : plain(action);
    const source = sources[index];
    if (source !== undefined) parts[`${PART.files}${name}`] = source;
  }
  return parts;
}

/** What the step stands on: an image by its reference, or another step by what came out of it. */
function belowParts({ inputs }: Vertex, input: number, content: string | undefined): Record<string, string> {
  const below = inputs[input]?.vertex;
  if (below === undefined) return {};
  const { op, name } = below;
  return {
    ...(op.kind === "source" && op.type === "image" ? { [PART.base]: op.ref } : {}),
    [PART.below]: `${name}\n${content ?? ""}`,
  };
}

/** @param clamp ns; times are clamped to it */
export function withClamp(parts: KeyParts, clamp: bigint | undefined): KeyParts {
  return clamp === undefined ? parts : { ...parts, [`${PART.setting}source date`]: String(clamp / 1_000_000_000n) };
}

function commandOf(args: readonly string[]): string {
  const [shell, flag, text, ...more] = args;
  return shell === "/bin/sh" && flag === "-c" && text !== undefined && more.length === 0 ? text : plain(args);
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : canonical(value);
}
