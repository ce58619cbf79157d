// `--change` of import and commit: Dockerfile instructions that only touch the config, applied to one. What they accept
// and mean is moby's (daemon/builder/dockerfile, BuildFromConfig).

import { posix } from "node:path";
import { HoyError } from "../base/error.ts";
import type { RunConfig } from "./config.ts";
import { parseHealthcheck } from "./healthcheck.ts";
import { parsePorts } from "./ports.ts";
import { checkSignal } from "./signal.ts";
import { expandWord, splitWords } from "./words.ts";

const DEFAULT_SHELL = ["/bin/sh", "-c"];
/** Text of all changes together. */
const LIMIT = 1024 * 1024;
/** Each may be a range of 65,535 ports. */
const PORT_WORDS = 100;

/** One instruction's effect. `rest` is what follows its name, trimmed. */
type Change = (config: Mutable<RunConfig>, rest: string, state: { cmdSet: boolean }) => void;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/**
 * @param changes Instructions; each may have several lines.
 * @returns a new config; the given one is not changed.
 * @throws HoyError "invalid"
 */
export function applyChanges(config: RunConfig, changes: readonly string[]): RunConfig {
  const text = changes.join("\n");
  if (text.length > LIMIT) throw invalid("the changes are too long");
  const result: Mutable<RunConfig> = structuredClone(config);
  const state = { cmdSet: false };
  for (const line of joinLines(text)) {
    const [name = ""] = /^\S+/.exec(line) ?? [];
    const change = CHANGES[name.toUpperCase()];
    if (change === undefined) throw invalid(`${name} is not a valid change command`);
    const rest = line.slice(name.length).trim();
    if (rest === "") throw invalid(`${name.toUpperCase()} requires at least one argument`);
    change(result, rest, state);
  }
  return result;
}

const CHANGES: Readonly<Record<string, Change>> = {
  CMD: (config, rest, state) => {
    config.Cmd = commandLine(config, rest);
    state.cmdSet = true;
  },
  ENTRYPOINT: (config, rest, state) => {
    config.Entrypoint = commandLine(config, rest);
    // The image's own command was meant for its own entry point.
    if (!state.cmdSet) config.Cmd = undefined;
  },
  ENV: (config, rest) => {
    const values = new Map(envEntries(config));
    for (const [key, value] of pairs("ENV", rest, config)) values.set(key, value);
    config.Env = [...values].map(([key, value]) => `${key}=${value}`);
  },
  LABEL: (config, rest) => {
    config.Labels = { ...config.Labels, ...Object.fromEntries(pairs("LABEL", rest, config)) };
  },
  EXPOSE: (config, rest) => {
    const env = environment(config);
    const words = splitWords(rest);
    if (words.length > PORT_WORDS) throw invalid(`EXPOSE has more than ${PORT_WORDS} arguments`);
    const ports = words.flatMap((word) => parsePorts(expandWord(word, env)));
    config.ExposedPorts = { ...config.ExposedPorts, ...Object.fromEntries(ports.map((port) => [port, {}])) };
  },
  VOLUME: (config, rest) => {
    const env = environment(config);
    const paths = (jsonForm(rest) ?? splitWords(rest)).map((path) => expandWord(path, env).trim());
    if (paths.includes("")) throw invalid("VOLUME specified can not be an empty string");
    config.Volumes = { ...config.Volumes, ...Object.fromEntries(paths.map((path) => [path, {}])) };
  },
  USER: (config, rest) => {
    config.User = expandWord(single("USER", rest), environment(config));
  },
  WORKDIR: (config, rest) => {
    const path = expandWord(rest, environment(config));
    if (path === "") throw invalid("cannot normalize nothing");
    config.WorkingDir = posix.resolve("/", config.WorkingDir ?? "", path);
  },
  STOPSIGNAL: (config, rest) => {
    const signal = expandWord(single("STOPSIGNAL", rest), environment(config));
    checkSignal(signal);
    config.StopSignal = signal;
  },
  HEALTHCHECK: (config, rest) => {
    config.Healthcheck = parseHealthcheck(rest, jsonForm);
  },
  ONBUILD: (config, rest) => {
    const [trigger = ""] = /^\S+/.exec(rest) ?? [];
    const upper = trigger.toUpperCase();
    if (upper === "ONBUILD") throw invalid("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
    if (upper === "FROM" || upper === "MAINTAINER") throw invalid(`${upper} isn't allowed as an ONBUILD trigger`);
    config.OnBuild = [...(config.OnBuild ?? []), rest];
  },
};

/** `["a", "b"]`, or undefined when it is not JSON. @throws HoyError "invalid" when it is a list of something else. */
function jsonForm(rest: string): string[] | undefined {
  if (!rest.startsWith("[")) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(rest);
  } catch (error) {
    // Then it is a shell's "[".
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (!Array.isArray(value)) return undefined;
  if (!value.every((one) => typeof one === "string")) {
    throw invalid("when using JSON array syntax, arrays must be comprised of strings only");
  }
  return value;
}

function commandLine(config: RunConfig, rest: string): string[] {
  return jsonForm(rest) ?? [...(config.Shell ?? DEFAULT_SHELL), rest];
}

/** `a=1 b="2 3"`, or the old `a the rest of the line`. */
function pairs(instruction: string, rest: string, config: RunConfig): [string, string][] {
  const env = environment(config);
  const words = splitWords(rest);
  const [first = ""] = words;
  if (!first.includes("=")) {
    if (words.length < 2) throw invalid(`${instruction} must have two arguments`);
    return [[expandWord(first, env), expandWord(rest.slice(first.length).trim(), env)]];
  }
  return words.map((word) => {
    const equals = word.indexOf("=");
    if (equals < 0) {
      throw invalid(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
    }
    const key = expandWord(word.slice(0, equals), env);
    if (key === "") throw invalid(`${instruction} names can not be blank`);
    return [key, expandWord(word.slice(equals + 1), env)];
  });
}

function single(instruction: string, rest: string): string {
  const words = splitWords(rest);
  if (words.length !== 1) throw invalid(`${instruction} requires exactly one argument`);
  return rest;
}

function envEntries(config: RunConfig): [string, string][] {
  return (config.Env ?? []).map((entry) => {
    const equals = entry.indexOf("=");
    return equals < 0 ? [entry, ""] : [entry.slice(0, equals), entry.slice(equals + 1)];
  });
}

function environment(config: RunConfig): ReadonlyMap<string, string> {
  return new Map(envEntries(config));
}

/** Joins lines that end in a backslash; leaves out comments and empty lines. */
function joinLines(text: string): string[] {
  const lines: string[] = [];
  let current = "";
  for (const line of text.split("\n")) {
    if (/^\s*(#.*)?$/.test(line)) continue;
    const continued = /\\[ \t]*$/.exec(line);
    current += continued === null ? line : line.slice(0, continued.index);
    if (continued !== null) continue;
    lines.push(current.trim());
    current = "";
  }
  if (current.trim() !== "") lines.push(current.trim());
  return lines;
}

function invalid(message: string): HoyError {
  return new HoyError("invalid", message);
}
