// The container's first process: command, environment, directory, limits. HOME is left to the OCI runtime unless the
// image's passwd names one.

import type { ContainerConfig } from "../../api/types/container.ts";
import { HoyError } from "../../base/error.ts";
import type { OciProcess } from "../oci.ts";
import type { HostFacts } from "./facts.ts";
import type { SpecInput } from "./input.ts";

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Where the init program is put in a container. */
export const INIT_PATH = "/sbin/docker-init";

/** @throws HoyError "invalid" when neither Entrypoint nor Cmd says what to run */
export function commandOf(config: ContainerConfig): string[] {
  const command = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  if (command.length === 0 || command[0] === undefined) throw new HoyError("invalid", "no command specified");
  return command;
}

/** Is a small init put before the command? Only in a pid namespace of the container's own, where pid 1 is special. */
export function wantsInit(input: SpecInput): boolean {
  const { PidMode, Init } = input.hostConfig;
  const own = PidMode === undefined || PidMode === "" || PidMode === "private";
  return own && (Init ?? input.defaults.init);
}

export function argsOf(input: SpecInput): string[] {
  const command = commandOf(input.config);
  return wantsInit(input) ? [INIT_PATH, "--", ...command] : command;
}

/** Docker's defaults, then the container's own; the last of a name wins, and `NAME` without "=" takes it away. */
export function environmentOf(config: ContainerConfig, home: string): string[] {
  const found = new Map<string, string>([
    ["PATH", DEFAULT_PATH],
    ["HOSTNAME", config.Hostname ?? ""],
  ]);
  if (config.Tty === true) found.set("TERM", "xterm");
  for (const entry of config.Env ?? []) {
    const equals = entry.indexOf("=");
    if (equals < 0) found.delete(entry);
    else found.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  if (!found.has("HOME") && home !== "") found.set("HOME", home);
  return [...found].map(([name, value]) => `${name}=${value}`);
}

export interface Limits {
  readonly rlimits: NonNullable<OciProcess["rlimits"]>;
  readonly warnings: readonly string[];
}

/** OCI writes "unlimited" as the largest u64; JSON numbers can't hold it, so the spec's writer knows this one. */
export const RLIM_INFINITY = Number.MAX_SAFE_INTEGER;

/**
 * The container's ulimits over the daemon's. A hard limit above the daemon's own needs CAP_SYS_RESOURCE
 * (setrlimit(2)); without it the container gets what there is, with a warning, in place of not starting.
 */
export function limitsOf(input: SpecInput): Limits {
  const wanted = new Map(input.defaults.ulimits.map(({ name, soft, hard }) => [name, { soft, hard }]));
  for (const { Name = "", Soft = 0, Hard = 0 } of input.hostConfig.Ulimits ?? []) {
    wanted.set(Name, { soft: Soft, hard: Hard });
  }
  const warnings: string[] = [];
  const rlimits = [...wanted].map(([name, limit]) => {
    const ceiling = ceilingOf(name, input.facts);
    const hard = unlimited(limit.hard);
    if (hard > ceiling)
      warnings.push(`ulimit ${name}: the daemon may not go above ${ceiling}, ${shown(hard)} was asked for`);
    const granted = Math.min(hard, ceiling);
    return {
      type: `RLIMIT_${name.toUpperCase()}`,
      soft: finite(Math.min(unlimited(limit.soft), granted)),
      hard: finite(granted),
    };
  });
  return { rlimits, warnings };
}

function ceilingOf(name: string, facts: HostFacts): number {
  if (facts.capabilities.includes("CAP_SYS_RESOURCE")) return Infinity;
  return facts.hardLimits.get(name) ?? Infinity;
}

const unlimited = (value: number) => (value < 0 || value >= RLIM_INFINITY ? Infinity : value);
const finite = (value: number) => (value === Infinity ? RLIM_INFINITY : value);
const shown = (value: number) => (value === Infinity ? "unlimited" : String(value));
