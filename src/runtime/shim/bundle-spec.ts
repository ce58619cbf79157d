// config.json in a bundle: how a start's spec gets there, and what a later engine reads of it.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StartRequest } from "../contract.ts";
import type { OciSpec } from "../oci.ts";
import { specJson } from "../spec/json.ts";

export function writeSpec(bundle: string, spec: OciSpec): void {
  writeFileSync(join(bundle, "config.json"), specJson(spec), { mode: 0o600 });
}

/** The spec with the namespaces that the shim's helper holds, in place of new ones; a user namespace to join stays. */
export function withNamespaces(spec: OciSpec, pid: number): OciSpec {
  const paths: Record<string, string> = { network: `/proc/${pid}/ns/net`, user: `/proc/${pid}/ns/user` };
  const namespaces = spec.linux.namespaces.map((namespace) => {
    const path = paths[namespace.type];
    const joined = namespace.type === "user" && namespace.path !== undefined;
    return path === undefined || joined ? namespace : { ...namespace, path };
  });
  return { ...spec, linux: { ...spec.linux, namespaces } };
}

/** The spec with the size that the terminal begins with. */
export function withSize({ spec, terminal, consoleSize }: StartRequest): OciSpec {
  if (!terminal || consoleSize === undefined) return spec;
  return { ...spec, process: { ...spec.process, consoleSize } };
}

/** The cgroup that the container is in; undefined when there is no config.json to read. */
export function cgroupsPathOf(bundle: string): string | undefined {
  const file = join(bundle, "config.json");
  if (!existsSync(file)) return undefined;
  const spec = parseSpec(readFileSync(file, "utf8"));
  if (typeof spec !== "object" || spec === null || !("linux" in spec)) return undefined;
  const { linux } = spec;
  if (typeof linux !== "object" || linux === null || !("cgroupsPath" in linux)) return undefined;
  return typeof linux.cgroupsPath === "string" ? linux.cgroupsPath : undefined;
}

/** Undefined for one that was not written to its end: then nothing was started with it. */
function parseSpec(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
