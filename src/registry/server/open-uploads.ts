// Uploads that are under way: their rows, their files, who writes to one, and what they count for in quotas. What becomes
// of a whole one is the store's business.

import { newId } from "../../base/id.ts";
import { isFull, RegistryError } from "./errors.ts";
import type { Quotas } from "./policy/quotas.ts";
import type { RegistryRows } from "./rows.ts";
import type { Upload } from "./storage.ts";
import type { UploadFiles } from "./upload-files.ts";

export class OpenUploads {
  readonly files: UploadFiles;
  readonly #rows: RegistryRows;
  readonly #quotas: Quotas;
  readonly #limit: number;
  /** Those somebody writes to. */
  readonly #busy = new Set<string>();

  /** @param limit How many may be open at once. */
  constructor(rows: RegistryRows, files: UploadFiles, quotas: Quotas, limit: number) {
    this.#rows = rows;
    this.files = files;
    this.#quotas = quotas;
    this.#limit = limit;
  }

  /** @param id undefined: a new one. */
  async start(repository: string, id = newId()): Promise<Upload> {
    if (!this.#rows.addUpload(id, repository, this.#limit))
      throw new RegistryError(429, "TOOMANYREQUESTS", "too many uploads are open", {
        headers: { "Retry-After": "30" },
      });
    await this.files.create(id);
    return { id, size: 0 };
  }

  async get(repository: string, id: string): Promise<Upload> {
    if (!this.#rows.touchUpload(id, repository)) throw unknownUpload();
    const size = await this.files.size(id).catch(absent);
    if (size === undefined) throw unknownUpload();
    return { id, size };
  }

  append(repository: string, id: string, data: AsyncIterable<Uint8Array>, at: number | undefined): Promise<Upload> {
    return this.exclusive(repository, id, async () => {
      const there = await this.files.size(id);
      if (at !== undefined && at !== there)
        throw new RegistryError(416, "BLOB_UPLOAD_INVALID", `the upload goes on at byte ${there}`, {
          headers: { Range: `0-${Math.max(0, there - 1)}`, "Docker-Upload-UUID": id },
        });
      try {
        this.#quotas.begin(id, repository, there);
        return { id, size: await this.files.append(id, this.#counted(id, data)) };
      } catch (error) {
        const code = error instanceof Error && "code" in error ? error.code : undefined;
        // On a full disk nothing can go on, and what it holds is what others lack.
        if ((error instanceof RegistryError && error.status !== 400) || isFull(code)) await this.drop(id);
        throw error;
      }
    });
  }

  /** Lets `work` have the upload for itself. @throws BLOB_UPLOAD_UNKNOWN, BLOB_UPLOAD_INVALID (409) */
  async exclusive<T>(repository: string, id: string, work: () => Promise<T>): Promise<T> {
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

  /** The file first: on a full disk the row can only go when there is room again. */
  async drop(id: string): Promise<void> {
    this.#quotas.end(id);
    await this.files.remove(id);
    this.#rows.removeUpload(id);
  }

  /** @returns how many were given up. */
  async dropIdle(before: number): Promise<number> {
    let dropped = 0;
    for (const id of this.#rows.idleUploads(before)) {
      if (this.#busy.has(id)) continue;
      await this.drop(id);
      dropped++;
    }
    return dropped;
  }

  /** After a crash: files without a row (it comes first and goes last), and rows without a file. */
  async repair(): Promise<void> {
    for (const id of await this.files.list()) if (!this.#rows.hasUpload(id)) await this.files.remove(id);
    for (const { id, repository } of this.#rows.uploads()) {
      const size = await this.files.size(id).catch(absent);
      if (size === undefined) await this.drop(id);
      else this.#quotas.begin(id, repository, size);
    }
  }

  async *#counted(id: string, data: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of data) {
      this.#quotas.grow(id, chunk.length);
      yield chunk;
    }
  }
}

function absent(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}

function unknownUpload(): RegistryError {
  return new RegistryError(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry");
}
