// An OCI layout in a directory (image-spec, image-layout.md) as a place to copy from and to. A blob has its name once it
// is whole; index.json, which makes an image visible, is replaced last.

import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, mkdir, open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as v from "valibot";
import { type Digest, digestHex, sha256 } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import { annotationKeys, type Descriptor, descriptorSchema } from "../../image/descriptor.ts";
import { readJson } from "../../image/json.ts";
import type { CopySink, CopySource } from "./place.ts";

const LIMIT = 8 * 1024 * 1024;
const indexSchema = v.looseObject({ schemaVersion: v.literal(2), manifests: v.array(descriptorSchema) });

/** @param name A tag or whole name; undefined: the only image there is. */
export function layoutSource(directory: string, name: string | undefined): CopySource {
  const read = async (digest: Digest) => {
    const bytes = await readBounded(blobPath(directory, digest));
    if (sha256(bytes) !== digest) throw new HoyError("invalid", `${digest} in ${directory} is not what its name says`);
    return bytes;
  };
  return {
    async top() {
      return read(find(await readIndex(directory), name, directory).digest);
    },
    manifest: read,
    async blob({ digest, size }, signal) {
      const path = blobPath(directory, digest);
      await checkFile(path, digest, size, signal);
      return { path, [Symbol.asyncDispose]: async () => undefined };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** @param annotations Of the image's entry in index.json: its name. */
export async function layoutSink(directory: string, annotations: Readonly<Record<string, string>>): Promise<CopySink> {
  await mkdir(join(directory, "blobs/sha256"), { recursive: true });
  let entry: Descriptor | undefined;
  return {
    takesIndex: true,
    has: async (digest) => (await sizeOf(blobPath(directory, digest))) !== undefined,
    put: ({ digest }, path) => place(directory, digest, (beside) => copyFile(path, beside)),
    async putManifest(bytes, mediaType, top) {
      const digest = sha256(bytes);
      await place(directory, digest, (beside) => writeFile(beside, bytes));
      if (top) entry = { mediaType, digest, size: bytes.byteLength, annotations: { ...annotations } };
    },
    async finish() {
      if (entry === undefined) return;
      const others = (await readIndex(directory)).filter((one) => nameOf(one) !== annotations[annotationKeys.refName]);
      const index = {
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.index.v1+json",
        manifests: [...others, entry],
      };
      await replace(join(directory, "oci-layout"), (beside) => writeFile(beside, '{"imageLayoutVersion":"1.0.0"}\n'));
      await replace(join(directory, "index.json"), (beside) => writeFile(beside, `${JSON.stringify(index)}\n`));
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

export function blobPath(directory: string, digest: Digest): string {
  return join(directory, "blobs/sha256", digestHex(digest));
}

/** None for a directory that is no layout yet. */
export async function readIndex(directory: string): Promise<readonly Descriptor[]> {
  if ((await sizeOf(join(directory, "index.json"))) === undefined) return [];
  return readJson(indexSchema, await readBounded(join(directory, "index.json")), "index.json", LIMIT).manifests;
}

function find(entries: readonly Descriptor[], name: string | undefined, directory: string): Descriptor {
  const found = name === undefined ? entries : entries.filter((entry) => isNamed(entry, name));
  const [first] = found;
  if (first === undefined)
    throw new HoyError(
      "not-found",
      name === undefined ? `there is no image in ${directory}` : `${name} is not in ${directory}`,
    );
  if (new Set(found.map(({ digest }) => digest)).size > 1)
    throw new HoyError("invalid", `${directory} has several images: name one of ${found.map(nameOf).join(", ")}`);
  return first;
}

function nameOf(entry: Descriptor): string | undefined {
  return entry.annotations?.[annotationKeys.refName];
}

function isNamed({ annotations, digest }: Descriptor, name: string): boolean {
  return [annotations?.[annotationKeys.refName], annotations?.[annotationKeys.imageName], digest].includes(name);
}

async function checkFile(path: string, digest: Digest, size: number, signal: AbortSignal): Promise<void> {
  const found = await sizeOf(path);
  if (found === undefined) throw new HoyError("not-found", `the blob ${digest} is missing`);
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024, signal })) hash.update(chunk);
  if (found !== size || `sha256:${hash.digest("hex")}` !== digest)
    throw new HoyError("invalid", `the blob ${digest} is not what its name says`);
}

async function place(directory: string, digest: Digest, write: (beside: string) => Promise<void>): Promise<void> {
  if ((await sizeOf(blobPath(directory, digest))) === undefined) await replace(blobPath(directory, digest), write);
}

async function replace(path: string, write: (beside: string) => Promise<void>): Promise<void> {
  const beside = `${path}.${newId().slice(0, 12)}.new`;
  try {
    await write(beside);
    await using file = await open(beside, "r");
    await file.sync();
    await rename(beside, path);
  } finally {
    await rm(beside, { force: true });
  }
}

async function readBounded(path: string): Promise<Uint8Array> {
  const size = await sizeOf(path);
  if (size === undefined) throw new HoyError("not-found", `${path} is missing`);
  if (size > LIMIT) throw new HoyError("too-large", `${path} has ${size} bytes, more than ${LIMIT}`);
  return readFile(path);
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
