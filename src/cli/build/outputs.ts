// `--output`, `--push`, `--load`, `--tag`: what becomes of the result, as exporters of the engine and places here.

import { statSync } from "node:fs";
import { resolve } from "node:path";
import { parseCsvRecord } from "../base/csv.ts";
import { ExitError, UsageError } from "../base/errors.ts";
import { cut } from "../base/text.ts";
import type { CliIo } from "../io.ts";
import type { BuildFlags } from "./flags.ts";
import type { Destination } from "./lend/outputs.ts";

export interface Exporter {
  readonly type: string;
  readonly attrs: Record<string, string>;
}

export interface Outputs {
  readonly exporters: readonly Exporter[];
  /** By the exporter's place in the list. */
  readonly destinations: ReadonlyMap<number, Destination>;
}

/** The engine's own store, as dockerd calls it too. */
const STORE = "moby";
const ARCHIVES: ReadonlySet<string> = new Set(["docker", "oci", "tar"]);

/** @throws UsageError, ExitError for a destination that can't be. */
export function readOutputs(flags: BuildFlags, io: CliIo): Outputs {
  const { tag, push, load, output, squash, annotation } = flags;
  if (push && load) throw new UsageError("push and load may not be set together at the moment");
  const given = output.map((text) => parseOutput(text));
  const asked = given.length > 0 && !load ? given : [...given, { type: STORE, attrs: {} }];
  const destinations = new Map<number, Destination>();
  const exporters = asked.map((one, index) => {
    const attrs: Record<string, string> = { ...one.attrs };
    const { dest } = attrs;
    delete attrs.dest;
    let { type } = one;
    if (type === "registry") [type, attrs.push] = [STORE, attrs.push ?? "true"];
    if (type === "image" || (type === "docker" && dest === undefined)) type = STORE;
    if (type === STORE && push) attrs.push = "true";
    if (tag.length > 0 && attrs.name === undefined && type !== "local" && type !== "tar") attrs.name = tag.join(",");
    if (attrs.push === "true" && attrs.name === undefined)
      throw new UsageError("tag is needed when pushing to registry");
    if (squash) attrs.squash = "true";
    if (type !== "local" && type !== "tar") Object.assign(attrs, annotationsOf(annotation));
    if (type === "local") {
      if (dest === undefined) throw new UsageError("dest is required for local output");
      destinations.set(index, { kind: "directory", path: checkedDirectory(resolve(io.cwd, dest)) });
    } else if (ARCHIVES.has(type)) {
      destinations.set(index, archiveAt(dest ?? "-", io));
    } else if (dest !== undefined) {
      throw new UsageError(`the output ${JSON.stringify(one.type)} has no dest: it stays at the engine`);
    }
    return { type, attrs };
  });
  return { exporters, destinations };
}

/** "DIR", "-", or "type=…,dest=…,name=…". */
function parseOutput(text: string): Exporter {
  const fields = parseCsvRecord(text);
  const [only = ""] = fields;
  if (fields.length === 1 && only === text && !text.startsWith("type=")) {
    return text === "-" ? { type: "tar", attrs: { dest: "-" } } : { type: "local", attrs: { dest: text } };
  }
  const attrs: Record<string, string> = {};
  let type = "";
  for (const field of fields) {
    const [key, value] = cut(field, "=");
    if (!field.includes("=")) throw new UsageError(`invalid value ${field}`);
    if (key.trim().toLowerCase() === "type") type = value;
    else attrs[key.trim().toLowerCase()] = value;
  }
  if (type === "") throw new UsageError("type is required for output");
  return { type, attrs };
}

/** "[TYPE[PLATFORM][,TYPE…]:]KEY=VALUE" → "annotation-TYPE[PLATFORM].KEY". */
function annotationsOf(given: readonly string[]): Record<string, string> {
  const attrs: Record<string, string> = {};
  for (const text of given) {
    const [head, value] = cut(text, "=");
    if (!text.includes("=")) throw new UsageError(`invalid annotation ${JSON.stringify(text)}, expected key=value`);
    const [, types, key = head] =
      /^((?:(?:index|manifest|index-descriptor|manifest-descriptor)(?:\[[^\]]*\])?,?)+):(.+)$/.exec(head) ?? [];
    for (const type of types?.split(",") ?? [""])
      attrs[type === "" ? `annotation.${key}` : `annotation-${type}.${key}`] = value;
  }
  return attrs;
}

function archiveAt(dest: string, io: CliIo): Destination {
  if (dest !== "-") {
    const path = resolve(io.cwd, dest);
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
      throw new ExitError(1, `ERROR: destination file ${path} is a directory`);
    }
    return { kind: "file", path };
  }
  if (io.stdout.isTTY)
    throw new ExitError(1, "ERROR: dest file is required: refusing to write an archive to a terminal");
  return { kind: "stdout" };
}

function checkedDirectory(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isDirectory())
    throw new ExitError(1, `ERROR: destination directory ${path} is a file`);
  return path;
}
