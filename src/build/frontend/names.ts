// Names of steps, as progress shows them: `[build 2/4] RUN make`.

import { HoyError } from "../../base/error.ts";
import { formatPlatform, normalizePlatform, type Platform, parsePlatform } from "../../image/platform.ts";
import { ExpansionError, expand } from "../dockerfile/expand.ts";
import type { Environment } from "./environment.ts";
import type { StageNode } from "./node.ts";

interface Numbering {
  readonly node: StageNode;
  /** Undefined: platforms are not shown. */
  readonly platform: Platform | undefined;
  readonly env: Environment;
  readonly trigger: boolean;
}

/** Takes the stage's next number. */
export function nextName(text: string, numbering: Numbering): string {
  if (numbering.node.total > 0) numbering.node.index++;
  return currentName(text, numbering);
}

/** With the number that was taken last: a step that is two vertices. */
export function currentName(text: string, { node, platform, env, trigger }: Numbering): string {
  if (node.total === 0) return text;
  const shown = platform === undefined ? "" : `${formatPlatform(platform)}${crossTarget(platform, env)} `;
  const stage = node.name === "" ? "" : `${node.name} `;
  const number = String(node.index).padStart(String(node.total).length);
  return `[${shown}${stage}${number}/${node.total}] ${trigger ? "ONBUILD " : ""}${text}`;
}

/** The instruction with its variables put in and its keyword in capitals; as it is when that fails. */
export function shownText(
  text: string,
  env: Environment,
  options: { readonly escape: "\\" | "`"; readonly raw: boolean; readonly masked?: ReadonlySet<string> },
): string {
  const variables = (name: string) => (options.masked?.has(name) ? "****" : env.get(name));
  const shown = attempt(() =>
    expand(text, variables, { escape: options.escape, rawQuotes: options.raw, skipUnset: options.raw }),
  );
  return upperKeyword(shown?.text ?? text);
}

function upperKeyword(text: string): string {
  const [keyword = ""] = /^[^ ]*/.exec(text) ?? [];
  return keyword.toUpperCase() + text.slice(keyword.length);
}

/** `->arm64` in a stage that compiles for another platform than it runs on. */
function crossTarget(base: Platform, env: Environment): string {
  const target = targetOf(base, env);
  if (target === undefined) return "";
  if (target.os !== base.os) return `->${formatPlatform(target)}`;
  if (target.architecture === base.architecture) return "";
  return `->${[target.architecture, target.variant].filter(Boolean).join("/")}`;
}

function targetOf(base: Platform, env: Environment): Platform | undefined {
  const whole = env.get("TARGETPLATFORM");
  const parsed = whole === undefined ? undefined : attempt(() => parsePlatform(whole));
  if (parsed !== undefined) return parsed;
  const [os, architecture, variant] = ["TARGETOS", "TARGETARCH", "TARGETVARIANT"].map((key) => env.get(key));
  if (os === undefined && architecture === undefined && variant === undefined) return undefined;
  return normalizePlatform({
    os: os || base.os,
    architecture: architecture || base.architecture,
    variant: variant || undefined,
  });
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof ExpansionError || error instanceof HoyError) return undefined;
    throw error;
  }
}
