// Archives as places: a tar is unpacked into a layout that is removed afterwards, or made of one. What `docker save` writes
// is both forms in one tar (docker 25 and later, hoy); of older ones a manifest is made for the layers as they are.

import { createReadStream } from "node:fs";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { type Digest, digestHex, isDigest, sha256 } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { annotationKeys, type Descriptor } from "../../image/descriptor.ts";
import { readJson } from "../../image/json.ts";
import { parseManifest, writeManifest } from "../../image/manifest.ts";
import { mediaTypes } from "../../image/media-types.ts";
import { decompress } from "../../storage/decompress.ts";
import { rawToText } from "../../storage/tar/entry.ts";
import { readTar } from "../../storage/tar/reader.ts";
import { END_OF_ARCHIVE, formatHeader, paddingAfter } from "../../storage/tar/writer.ts";
import { blobPath, layoutSink, readIndex } from "./layout.ts";

const DOCUMENT_LIMIT = 8 * 1024 * 1024;
const FILES = 10_000;
const BLOB = /^blobs\/sha256\/[0-9a-f]{64}$/;
const DOCUMENTS = new Set(["index.json", "oci-layout", "manifest.json"]);

const dockerSchema = v.array(
  v.looseObject({ Config: v.string(), RepoTags: v.nullish(v.array(v.string())), Layers: v.array(v.string()) }),
);

/** Unpacks an archive into `directory`, which becomes a layout. Only names that mean something are written. */
export async function unpackArchive(stream: AsyncIterable<Uint8Array>, directory: string): Promise<void> {
  await mkdir(join(directory, "blobs/sha256"), { recursive: true });
  const others = new Map<string, string>();
  let count = 0;
  for await (const { entry, data } of readTar(decompress(stream), { unpadded: true })) {
    if (entry.type !== "file") continue;
    if (++count > FILES) throw new HoyError("too-large", `more than ${FILES} files in an archive of an image`);
    const name = rawToText(entry.name).replace(/^\.\//, "");
    // Other names are keys of a map only: where they would lead does not matter.
    const known = BLOB.test(name) || DOCUMENTS.has(name);
    const path = join(directory, known ? name : `other-${others.size}`);
    if (!known) others.set(name, path);
    await using file = await open(path, "w", 0o600);
    for await (const chunk of data) await file.appendFile(chunk);
  }
  if ((await readIndex(directory)).length > 0) return;
  await fromDocker(directory, others);
}

/** manifest.json over loose files: layers as they are get their digest as names. */
async function fromDocker(directory: string, others: ReadonlyMap<string, string>): Promise<void> {
  const document = await readFile(join(directory, "manifest.json")).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
  if (document === undefined)
    throw new HoyError("invalid", "this is no archive of an image: it has neither index.json nor manifest.json");
  const adopted = new Map<string, Descriptor>();
  for (const { Config, RepoTags, Layers } of readJson(dockerSchema, document, "manifest.json", DOCUMENT_LIMIT)) {
    const adopt = async (name: string, mediaType: string) => {
      // Images of one archive share layers.
      const known = adopted.get(name);
      if (known !== undefined) return known;
      const path = BLOB.test(name) ? join(directory, name) : others.get(name);
      if (path === undefined) throw new HoyError("invalid", `${name} is missing in the archive`);
      const { digest, size, gzip } = await hashed(path);
      if (path !== blobPath(directory, digest)) await rename(path, blobPath(directory, digest));
      const form = gzip && mediaType === mediaTypes.ociLayer ? mediaTypes.ociLayerGzip : mediaType;
      const descriptor = { mediaType: form, digest, size };
      adopted.set(name, descriptor);
      return descriptor;
    };
    const layers = [];
    for (const name of Layers) layers.push(await adopt(name, mediaTypes.ociLayer));
    const bytes = writeManifest(await adopt(Config, mediaTypes.ociConfig), layers);
    for (const tag of RepoTags ?? [""]) {
      const sink = await layoutSink(directory, { [annotationKeys.imageName]: tag, [annotationKeys.refName]: tag });
      await sink.putManifest(bytes, mediaTypes.ociManifest, true, new AbortController().signal);
      await sink.finish(new AbortController().signal);
    }
  }
}

async function hashed(path: string): Promise<{ digest: Digest; size: number; gzip: boolean }> {
  const hash = new Bun.CryptoHasher("sha256");
  let size = 0;
  let gzip = false;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    if (size === 0) gzip = chunk[0] === 0x1f && chunk[1] === 0x8b;
    hash.update(chunk);
    size += chunk.length;
  }
  return { digest: `sha256:${hash.digest("hex")}`, size, gzip };
}

/**
 * The layout in `directory` as a tar, the same bytes each time. @param dockerName Also write docker's manifest.json, for
 * the one image that is there, under this name.
 */
export async function* packArchive(
  directory: string,
  dockerName: string | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  const entries = await readIndex(directory);
  const wanted = new Set<Digest>();
  const docker: { Config: string; RepoTags: string[]; Layers: string[] }[] = [];
  const add = async (digest: Digest) => {
    wanted.add(digest);
    const document = parseManifest(await readFile(blobPath(directory, digest)));
    if (document.kind === "index") for (const child of document.manifests) await add(child.digest);
    else {
      for (const blob of [document.config, ...document.layers]) wanted.add(blob.digest);
      const name = (one: { digest: Digest }) => `blobs/sha256/${digestHex(one.digest)}`;
      if (dockerName !== undefined)
        docker.push({ Config: name(document.config), RepoTags: [dockerName], Layers: document.layers.map(name) });
    }
  };
  for (const { digest } of entries) await add(digest);
  yield header("blobs/", 0, "dir");
  yield header("blobs/sha256/", 0, "dir");
  for (const digest of [...wanted].toSorted()) {
    if (!isDigest(digest)) continue;
    const path = blobPath(directory, digest);
    const { size } = await stat(path);
    yield header(`blobs/sha256/${digestHex(digest)}`, size);
    yield* createReadStream(path, { highWaterMark: 1024 * 1024 });
    yield paddingAfter(size);
  }
  yield* document("index.json", await readFile(join(directory, "index.json")));
  if (dockerName !== undefined) yield* document("manifest.json", Buffer.from(`${JSON.stringify(docker)}\n`));
  yield* document("oci-layout", await readFile(join(directory, "oci-layout")));
  yield END_OF_ARCHIVE;
}

/** Writes beside and renames: a name in the end stands for a whole archive. */
export async function writeArchive(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const beside = join(dirname(path), `.${sha256(Buffer.from(path)).slice(-12)}.${process.pid}.new`);
  const file = await open(beside, "wx", 0o644);
  try {
    for await (const chunk of bytes) await file.appendFile(chunk);
    await file.sync();
    await rename(beside, path);
  } finally {
    await file.close();
    await rm(beside, { force: true });
  }
}

function* document(name: string, bytes: Uint8Array): Generator<Uint8Array, void, void> {
  yield header(name, bytes.byteLength);
  yield bytes;
  yield paddingAfter(bytes.byteLength);
}

function header(name: string, size: number, type: "file" | "dir" = "file"): Uint8Array {
  const device = { major: 0, minor: 0 };
  const mode = type === "dir" ? 0o755 : 0o644;
  return formatHeader({ type, name, mode, size, linkname: "", uid: 0, gid: 0, mtime: 0n, device, xattrs: new Map() });
}
