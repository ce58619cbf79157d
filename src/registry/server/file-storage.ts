// The registry's store on files and SQLite: blobs/<algorithm>/<hex>, uploads/<id>, and registry.db for who has what.
// One process at a time: a lock on the folder is held while it is open. A blob is written as an upload, synced, checked,
// renamed into place, and only then gets its row; freeing goes the other way, so a row always has its bytes.

import { createReadStream, mkdirSync } from "node:fs";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import { tryLock } from "../../linux/flock.ts";
import { openDatabase } from "../../state/database.ts";
import { RegistryError } from "./errors.ts";
import { KeyedMutex } from "./mutex.ts";
import { type Algorithm, type AnyDigest, requireDigest } from "./names.ts";
import { Overview } from "./overview.ts";
import { RegistryRows } from "./rows.ts";
import { registryMigrations } from "./schema.ts";
import type { BlobInfo, ByteRange, Collected, NewManifest, Page, RegistryStorage, Upload } from "./storage.ts";
import { UploadFiles } from "./upload-files.ts";

export interface FileStorageOptions {
  readonly root: string;
  /** Bytes of one blob. */
  readonly blobLimit: number;
  /** Uploads that may be open at once. */
  readonly uploadsLimit: number;
}

const ALGORITHMS: readonly Algorithm[] = ["sha256", "sha512"];
const READ = 1024 * 1024;

export class FileStorage implements RegistryStorage {
  readonly #root: string;
  readonly #lock: FileHandle;
  readonly #rows: RegistryRows;
  readonly #uploads: UploadFiles;
  readonly #uploadsLimit: number;
  /** Uploads somebody writes to. */
  readonly #busy = new Set<string>();
  /** By digest: a blob's bytes are put in place or freed by one at a time. */
  readonly #blobs = new KeyedMutex();

  readonly overview: Overview;

  private constructor(options: FileStorageOptions, lock: FileHandle) {
    this.#root = options.root;
    this.#lock = lock;
    const db = openDatabase(join(options.root, "registry.db"), registryMigrations);
    this.#rows = new RegistryRows(db);
    this.overview = new Overview(db);
    this.#uploads = new UploadFiles(join(options.root, "uploads"), options.blobLimit);
    this.#uploadsLimit = options.uploadsLimit;
  }

  /** Makes the folder if there is none, and repairs what a crash left. @throws HoyError "conflict" when it is in use. */
  static async open(options: FileStorageOptions): Promise<FileStorage> {
    const folders = ["uploads", ...ALGORITHMS.map((algorithm) => join("blobs", algorithm))];
    for (const folder of folders) mkdirSync(join(options.root, folder), { recursive: true, mode: 0o700 });
    const lock = await open(join(options.root, "lock"), "a", 0o600);
    if (!tryLock(lock.fd)) {
      await lock.close();
      throw new HoyError("conflict", `another process uses the registry in ${options.root}`);
    }
    const storage = new FileStorage(options, lock);
    await storage.#repair();
    return storage;
  }

  async blob(repository: string, { text }: AnyDigest): Promise<BlobInfo | undefined> {
    const size = this.#rows.linkedBlob(repository, text);
    return size === undefined ? undefined : { digest: text, size };
  }

  async readBlob(repository: string, digest: AnyDigest, { start, end }: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    if (this.#rows.linkedBlob(repository, digest.text) === undefined) throw unknownBlob();
    // Opened now: from here on a deletion takes the name, not the bytes.
    const file = await open(this.#path(digest), "r");
    if (end <= start) {
      await file.close();
      return nothing();
    }
    return createReadStream("", { fd: file, start, end: end - 1, highWaterMark: READ });
  }

  async deleteBlob(repository: string, digest: AnyDigest): Promise<boolean> {
    if (!this.#rows.unlink(repository, digest.text)) return false;
    await this.#free(digest);
    return true;
  }

  async mount(repository: string, digest: AnyDigest, from: string): Promise<boolean> {
    return this.#blobs.run(digest.text, async () => {
      const size = this.#rows.linkedBlob(from, digest.text);
      if (size === undefined) return false;
      this.#rows.link(repository, digest.text, size, undefined);
      return true;
    });
  }

  async startUpload(repository: string): Promise<Upload> {
    const id = newId();
    if (!this.#rows.addUpload(id, repository, this.#uploadsLimit))
      throw new RegistryError(429, "TOOMANYREQUESTS", "too many uploads are open");
    await this.#uploads.create(id);
    return { id, size: 0 };
  }

  async upload(repository: string, id: string): Promise<Upload> {
    if (!this.#rows.touchUpload(id, repository)) throw unknownUpload();
    return { id, size: await this.#uploads.size(id) };
  }

  async append(repository: string, id: string, data: AsyncIterable<Uint8Array>, at: number | undefined) {
    return this.#exclusive(repository, id, async () => {
      const there = await this.#uploads.size(id);
      if (at !== undefined && at !== there)
        throw new RegistryError(416, "BLOB_UPLOAD_INVALID", `the upload goes on at byte ${there}`, {
          headers: { Range: `0-${Math.max(0, there - 1)}`, "Docker-Upload-UUID": id },
        });
      try {
        return { id, size: await this.#uploads.append(id, data) };
      } catch (error) {
        if (error instanceof RegistryError) await this.#drop(id);
        throw error;
      }
    });
  }

  async finishUpload(repository: string, id: string, digest: AnyDigest): Promise<BlobInfo> {
    return this.#exclusive(repository, id, async () => {
      const { hex, size } = await this.#uploads.seal(id, digest.algorithm);
      if (hex !== digest.hex) {
        await this.#drop(id);
        throw new RegistryError(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
      }
      await this.#blobs.run(digest.text, async () => {
        if (this.#rows.hasBlob(digest.text)) {
          this.#rows.link(repository, digest.text, size, id);
          await this.#uploads.remove(id);
          return;
        }
        await rename(this.#uploads.path(id), this.#path(digest));
        await syncDirectory(join(this.#root, "blobs", digest.algorithm));
        this.#uploads.forget(id);
        this.#rows.link(repository, digest.text, size, id);
      });
      return { digest: digest.text, size };
    });
  }

  async cancelUpload(repository: string, id: string): Promise<void> {
    await this.#exclusive(repository, id, () => this.#drop(id));
  }

  async manifest(repository: string, reference: string) {
    return this.#rows.manifest(repository, reference);
  }

  async putManifest(repository: string, manifest: NewManifest, tags: readonly string[], by?: string): Promise<void> {
    const missing = this.#rows.putManifest(repository, manifest, tags, by);
    if (missing === undefined) return;
    throw new RegistryError(404, "MANIFEST_BLOB_UNKNOWN", "the manifest names what the repository does not have", {
      detail: { digest: missing },
    });
  }

  async deleteManifest(repository: string, reference: string): Promise<boolean> {
    return this.#rows.deleteManifest(repository, reference);
  }

  async deleteRepository(repository: string): Promise<boolean> {
    return this.#rows.removeRepository(repository);
  }

  async tags(repository: string, page: Page) {
    return this.#rows.tags(repository, page);
  }

  async referrers(repository: string, digest: AnyDigest, artifactType: string | undefined, page: Page) {
    return this.#rows.referrers(repository, digest.text, artifactType, page);
  }

  async repositories(page: Page) {
    return this.#rows.repositories(page);
  }

  async collect(before: number): Promise<Collected> {
    let uploads = 0;
    for (const id of this.#rows.idleUploads(before)) {
      if (this.#busy.has(id)) continue;
      await this.#drop(id);
      uploads++;
    }
    const unlinked = this.#rows.unlinkUnnamed(before);
    let [blobs, bytes] = [0, 0];
    for (const { digest, size } of this.#rows.unlinkedBlobs()) {
      if (!(await this.#free(requireDigest(digest)))) continue;
      blobs++;
      bytes += size;
    }
    return { uploads, unlinked, blobs, bytes };
  }

  close(): void {
    this.#rows.close();
    void this.#lock.close();
  }

  /** Frees the bytes if no repository has them any more. */
  #free(digest: AnyDigest): Promise<boolean> {
    return this.#blobs.run(digest.text, async () => {
      if (!this.#rows.forgetBlob(digest.text)) return false;
      await rm(this.#path(digest), { force: true });
      return true;
    });
  }

  async #drop(id: string): Promise<void> {
    this.#rows.removeUpload(id);
    await this.#uploads.remove(id);
  }

  async #exclusive<T>(repository: string, id: string, work: () => Promise<T>): Promise<T> {
    if (!this.#rows.touchUpload(id, repository)) throw unknownUpload();
    if (this.#busy.has(id))
      throw new RegistryError(409, "BLOB_UPLOAD_INVALID", "another request writes to this upload");
    this.#busy.add(id);
    try {
      return await work();
    } finally {
      this.#busy.delete(id);
    }
  }

  /** A crash may leave files without rows (the row comes last, and goes first) and an upload's row without its file. */
  async #repair(): Promise<void> {
    for (const id of await this.#uploads.list()) if (!this.#rows.hasUpload(id)) await this.#uploads.remove(id);
    for (const id of this.#rows.idleUploads(Number.MAX_SAFE_INTEGER))
      if ((await this.#uploads.size(id).catch(absent)) === undefined) await this.#drop(id);
    for (const algorithm of ALGORITHMS) {
      const folder = join(this.#root, "blobs", algorithm);
      for (const hex of await readdir(folder))
        if (!this.#rows.hasBlob(`${algorithm}:${hex}`)) await rm(join(folder, hex), { force: true });
    }
  }

  #path({ algorithm, hex }: AnyDigest): string {
    return join(this.#root, "blobs", algorithm, hex);
  }
}

function absent(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}

async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, "r");
  await directory.sync();
}

async function* nothing(): AsyncIterable<Uint8Array> {
  // No bytes were asked for.
}

function unknownBlob(): RegistryError {
  return new RegistryError(404, "BLOB_UNKNOWN", "blob unknown to registry");
}

function unknownUpload(): RegistryError {
  return new RegistryError(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
}
