// Manifest lists that are being made: docker's files, ~/.docker/manifests/LIST/MEMBER, so that either client goes on with
// what the other began. A member is what a registry said of an image, and what the user added to it.

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { type Descriptor, descriptorSchema } from "../../../image/descriptor.ts";
import { readJson } from "../../../image/json.ts";
import { mediaTypes } from "../../../image/media-types.ts";
import { canonicalString, parseReference, type Reference } from "../../../image/reference.ts";
import { ExitError } from "../../base/errors.ts";
import type { ConfigFile } from "../../config/file.ts";

export interface Member {
  readonly ref: Reference;
  /** With the platform that the list will say. */
  readonly descriptor: Descriptor;
  /** The manifest's exact bytes. */
  readonly bytes: Uint8Array;
}

const LIMIT = 16 * 1024 * 1024;

const memberSchema = v.looseObject({ Ref: v.string(), Descriptor: descriptorSchema, Raw: v.string() });

/** A list's members in the order of their names; none when there is no such list. */
export function readList(config: ConfigFile, list: Reference): Member[] {
  const directory = pathOf(config, list);
  return namesIn(directory).map((name) => {
    const found = readJson(memberSchema, readFileSync(join(directory, name)), `${directory}/${name}`, LIMIT);
    return { ref: parseReference(found.Ref), descriptor: found.Descriptor, bytes: Buffer.from(found.Raw, "base64") };
  });
}

export function writeMember(config: ConfigFile, list: Reference, { ref, descriptor, bytes }: Member): void {
  const directory = pathOf(config, list);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const path = join(directory, fileName(ref));
  const form = descriptor.mediaType === mediaTypes.ociManifest ? "OCIManifest" : "SchemaV2Manifest";
  const text = JSON.stringify({
    Ref: canonicalString(ref),
    Descriptor: descriptor,
    Raw: Buffer.from(bytes).toString("base64"),
    [form]: JSON.parse(Buffer.from(bytes).toString("utf8")),
  });
  const draft = `${path}.${process.pid}.new`;
  writeFileSync(draft, text, { mode: 0o644, flush: true });
  renameSync(draft, path);
}

export function removeList(config: ConfigFile, list: Reference): void {
  if (namesIn(pathOf(config, list)).length === 0) throw new ExitError(1, `No such manifest: ${canonicalString(list)}`);
  rmSync(pathOf(config, list), { recursive: true, force: true });
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => !name.endsWith(".new"))
      .toSorted();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

function pathOf(config: ConfigFile, list: Reference): string {
  return join(dirname(config.path), "manifests", fileName(list));
}

/** docker's: "docker.io/library/app:v1" → "docker.io_library_app-v1". */
function fileName(ref: Reference): string {
  return canonicalString(ref).replaceAll(":", "-").replaceAll("/", "_");
}
