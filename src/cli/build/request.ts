// Flags of `build` as BuildKit's frontends take them (BuildKit, frontend/dockerui; buildx, build/opt.go).

import { statSync } from "node:fs";
import { resolve } from "node:path";
import { parseCsvRecord } from "../base/csv.ts";
import { ExitError, UsageError } from "../base/errors.ts";
import { cut } from "../base/text.ts";
import type { Context } from "../command.ts";
import { isRemote } from "./context.ts";
import type { BuildFlags } from "./flags.ts";
import type { LentDirectory } from "./lend/files.ts";
import type { Stores } from "./stores.ts";

export interface CacheEntry {
  readonly type: string;
  readonly attrs: Record<string, string>;
}

/** @throws UsageError */
export function frontendAttributes(context: Context, flags: BuildFlags): Record<string, string> {
  const attrs: Record<string, string> = {};
  const set = (name: string, value: string) => {
    if (value !== "") attrs[name] = value;
  };
  set("target", flags.target);
  set("platform", flags.platform.join(","));
  set("image-resolve-mode", flags.pull ? "pull" : "");
  set("cgroup-parent", flags["cgroup-parent"]);
  set(
    "add-hosts",
    flags["add-host"]
      .map((text) => text.replace(":", "="))
      .map(quoted)
      .join(","),
  );
  set("force-network-mode", flags.network === "default" ? "" : flags.network);
  set("shm-size", flags["shm-size"] === 0 ? "" : String(flags["shm-size"]));
  set("ulimit", [...flags.ulimit.values()].map(({ Name, Soft, Hard }) => `${Name}=${Soft}:${Hard}`).join(","));
  set("explain", flags.explain ? "1" : "");
  set("unset", flags.unset.map(quoted).join(","));
  for (const [name, value] of Object.entries(limitsOf(flags))) set(name, value);
  if (flags["no-cache"]) attrs["no-cache"] = "";
  else set("no-cache", flags["no-cache-filter"].join(","));
  for (const text of flags.label) {
    const [name, value] = cut(text, "=");
    if (name === "") throw new UsageError(`invalid label ${JSON.stringify(text)}: it has no name`);
    attrs[`label:${name}`] = value;
  }
  for (const [name, value] of Object.entries(buildArguments(context, flags["build-arg"]))) {
    if (value !== null) attrs[`build-arg:${name}`] = value;
  }
  Object.assign(attrs, attestations(flags));
  return attrs;
}

/** "A=b", or "A" alone: as it is in the environment, null when it is not there. The proxies come along. */
export function buildArguments(
  { io, config, engine }: Context,
  given: readonly string[],
): Record<string, string | null> {
  const values = given.map((text): [string, string | null] => {
    const [name, value] = cut(text, "=");
    return text.includes("=") ? [name, value] : [name, io.env[name] ?? null];
  });
  const proxies = config.proxies(engine.endpoint.text, new Set(values.map(([name]) => name)));
  // What makes builds reproducible is taken from the environment, as buildx does.
  const epoch = io.env.SOURCE_DATE_EPOCH;
  return {
    ...Object.fromEntries(proxies),
    ...(epoch ? { SOURCE_DATE_EPOCH: epoch } : {}),
    ...Object.fromEntries(values),
  };
}

/** `--build-context NAME=…`; directories of it are put into `directories`, layouts into `stores`. */
export async function namedContexts(
  { io }: Context,
  given: readonly string[],
  directories: Map<string, LentDirectory>,
  stores: Stores,
): Promise<Record<string, string>> {
  const attrs: Record<string, string> = {};
  for (const text of given) {
    const [name, value] = cut(text, "=");
    if (name === "" || value === "") throw new UsageError(`invalid context value: ${text}, expected key=value`);
    if (isRemote(value) || /^(?:docker-image|oci-layout):\/\//.test(value)) {
      attrs[`context:${name}`] = await stores.context(name, value);
      continue;
    }
    const root = resolve(io.cwd, value);
    if (statSync(root, { throwIfNoEntry: false })?.isDirectory() !== true) {
      throw new ExitError(1, `ERROR: failed to get build context ${name}: stat ${value}: no such directory`);
    }
    directories.set(name, { kind: "directory", root });
    attrs[`context:${name}`] = `local:${name}`;
  }
  return attrs;
}

/** "REF", or "type=…,key=value". */
export function parseCache(text: string): CacheEntry {
  const fields = parseCsvRecord(text);
  if (fields.length === 1 && !text.includes("=")) return { type: "registry", attrs: { ref: text } };
  const attrs: Record<string, string> = {};
  let type = "";
  for (const field of fields) {
    const [key, value] = cut(field, "=");
    if (!field.includes("=")) throw new UsageError(`invalid value ${field}`);
    if (key.toLowerCase() === "type") type = value;
    else attrs[key.toLowerCase()] = value;
  }
  if (type === "") throw new UsageError(`type required form> ${JSON.stringify(text)}`);
  return { type, attrs };
}

/** Provenance and SBOM are made when they are asked for. */
function attestations({ attest, provenance, sbom }: BuildFlags): Record<string, string> {
  const attrs: Record<string, string> = {};
  const add = (type: string, rest: readonly string[]) => {
    if (type !== "provenance" && type !== "sbom")
      throw new UsageError(`unsupported attestation type ${JSON.stringify(type)}`);
    if (!rest.includes("disabled=true")) attrs[`attest:${type}`] = rest.map(quoted).join(",");
    else delete attrs[`attest:${type}`];
  };
  for (const text of attest) {
    const fields = parseCsvRecord(text);
    const type = fields.map((field) => cut(field, "=")).find(([key]) => key === "type")?.[1];
    if (type === undefined) throw new UsageError("attestation type not specified");
    add(
      type,
      fields.filter((field) => !field.startsWith("type=")),
    );
  }
  for (const [type, text] of [
    ["provenance", provenance],
    ["sbom", sbom],
  ] as const) {
    if (text === "") continue;
    const isBool = /^(?:true|false|1|0)$/i.test(text);
    add(type, isBool ? (/^(?:true|1)$/i.test(text) ? [] : ["disabled=true"]) : parseCsvRecord(text));
  }
  return attrs;
}

function limitsOf(flags: BuildFlags): Record<string, string> {
  const number = (value: number) => (value === 0 ? "" : String(value));
  return {
    memory: number(flags.memory),
    memswap: number(flags["memory-swap"]),
    cpushares: number(flags["cpu-shares"]),
    cpuperiod: number(flags["cpu-period"]),
    cpuquota: number(flags["cpu-quota"]),
    cpusetcpus: flags["cpuset-cpus"],
    cpusetmems: flags["cpuset-mems"],
  };
}

/** A field of CSV. */
function quoted(text: string): string {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
