// Docker's client plugins, such as docker-compose and docker-buildx: programs of a `cli-plugins` directory that serve the
// command of their name. The plugin takes over this process, so terminal, signals and exit code are its own.

import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";
import { ConfigFile } from "./config/file.ts";
import { checkGlobals, type Globals } from "./globals.ts";
import type { CliIo } from "./io.ts";
import { addressInUse } from "./session.ts";

/** Where distributions and administrators put them, in docker's order. */
const SYSTEM_DIRECTORIES = [
  "/usr/local/lib/docker/cli-plugins",
  "/usr/local/libexec/docker/cli-plugins",
  "/usr/lib/docker/cli-plugins",
  "/usr/libexec/docker/cli-plugins",
];

/** Becomes a file's name: docker allows letters and digits, so that none leads elsewhere. */
export const PLUGIN_NAME = /^[a-z][a-z0-9]*$/;

/** The program that serves `name`; undefined when no directory has one. */
export function findPlugin(name: string, globals: Globals): string | undefined {
  if (!PLUGIN_NAME.test(name)) return undefined;
  return pluginDirectories(globals)
    .map((each) => join(each, `docker-${name}`))
    .find(isProgram);
}

/** Where plugins are; what is in an earlier one hides its like in a later. */
export function pluginDirectories(globals: Globals): readonly string[] {
  const { data, directory } = new ConfigFile(globals.config);
  const extra = (data.cliPluginsExtraDirs ?? []).filter((each) => typeof each === "string");
  return [...extra, join(directory, "cli-plugins"), ...SYSTEM_DIRECTORIES];
}

/** Goes on as the plugin, with the whole command line as it was written: flags before the command are the plugin's too. */
export function becomePlugin(file: string, argv: readonly string[], io: CliIo, globals: Globals): never {
  checkGlobals(globals);
  io.become(file, argv, pluginEnvironment(io, globals));
}

export function pluginEnvironment(io: CliIo, globals: Globals): CliIo["env"] {
  const config = new ConfigFile(globals.config);
  const address = addressInUse({ io, globals, config });
  return {
    ...io.env,
    DOCKER_CLI_PLUGIN_ORIGINAL_CLI_COMMAND: io.program,
    // Plugins would look for docker's own socket.
    ...(address === undefined ? {} : { DOCKER_HOST: address }),
  };
}

function isProgram(file: string): boolean {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return false;
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
