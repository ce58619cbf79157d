// A registry from an archive of export.ts. Blobs come first and each is checked against its digest; the books come last,
// and only when every blob they name has come are they put in their place: the registry is there whole or not at all.
// What a broken import has left is taken up by the next, or swept when a registry is started in that folder.

import type { Database } from "bun:sqlite";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { extract } from "tar-stream";
import { HoyError } from "../../../base/error.ts";
import { tryLock } from "../../../linux/flock.ts";
import { openDatabase } from "../../../state/database.ts";
import { BlobFiles } from "../blob-files.ts";
import type { BlobStore } from "../blob-store.ts";
import { MANIFEST_LIMIT } from "../manifest.ts";
import { type AnyDigest, parseAnyDigest } from "../names.ts";
import { registryMigrations } from "../schema.ts";
import { Store } from "../store.ts";
import { BOOKS } from "./export.ts";

export interface Imported {
  readonly repositories: number;
  readonly blobs: number;
}

const DOCUMENT_LIMIT = 1024 * 1024 * 1024;

/** @throws HoyError "conflict" when there is a registry already, "invalid" for an archive that is not whole or not right */
export async function importRegistry(
  root: string,
  archive: AsyncIterable<Uint8Array>,
  blobs?: BlobStore,
): Promise<Imported> {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  await using lock = await open(join(root, "lock"), "a", 0o600);
  if (!tryLock(lock.fd)) throw new HoyError("conflict", `another process uses the registry in ${root}`);
  if (existsSync(join(root, BOOKS)))
    throw new HoyError("conflict", `there is a registry in ${root} already`, { hint: "name another --root" });
  const scratch = mkdtempSync(join(root, "import-"));
  const store = blobs ?? new BlobFiles(join(root, "blobs"));
  try {
    const came = await unpack(archive, scratch, store);
    const counts = check(join(scratch, BOOKS), came);
    await rename(join(scratch, BOOKS), join(root, BOOKS));
    await using folder = await open(root, "r");
    await folder.sync();
    return counts;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Opens what was imported once: manifests' copies among the blobs are swept. */
export async function settle(root: string, blobs?: BlobStore): Promise<void> {
  const elsewhere = blobs === undefined ? {} : { blobs };
  (await Store.open({ root, blobLimit: 0, uploadsLimit: 0, ...elsewhere })).close();
}

/** @returns the digests of what came. */
async function unpack(archive: AsyncIterable<Uint8Array>, scratch: string, store: BlobStore): Promise<Set<string>> {
  const came = new Set<string>();
  let books = false;
  const tar = extract();
  const source = Readable.from(archive);
  source.on("error", (error) => tar.destroy(error));
  source.pipe(tar);
  for await (const entry of tar) {
    const { name, type, size = 0 } = entry.header;
    const digest = parseAnyDigest(/^blobs\/([^/]+\/[^/]+)$/.exec(name)?.[1]?.replace("/", ":") ?? "");
    const known = digest !== undefined || [BOOKS, "oci-layout", "index.json"].includes(name);
    if (type !== "file" || !known || books) throw invalid(`it holds ${JSON.stringify(name.slice(0, 200))}`);
    if (digest !== undefined) {
      const path = join(scratch, "blob");
      await receive(entry, path, digest);
      await store.put(digest, path);
      came.add(digest.text);
    } else if (name === BOOKS) {
      await receive(entry, join(scratch, BOOKS), undefined);
      books = true;
    } else {
      if (size > DOCUMENT_LIMIT) throw invalid(`${name} is too large`);
      for await (const _ of entry) {
        // Made anew from the books when it is wanted.
      }
    }
  }
  if (!books) throw invalid("it ends before the books of a registry");
  return came;
}

async function receive(data: AsyncIterable<unknown>, path: string, digest: AnyDigest | undefined): Promise<void> {
  const hash = createHash(digest?.algorithm ?? "sha256");
  await using file = await open(path, "w", 0o600);
  for await (const chunk of data) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("an archive's bytes came as text");
    hash.update(chunk);
    for (let at = 0; at < chunk.length; ) at += (await file.write(chunk, at)).bytesWritten;
  }
  await file.sync();
  if (digest !== undefined && hash.digest("hex") !== digest.hex) throw invalid(`${digest.text} has other bytes`);
}

/** Whether the books can be read and name nothing that did not come. */
function check(path: string, came: ReadonlySet<string>): Imported {
  const db = opened(path);
  try {
    const sound = db.query<{ integrity_check: string }, []>("PRAGMA integrity_check").get()?.integrity_check === "ok";
    if (!sound) throw invalid("its books are damaged");
    const blobs = db.query<{ digest: string }, []>("SELECT digest FROM blobs").all();
    const missing = blobs.find(({ digest }) => !came.has(digest));
    if (missing !== undefined) throw invalid(`${missing.digest} is missing`);
    for (const row of db
      .query<{ digest: string; bytes: Uint8Array }, []>("SELECT digest, bytes FROM manifests")
      .iterate()) {
      const digest = parseAnyDigest(row.digest);
      const right = digest !== undefined && createHash(digest.algorithm).update(row.bytes).digest("hex") === digest.hex;
      if (!right || row.bytes.length > MANIFEST_LIMIT) throw invalid(`the manifest ${row.digest} has other bytes`);
    }
    const repositories = db.query<{ n: number }, []>("SELECT count(*) AS n FROM repositories").get()?.n ?? 0;
    // One file, whole on the disk: what is renamed has no log beside it.
    db.run("PRAGMA journal_mode = DELETE");
    return { repositories, blobs: blobs.length };
  } finally {
    db.close();
  }
}

function opened(path: string): Database {
  try {
    return openDatabase(path, registryMigrations);
  } catch (cause) {
    if (cause instanceof HoyError) throw cause;
    throw invalid("its books can't be read", cause);
  }
}

function invalid(reason: string, cause?: unknown): HoyError {
  return new HoyError("invalid", `the archive is not a whole registry: ${reason}`, { cause });
}
