// One blob on its way from upstream: written to an upload, and read from there by whoever wants it, from the first byte
// or any other, as it grows. However many want it, upstream is asked once. The last byte is held back until the digest
// was checked: a reader has either the right bytes or too few.

import type { FileHandle } from "node:fs/promises";
import type { Digest } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import type { Repository } from "../../client/repository.ts";
import { type AnyDigest, requireDigest } from "../names.ts";
import type { ByteRange } from "../storage.ts";
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

  constructor(store: Store, repository: string, digest: Digest, size: number, remote: Repository) {
    this.size = size;
    this.#store = store;
    this.#repository = repository;
    this.#digest = requireDigest(digest);
    this.#remote = remote;
  }

  /** Fetches; resolves when the blob is the repository's. */
  async run(digest: Digest, signal: AbortSignal): Promise<void> {
    const { id } = await this.#store.startUpload(this.#repository);
    try {
      this.#upload = id;
      this.#tick();
      await this.#receive(id, digest, signal);
      await this.#store.finishUpload(this.#repository, id, this.#digest);
      this.#state = "done";
    } catch (error) {
      this.#state = "failed";
      this.#failure = error;
      await this.#store.cancelUpload(this.#repository, id).catch(() => undefined); // finishing it wrongly has ended it
      throw error;
    } finally {
      this.#tick();
    }
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
  async #receive(id: string, digest: Digest, signal: AbortSignal): Promise<void> {
    for (let tries = 0; ; tries++) {
      const { size: at } = await this.#store.upload(this.#repository, id);
      if (at === this.size) return;
      if (tries >= TRIES) throw new HoyError("unavailable", `upstream broke off at byte ${at} of ${this.size}`);
      const { offset, body } = await this.#remote.blob(digest, at, signal);
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
