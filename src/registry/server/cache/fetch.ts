// One blob on its way from upstream: written to an upload, and read from there by whoever wants it, from the first byte
// or any other, as it grows. However many want it, upstream is asked once. The last byte is held back until the digest
// was checked: a reader has either the right bytes or too few. What came is kept when upstream breaks off or the registry
// stops: the next who wants the blob goes on from there, until the collection of idle uploads takes it.

import type { FileHandle } from "node:fs/promises";
import { digestHex, sha256 } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import type { Repository } from "../../client/repository.ts";
import { RegistryError } from "../errors.ts";
import type { AnyDigest } from "../names.ts";
import type { ByteRange, Upload } from "../storage.ts";
import type { Store } from "../store.ts";

const TRIES = 5;
const READ = 1024 * 1024;

export class BlobFetch {
  readonly size: number;
  readonly #store: Store;
  readonly #repository: string;
  readonly #digest: AnyDigest;
  readonly #remote: Repository;
  #upload: string | undefined;
  #state: "running" | "done" | "failed" = "running";
  #failure: unknown;
  #wake = Promise.withResolvers<void>();

  constructor(store: Store, repository: string, digest: AnyDigest, size: number, remote: Repository) {
    this.size = size;
    this.#store = store;
    this.#repository = repository;
    this.#digest = digest;
    this.#remote = remote;
  }

  /** Fetches; resolves when the blob is the repository's. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      const { id } = await this.#begin();
      this.#upload = id;
      this.#tick();
      try {
        await this.#receive(id, signal);
        await this.#store.finishUpload(this.#repository, id, this.#digest);
      } catch (error) {
        if (isWrong(error)) await this.#drop(id);
        throw error;
      }
      this.#state = "done";
    } catch (error) {
      this.#state = "failed";
      this.#failure = error;
      throw error;
    } finally {
      this.#tick();
    }
  }

  /** The upload of an earlier fetch, else a new one. Its name is the blob's, so that it is found again. */
  async #begin(): Promise<Upload> {
    const id = digestHex(sha256(`fetch ${this.#repository} ${this.#digest.text}`));
    try {
      const there = await this.#store.upload(this.#repository, id);
      if (there.size <= this.size) return there;
      await this.#drop(id);
    } catch (error) {
      if (!isUnknown(error)) throw error;
    }
    return this.#store.startUpload(this.#repository, id);
  }

  async #drop(id: string): Promise<void> {
    await this.#store.cancelUpload(this.#repository, id).catch((error: unknown) => {
      // Finishing it wrongly has ended it.
      if (!isUnknown(error)) throw error;
    });
  }

  /** The bytes of a range, as they come. @throws what ended the fetch */
  async *read(range: ByteRange): AsyncGenerator<Uint8Array, void, void> {
    const file = await this.#open();
    if (file === undefined) {
      yield* await this.#store.readBlob(this.#repository, this.#digest, range);
      return;
    }
    try {
      yield* this.#follow(file, range);
    } finally {
      await file.close();
    }
  }

  async *#follow(file: FileHandle, { start, end }: ByteRange): AsyncGenerator<Uint8Array, void, void> {
    for (let at = start; at < end; ) {
      // Taken before the size is: what comes in between is not slept through.
      const { promise } = this.#wake;
      if (this.#state === "failed") throw this.#failure;
      const there = this.#state === "done" ? this.size : Math.min((await file.stat()).size, this.size - 1);
      if (there <= at) {
        await promise;
        continue;
      }
      const room = Buffer.allocUnsafe(Math.min(READ, there - at, end - at));
      const { bytesRead } = await file.read(room, { position: at });
      if (bytesRead === 0) throw new HoyError("internal", "an upload ended before its size");
      at += bytesRead;
      yield room.subarray(0, bytesRead);
    }
  }

  /** The upload's file; undefined when it has become a blob. */
  async #open(): Promise<FileHandle | undefined> {
    for (;;) {
      const { promise } = this.#wake;
      if (this.#state === "failed") throw this.#failure;
      if (this.#state === "done") return undefined;
      const file = this.#upload === undefined ? undefined : await this.#store.openUpload(this.#upload);
      if (file !== undefined) return file;
      // Not begun yet, or just being put in its place.
      if (this.#state === "running") await promise;
    }
  }

  /** Goes on where a broken connection left off, as long as each try brings something. */
  async #receive(id: string, signal: AbortSignal): Promise<void> {
    for (let tries = 0; ; tries++) {
      const { size: at } = await this.#store.upload(this.#repository, id);
      if (at === this.size) return;
      if (tries >= TRIES) throw new HoyError("unavailable", `upstream broke off at byte ${at} of ${this.size}`);
      const { offset, body } = await this.#remote.blob(this.#digest.text, at, signal);
      try {
        await this.#store.append(this.#repository, id, this.#bounded(body, offset, at), at);
      } catch (error) {
        if (signal.aborted || (await this.#sizeNow(id)) === at) throw error;
        tries = 0;
      }
    }
  }

  async #sizeNow(id: string): Promise<number> {
    return (await this.#store.upload(this.#repository, id)).size;
  }

  async *#bounded(body: ReadableStream<Uint8Array>, offset: number, at: number): AsyncGenerator<Uint8Array> {
    let position = offset;
    for await (const chunk of body) {
      // Without ranges it began at the first byte again.
      const skip = Math.min(chunk.length, Math.max(0, at - position));
      position += chunk.length;
      if (position > this.size) throw new HoyError("invalid", "upstream sends more than the manifest says");
      if (skip < chunk.length) yield chunk.subarray(skip);
      this.#tick();
    }
  }

  #tick(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }
}

/** What came is not the blob, or is more than may be kept: nobody can go on with it. */
function isWrong(error: unknown): boolean {
  if (error instanceof RegistryError) return true;
  return error instanceof HoyError && error.code === "invalid";
}

function isUnknown(error: unknown): boolean {
  return error instanceof RegistryError && error.status === 404;
}
