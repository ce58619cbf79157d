// The registry's store: the books in SQLite (registry.db), uploads as files, and a place for the bytes of blobs. One
// process at a time: a lock on the folder is held while it is open. A blob is written as an upload, synced, checked, put
// in its place, and only then gets its row; freeing goes the other way, so a row always has its bytes.

import { mkdirSync } from "node:fs";
import { type FileHandle, open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { Keyed } from "../../base/keyed.ts";
import { tryLock } from "../../linux/flock.ts";
import { openDatabase } from "../../state/database.ts";
import { BlobFiles } from "./blob-files.ts";
import type { BlobStore } from "./blob-store.ts";
import { Upstreams } from "./cache/upstreams.ts";
import { RegistryError } from "./errors.ts";
import { Webhooks } from "./events/webhooks.ts";
import { sizeIn } from "./manifest.ts";
import { type AnyDigest, parseAnyDigest, requireDigest } from "./names.ts";
import { OpenUploads } from "./open-uploads.ts";
import { Overview } from "./overview.ts";
import { Quotas } from "./policy/quotas.ts";
import { type Removal, Rules } from "./policy/rules.ts";
import { RegistryRows } from "./rows.ts";
import { registryMigrations } from "./schema.ts";
import type { BlobInfo, ByteRange, Collected, NewManifest, Page, RegistryStorage, Upload } from "./storage.ts";
import { UploadFiles } from "./upload-files.ts";

export interface StoreOptions {
  readonly root: string;
  /** Bytes of one blob. */
  readonly blobLimit: number;
  /** Uploads that may be open at once. */
  readonly uploadsLimit: number;
  /** Where blobs are kept; undefined: files in the folder. */
  readonly blobs?: BlobStore;
}

const DAY_MS = 24 * 60 * 60 * 1000;

export class Store implements RegistryStorage {
  readonly overview: Overview;
  readonly rules: Rules;
  readonly quotas: Quotas;
  readonly webhooks: Webhooks;
  readonly upstreams: Upstreams;
  readonly #lock: FileHandle;
  readonly #rows: RegistryRows;
  readonly #uploads: OpenUploads;
  readonly #bytes: BlobStore;
  /** By digest: a blob's bytes are put in place or freed by one at a time. */
  readonly #blobs = new Keyed<string>();

  private constructor(options: StoreOptions, lock: FileHandle) {
    this.#lock = lock;
    const db = openDatabase(join(options.root, "registry.db"), registryMigrations);
    this.overview = new Overview(db);
    this.rules = new Rules(db);
    this.quotas = new Quotas(db);
    this.webhooks = new Webhooks(db);
    this.upstreams = new Upstreams(db);
    this.#rows = new RegistryRows(db);
    const files = new UploadFiles(join(options.root, "uploads"), options.blobLimit);
    this.#uploads = new OpenUploads(this.#rows, files, this.quotas, options.uploadsLimit);
    this.#bytes = options.blobs ?? new BlobFiles(join(options.root, "blobs"));
  }

  /** Makes the folder if there is none, and repairs what a crash left. @throws HoyError "conflict" when it is in use. */
  static async open(options: StoreOptions): Promise<Store> {
    mkdirSync(join(options.root, "uploads"), { recursive: true, mode: 0o700 });
    const lock = await open(join(options.root, "lock"), "a", 0o600);
    if (!tryLock(lock.fd)) {
      await lock.close();
      throw new HoyError("conflict", `another process uses the registry in ${options.root}`);
    }
    const storage = new Store(options, lock);
    const [place, asked] = [storage.#rows.place(storage.#bytes.place), storage.#bytes.place];
    if (place !== asked) {
      storage.close();
      throw new HoyError("conflict", `the blobs of the registry in ${options.root} are in ${place}, not in ${asked}`);
    }
    await storage.#bytes.prepare?.();
    await sweepScratch(options.root);
    await storage.#uploads.repair();
    await storage.#sweep();
    return storage;
  }

  async blob(repository: string, { text }: AnyDigest): Promise<BlobInfo | undefined> {
    const size = this.#rows.linkedBlob(repository, text);
    return size === undefined ? undefined : { digest: text, size };
  }

  async readBlob(repository: string, digest: AnyDigest, range: ByteRange): Promise<AsyncIterable<Uint8Array>> {
    if (this.#rows.linkedBlob(repository, digest.text) === undefined)
      throw new RegistryError(404, "BLOB_UNKNOWN", "blob unknown to registry");
    return this.#bytes.read(digest, range);
  }

  async blobFile(repository: string, digest: AnyDigest): Promise<FileHandle | undefined> {
    if (this.#rows.linkedBlob(repository, digest.text) === undefined)
      throw new RegistryError(404, "BLOB_UNKNOWN", "blob unknown to registry");
    return this.#bytes.open?.(digest);
  }

  async blobUrl(repository: string, digest: AnyDigest): Promise<string | undefined> {
    return this.#rows.linkedBlob(repository, digest.text) === undefined ? undefined : this.#bytes.url?.(digest);
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
      this.quotas.require(repository, digest.text, size);
      this.#rows.link(repository, digest.text, size, undefined);
      return true;
    });
  }

  /** @param id Of one that is to be found again; undefined: a new one. */
  startUpload(repository: string, id?: string): Promise<Upload> {
    return this.#uploads.start(repository, id);
  }

  upload(repository: string, id: string): Promise<Upload> {
    return this.#uploads.get(repository, id);
  }

  /** For reading while it grows; undefined: it is none any more. What was opened stays readable, whatever becomes of it. */
  async openUpload(id: string): Promise<FileHandle | undefined> {
    return open(this.#uploads.files.path(id), "r").catch((error: unknown) => {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
      throw error;
    });
  }

  /** Size that a manifest of the repository gives for a blob that need not be here. */
  namedSize(repository: string, digest: string): number | undefined {
    const bytes = this.#rows.naming(repository, digest);
    return bytes === undefined ? undefined : sizeIn(bytes, digest);
  }

  append(repository: string, id: string, data: AsyncIterable<Uint8Array>, at: number | undefined): Promise<Upload> {
    return this.#uploads.append(repository, id, data, at);
  }

  async finishUpload(repository: string, id: string, digest: AnyDigest): Promise<BlobInfo> {
    return this.#uploads.exclusive(repository, id, async () => {
      const { hex, size } = await this.#uploads.files.seal(id, digest.algorithm);
      if (hex !== digest.hex) {
        await this.#uploads.drop(id);
        throw new RegistryError(400, "DIGEST_INVALID", "provided digest did not match uploaded content");
      }
      await this.#blobs.run(digest.text, () => this.#keep(repository, id, digest, size));
      return { digest: digest.text, size };
    });
  }

  /**
   * Makes a file that somebody else keeps a blob of the repository, without copying: a second name for the same file.
   * @returns false when it is not there, not on our file system, or has other bytes.
   */
  async adopt(repository: string, digest: AnyDigest, path: string): Promise<boolean> {
    const { id } = await this.#uploads.start(repository);
    try {
      await this.#uploads.files.replace(id, path);
      await this.finishUpload(repository, id, digest);
      return true;
    } catch (error) {
      await this.#uploads.drop(id);
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "ENOENT" || code === "EXDEV" || code === "DIGEST_INVALID") return false;
      throw error;
    }
  }

  async cancelUpload(repository: string, id: string): Promise<void> {
    await this.#uploads.exclusive(repository, id, () => this.#uploads.drop(id));
  }

  async manifest(repository: string, reference: string) {
    return this.#rows.manifest(repository, reference);
  }

  async putManifest(repository: string, manifest: NewManifest, tags: readonly string[], by?: string): Promise<void> {
    for (const tag of tags) {
      const fixed = this.rules.fixed(repository, { tag });
      if (fixed !== undefined && fixed.digest !== manifest.digest) throw immutable(tag);
    }
    if (this.#rows.manifest(repository, manifest.digest) === undefined)
      this.quotas.require(repository, undefined, manifest.bytes.length);
    const missing = this.#rows.putManifest(repository, manifest, tags, by);
    if (missing === undefined) return;
    throw new RegistryError(404, "MANIFEST_BLOB_UNKNOWN", "the manifest names what the repository does not have", {
      detail: { digest: missing },
    });
  }

  async deleteManifest(repository: string, reference: string): Promise<boolean> {
    const fixed = this.rules.fixed(repository, reference.includes(":") ? { digest: reference } : { tag: reference });
    if (fixed !== undefined) throw immutable(fixed.name);
    return this.#rows.deleteManifest(repository, reference);
  }

  async deleteRepository(repository: string): Promise<boolean> {
    const fixed = this.rules.fixed(repository, "any");
    if (fixed !== undefined) throw immutable(fixed.name);
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

  /** Removes what the rules of retention say; the next collection frees the bytes. @param now ms since the epoch */
  async retain(now: number): Promise<Removal[]> {
    const removals = this.rules.plan(now);
    return removals.filter(({ repository, reference }) => this.#rows.deleteManifest(repository, reference));
  }

  async collect(before: number): Promise<Collected> {
    const uploads = await this.#uploads.dropIdle(before);
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

  /** A checked upload becomes a blob of the repository; or, without room, nothing. */
  async #keep(repository: string, id: string, digest: AnyDigest, size: number): Promise<void> {
    let moved = false;
    try {
      this.quotas.require(repository, digest.text, size);
      if (!this.#rows.hasBlob(digest.text)) {
        await this.#bytes.put(digest, this.#uploads.files.path(id));
        moved = true;
      }
      // Once more, with nothing between it and the row: other uploads have ended meanwhile.
      this.quotas.require(repository, digest.text, size);
      this.#rows.link(repository, digest.text, size, id);
    } catch (error) {
      if (moved) await this.#bytes.remove(digest);
      if (moved || error instanceof RegistryError) await this.#uploads.drop(id);
      throw error;
    }
    await this.#uploads.drop(id);
  }

  /** Frees the bytes if no repository has them any more. */
  #free(digest: AnyDigest): Promise<boolean> {
    return this.#blobs.run(digest.text, async () => {
      if (!this.#rows.forgetBlob(digest.text)) return false;
      await this.#bytes.remove(digest);
      return true;
    });
  }

  /** A crash may leave bytes without a row, which comes last and goes first. */
  async #sweep(): Promise<void> {
    for await (const text of this.#bytes.list()) {
      const digest = parseAnyDigest(text);
      if (digest !== undefined && !this.#rows.hasBlob(text)) await this.#bytes.remove(digest);
    }
  }
}

/** What a killed export or import has left. An export may run beside us; none takes a day. */
async function sweepScratch(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (!/^(?:export|import)-\w+$/.test(name)) continue;
    const path = join(root, name);
    const { mtimeMs } = await stat(path);
    if (name.startsWith("import-") || mtimeMs < Date.now() - DAY_MS) await rm(path, { recursive: true, force: true });
  }
}

function immutable(tag: string): RegistryError {
  return new RegistryError(409, "DENIED", `the tag ${tag} is immutable`);
}
