// A whole registry as one tar archive: an OCI image layout with all blobs and manifests, which other programs read too, and
// after them the books (registry.db) with names, accounts, rules and who pushed when. Made from a snapshot of the books,
// also while the server runs; sessions, uploads and what waits for webhooks stay behind.

import { Database } from "bun:sqlite";
import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Pack, pack } from "tar-stream";
import { openDatabase } from "../../../state/database.ts";
import { BlobFiles } from "../blob-files.ts";
import type { BlobStore } from "../blob-store.ts";
import { RegistryError } from "../errors.ts";
import { requireDigest } from "../names.ts";
import { registryMigrations } from "../schema.ts";

export const BOOKS = "registry.db";

interface ManifestRow {
  readonly repository: string;
  readonly digest: string;
  readonly media_type: string;
  readonly bytes: Uint8Array;
  /** JSON list. */
  readonly tags: string;
}

/** Streams the archive of the registry in `root`; a snapshot lies there meanwhile. @param blobs undefined: files */
export async function* exportRegistry(root: string, blobs?: BlobStore): AsyncGenerator<Uint8Array, void, void> {
  const scratch = mkdtempSync(join(root, "export-"));
  try {
    const path = join(scratch, BOOKS);
    snapshot(root, path);
    const tar = pack();
    // Its fault is the stream's: whoever reads gets it.
    const written = write(tar, path, blobs ?? new BlobFiles(join(root, "blobs"))).then(
      () => tar.finalize(),
      (error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))),
    );
    for await (const chunk of tar) yield chunk as Uint8Array;
    await written;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** One moment of the books, without what is only of this process or this host. */
function snapshot(root: string, path: string): void {
  const db = openDatabase(join(root, BOOKS), registryMigrations);
  try {
    db.query("VACUUM INTO ?").run(path);
  } finally {
    db.close();
  }
  const copy = new Database(path);
  copy.run("DELETE FROM sessions");
  copy.run("DELETE FROM uploads");
  copy.run("DELETE FROM deliveries");
  copy.run("DELETE FROM settings WHERE name = 'blobs'");
  // What was deleted must not be in the file's free pages.
  copy.run("VACUUM");
  copy.close();
}

async function write(tar: Pack, path: string, blobs: BlobStore): Promise<void> {
  const books = new Database(path);
  try {
    await entry(tar, "oci-layout", Buffer.from('{"imageLayoutVersion":"1.0.0"}'));
    const index: object[] = [];
    const done = new Set<string>();
    for (const row of manifests(books)) {
      const { digest, media_type: mediaType, bytes } = row;
      const descriptor = { mediaType, digest, size: bytes.length };
      const names = (JSON.parse(row.tags) as string[]).map((tag) => `${row.repository}:${tag}`);
      if (names.length === 0) index.push(descriptor);
      for (const name of names)
        index.push({ ...descriptor, annotations: { "org.opencontainers.image.ref.name": name } });
      if (!done.has(digest)) await entry(tar, nameOf(digest), bytes);
      done.add(digest);
    }
    for (const { digest, size } of books.query<{ digest: string; size: number }, []>("SELECT * FROM blobs").all())
      if (!done.has(digest)) await blobEntry(tar, books, blobs, digest, size);
    const document = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: index };
    await entry(tar, "index.json", Buffer.from(JSON.stringify(document)));
  } finally {
    books.close();
  }
  await using file = await open(path, "r");
  const { size } = await file.stat();
  await pipeline(file.createReadStream({ autoClose: false }), tar.entry({ name: BOOKS, size, mode: 0o600 }));
}

function manifests(books: Database): Iterable<ManifestRow> {
  return books
    .query<ManifestRow, []>(
      `SELECT r.name AS repository, m.digest, m.media_type, m.bytes,
         (SELECT json_group_array(t.name) FROM tags t WHERE t.repository_id = m.repository_id AND t.digest = m.digest)
         AS tags
       FROM manifests m JOIN repositories r ON r.id = m.repository_id ORDER BY r.name, m.digest`,
    )
    .iterate();
}

/** A blob that was removed since the snapshot is removed from it as well. */
async function blobEntry(tar: Pack, books: Database, blobs: BlobStore, digest: string, size: number): Promise<void> {
  let bytes: AsyncIterable<Uint8Array>;
  try {
    bytes = await blobs.read(requireDigest(digest), { start: 0, end: size });
  } catch (error) {
    if (!(error instanceof RegistryError && error.code === "BLOB_UNKNOWN")) throw error;
    books.query("DELETE FROM blob_links WHERE digest = ?").run(digest);
    books.query("DELETE FROM blobs WHERE digest = ?").run(digest);
    return;
  }
  await pipeline(Readable.from(bytes), tar.entry({ name: nameOf(digest), size, mode: 0o644 }));
}

function nameOf(digest: string): string {
  return `blobs/${digest.replace(":", "/")}`;
}

function entry(tar: Pack, name: string, bytes: Uint8Array): Promise<void> {
  return pipeline(Readable.from([Buffer.from(bytes)]), tar.entry({ name, size: bytes.length, mode: 0o644 }));
}
