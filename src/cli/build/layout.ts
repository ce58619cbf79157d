// The index of an OCI layout in a directory (image-spec, image-layout.md): which digest a tag stands for, and a tag that
// is set.

import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ExitError } from "../base/errors.ts";

const REF = "org.opencontainers.image.ref.name";
const NAME = "io.containerd.image.name";
const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";

interface Entry {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** undefined: there is no layout, or nothing of that tag in it. @throws ExitError for one that can't be read. */
export async function digestOf(directory: string, tag: string): Promise<string | undefined> {
  const entries = await readIndex(directory);
  const named = entries?.find(({ annotations = {} }) => annotations[REF] === tag || annotations[NAME] === tag);
  // Without any name it is the only one that can be meant.
  const only = entries?.length === 1 && entries[0]?.annotations?.[REF] === undefined ? entries[0] : undefined;
  return (named ?? only)?.digest;
}

/** Whole or not at all; of two builds that do so at once one's tag is lost. */
export async function setTag(directory: string, tag: string, { mediaType, digest, size }: Entry): Promise<void> {
  await mkdir(directory, { recursive: true });
  const entries = (await readIndex(directory)) ?? [];
  const kept = entries.filter(({ annotations = {} }) => annotations[REF] !== tag);
  const manifests = [...kept, { mediaType, digest, size, annotations: { [REF]: tag } }];
  await writeBeside(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  await writeBeside(
    join(directory, "index.json"),
    JSON.stringify({ schemaVersion: 2, mediaType: INDEX_TYPE, manifests }),
  );
}

async function readIndex(directory: string): Promise<readonly Entry[] | undefined> {
  const text = await readFile(join(directory, "index.json"), "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  const broken = (cause: unknown) => new ExitError(1, `ERROR: ${directory}/index.json can't be read`, cause);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw broken(cause);
  }
  const manifests = typeof value === "object" && value !== null && "manifests" in value ? value.manifests : undefined;
  if (!Array.isArray(manifests) || !manifests.every(isEntry)) throw broken(undefined);
  return manifests;
}

function isEntry(value: unknown): value is Entry {
  const { mediaType, digest, size, annotations = {} } = (value ?? {}) as Partial<Record<keyof Entry, unknown>>;
  const isDigest = typeof digest === "string" && /^sha256:[0-9a-f]{64}$/.test(digest);
  return isDigest && typeof mediaType === "string" && typeof size === "number" && typeof annotations === "object";
}

async function writeBeside(path: string, text: string): Promise<void> {
  const beside = `${path}.${randomBytes(6).toString("hex")}`;
  try {
    await writeFile(beside, text, { mode: 0o644, flag: "wx" });
    await rename(beside, path);
  } finally {
    await rm(beside, { force: true });
  }
}
