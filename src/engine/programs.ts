// The programs of others that the engine runs: OCI runtimes and the init of `--init`, found on PATH once.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { HoyError } from "../base/error.ts";
import type { EngineSettings } from "../base/settings.ts";
import type { OciRuntime } from "../runtime/contract.ts";

const SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The absolute path of a program; undefined when it is not there. */
export function findProgram(name: string): string | undefined {
  if (name.startsWith("/")) return isExecutable(name) ? name : undefined;
  const directories = `${process.env.PATH ?? ""}${delimiter}${SYSTEM_PATH}`.split(delimiter);
  return directories
    .filter((directory) => directory.startsWith("/"))
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** catatonit or tini, unless the settings name another. */
export function findInit(settings: EngineSettings): string | undefined {
  if (settings.initPath !== undefined) return findProgram(settings.initPath);
  return findProgram("catatonit") ?? findProgram("tini") ?? findProgram("docker-init");
}

/** Looked up once a set of settings: every start asks. */
const found = new WeakMap<EngineSettings, Map<string, OciRuntime>>();

/** The runtime of a name, the default for none. @throws HoyError "invalid" for one that is not set up. */
export function ociRuntime(settings: EngineSettings, wanted: string | null | undefined): OciRuntime {
  const name = wanted || settings.defaultRuntime;
  const cache = found.get(settings) ?? new Map<string, OciRuntime>();
  found.set(settings, cache);
  const runtime = cache.get(name) ?? findRuntime(settings, name);
  cache.set(name, runtime);
  return runtime;
}

function findRuntime(settings: EngineSettings, name: string): OciRuntime {
  const known = Object.hasOwn(settings.runtimes, name) ? settings.runtimes[name] : undefined;
  if (known === undefined) throw new HoyError("invalid", `unknown or invalid runtime name: ${name}`);
  const path = findProgram(known.path);
  if (path === undefined) {
    throw new HoyError("invalid", `the program of runtime ${name} is not there: ${known.path}`, {
      hint: `install ${name}, or set another default-runtime`,
    });
  }
  return { name, path, args: known.args };
}
