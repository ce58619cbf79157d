// Which plugins there are and what they say of themselves, for help pages, `info` and completion. Each is asked by a
// command of docker's (`docker-cli-plugin-metadata`), all at once. What is no plugin is listed with the reason.

import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { compareText } from "./base/text.ts";
import type { Group } from "./command.ts";
import type { Globals } from "./globals.ts";
import type { CliIo } from "./io.ts";
import { PLUGIN_NAME, pluginDirectories, pluginEnvironment } from "./plugins.ts";

/** In docker's words, as `info` gives it in JSON. */
export interface Plugin {
  readonly SchemaVersion?: string;
  readonly Vendor?: string;
  readonly Version?: string;
  readonly ShortDescription?: string;
  readonly URL?: string;
  readonly Name: string;
  readonly Path: string;
  /** Why it can't be used. */
  readonly Err?: string;
  /** Others of its name, in later directories. */
  readonly ShadowedPaths?: readonly string[];
}

const run = promisify(execFile);
const PREFIX = "docker-";
/** Of an answer; they have some hundred bytes. */
const MAX_BYTES = 64 * 1024;
const PATIENCE_MS = 5_000;
/** More are not asked: a directory of other things, by mistake. */
const MAX_PLUGINS = 100;

/** By name. @param commands our own, which no plugin may serve */
export async function listPlugins(io: CliIo, globals: Globals, commands: Group): Promise<readonly Plugin[]> {
  const found = new Map<string, string[]>();
  for (const directory of pluginDirectories(globals))
    for (const name of candidatesIn(directory)) {
      const paths = found.get(name) ?? [];
      found.set(name, [...paths, join(directory, PREFIX + name)]);
    }
  const sorted = [...found].sort(([left], [right]) => compareText(left, right)).slice(0, MAX_PLUGINS);
  const env = sorted.length === 0 ? {} : pluginEnvironment(io, globals);
  return Promise.all(
    sorted.map(async ([name, [path = "", ...shadowed]]): Promise<Plugin> => {
      const more = shadowed.length === 0 ? {} : { ShadowedPaths: shadowed };
      return { ...(await describe(name, path, commands, env)), Name: name, Path: path, ...more };
    }),
  );
}

/** What the plugin NAME offers after these words, one "WORD\tHELP" a line; nothing when it can't say. */
export async function completeByPlugin(
  file: string,
  words: readonly string[],
  io: CliIo,
  globals: Globals,
): Promise<string[]> {
  const text = await output(file, ["__complete", ...words], pluginEnvironment(io, globals)).catch(() => "");
  // ":4" says how the shell should go on, and "_activeHelp_" is for shells that show text.
  return text.split("\n").filter((line) => line !== "" && !/^:\d+$/.test(line) && !line.startsWith("_activeHelp_"));
}

function candidatesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.name.startsWith(PREFIX) && (entry.isFile() || entry.isSymbolicLink()))
      .map((entry) => entry.name.slice(PREFIX.length));
  } catch {
    // Most are not there; one that can't be read has no plugins for us.
    return [];
  }
}

async function describe(
  name: string,
  path: string,
  commands: Group,
  env: CliIo["env"],
): Promise<Omit<Plugin, "Name" | "Path">> {
  if (!PLUGIN_NAME.test(name)) return { Err: `plugin candidate "${name}" did not match "^[a-z][a-z0-9]*$"` };
  if (commands.child(name) !== undefined) return { Err: `plugin "${name}" duplicates builtin command` };
  let text: string;
  try {
    text = await output(path, ["docker-cli-plugin-metadata"], env);
  } catch (thrown) {
    return { Err: `failed to fetch metadata: ${reason(path, thrown)}` };
  }
  const told = metadata(text);
  if (told === undefined) return { Err: "invalid metadata: it is no JSON object" };
  if (told.SchemaVersion !== "0.1.0")
    return { ...told, Err: `plugin SchemaVersion "${told.SchemaVersion ?? ""}" is not valid, must be 0.1.0` };
  if (told.Vendor === undefined) return { ...told, Err: "plugin metadata does not define a vendor" };
  return told;
}

const FIELDS = ["SchemaVersion", "Vendor", "Version", "ShortDescription", "URL"] as const;

function metadata(text: string): Partial<Record<(typeof FIELDS)[number], string>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const known = new Map(Object.entries(value));
    return Object.fromEntries(
      FIELDS.flatMap((field) => {
        const one: unknown = known.get(field);
        // Shown on a terminal: no control characters.
        return typeof one === "string" && one !== "" ? [[field, one.replaceAll(/\p{Cc}/gu, " ")]] : [];
      }),
    );
  } catch {
    return undefined;
  }
}

async function output(file: string, args: readonly string[], env: CliIo["env"]): Promise<string> {
  const { stdout } = await run(file, args, {
    env: { ...env },
    timeout: PATIENCE_MS,
    killSignal: "SIGKILL",
    maxBuffer: MAX_BYTES,
  });
  return stdout;
}

/** As Go says why a program could not be run, or how it ended. */
function reason(path: string, thrown: unknown): string {
  if (!(thrown instanceof Error) || !("code" in thrown)) return String(thrown);
  const { code } = thrown;
  if (typeof code === "number") return `exit status ${code}`;
  const words: Readonly<Record<string, string>> = {
    ENOENT: "no such file or directory",
    EACCES: "permission denied",
    ENOEXEC: "exec format error",
  };
  if (typeof code === "string") return `fork/exec ${path}: ${words[code] ?? code}`;
  return `no answer within ${PATIENCE_MS / 1000} seconds`;
}
