// ARG outside of stages: the predefined ones of platforms, those before the first FROM, and the proxies, which commands
// get without their being declared and which are never part of the image.

import { formatPlatform, type Platform } from "../../image/platform.ts";
import { located } from "../dockerfile/fault.ts";
import type { Arg } from "../dockerfile/instructions/types.ts";
import type { Source } from "../dockerfile/source.ts";
import { expandWord } from "./conversion.ts";
import { Environment } from "./environment.ts";

/** BUILDPLATFORM, TARGETARCH and so on; build arguments may say otherwise. */
export function predefinedArgs(
  build: Platform,
  target: Platform,
  stage: string,
  overrides: ReadonlyMap<string, string>,
): Environment {
  const values: readonly (readonly [string, string])[] = [
    ["BUILDPLATFORM", formatPlatform(build)],
    ["BUILDOS", build.os],
    ["BUILDOSVERSION", ""],
    ["BUILDARCH", build.architecture],
    ["BUILDVARIANT", build.variant ?? ""],
    ["TARGETPLATFORM", formatPlatform(target)],
    ["TARGETOS", target.os],
    ["TARGETOSVERSION", ""],
    ["TARGETARCH", target.architecture],
    ["TARGETVARIANT", target.variant ?? ""],
    ["TARGETSTAGE", stage === "" ? "default" : stage],
  ];
  return values.reduce((env, [key, value]) => env.with(key, overrides.get(key) ?? value), new Environment());
}

/** ARG before the first FROM: build arguments go before defaults, and defaults may use what stands before them. */
export function globalArgs(
  args: readonly Arg[],
  start: Environment,
  buildArgs: ReadonlyMap<string, string>,
  source: Source,
  escapeSign: "\\" | "`",
): { env: Environment; declared: Set<string> } {
  let env = start;
  const declared = new Set<string>();
  for (const instruction of args) {
    for (const { key, value: fallback } of instruction.args) {
      declared.add(key);
      const given = buildArgs.get(key);
      const value =
        given ??
        (fallback === undefined
          ? undefined
          : located(source, instruction.range, "build", () => expandWord(fallback, env, escapeSign).text));
      if (value !== undefined) env = env.with(key, value);
    }
  }
  return { env, declared };
}

const PROXIES = ["http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"];

/** Build arguments that need no ARG. */
export function isPredefined(key: string): boolean {
  return PROXIES.includes(key.toLowerCase());
}

/** Each in both cases: programs look for one or the other. */
export function proxyEnvironment(buildArgs: ReadonlyMap<string, string>): string[] {
  const found = new Map<string, string>();
  for (const key of [...buildArgs.keys()].sort()) {
    const value = buildArgs.get(key);
    if (isPredefined(key) && value !== undefined && value !== "") found.set(key.toLowerCase(), value);
  }
  return [...found].flatMap(([name, value]) => [`${name.toUpperCase()}=${value}`, `${name}=${value}`]);
}
