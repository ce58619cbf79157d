// Directories of blobs (OCI layouts), lent to a build: what the engine reads of them for caches and contexts, and writes
// to them for caches. containerd's content service; which directory is meant stands in a header.

import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Metadata } from "../../../build/buildkit/grpc/metadata.ts";
import { type ServiceTable, service } from "../../../build/buildkit/grpc/service.ts";
import { CODE, GrpcError } from "../../../build/buildkit/grpc/status.ts";
import { Content, WriteAction, type WriteContentRequest } from "../../../build/buildkit/proto/gen/content_pb.ts";

const STORE = "buildkit-attachable-store-id";
const PIECE = 1024 * 1024;

/** A directory, and whether the engine may add to it. */
export interface LentStore {
  readonly directory: string;
  readonly writable: boolean;
}

/** @param stores by the names that the engine is told */
export function contentService(stores: ReadonlyMap<string, LentStore>): ServiceTable {
  const storeOf = (metadata: Metadata): LentStore => {
    const [name = ""] = metadata.get(STORE) ?? [];
    const store = stores.get(name);
    if (store === undefined) throw new GrpcError(CODE.notFound, `unknown store ${JSON.stringify(name)}`);
    return store;
  };
  return service(Content, {
    async info({ digest }, { metadata }) {
      const { size } = await stat(blobPath(storeOf(metadata), digest)).catch((error: unknown) =>
        missing(digest, error),
      );
      return { info: { digest, size: BigInt(size) } };
    },
    async *read({ digest, offset, size }, { metadata, signal }) {
      const path = blobPath(storeOf(metadata), digest);
      await stat(path).catch((error: unknown) => missing(digest, error));
      const start = Number(offset);
      const range = size > 0n ? { start, end: start + Number(size) - 1 } : { start };
      let at = offset;
      for await (const data of createReadStream(path, { ...range, highWaterMark: PIECE, signal })) {
        yield { offset: at, data: data as Uint8Array };
        at += BigInt((data as Uint8Array).length);
      }
    },
    async *write(requests, { metadata }) {
      const store = storeOf(metadata);
      if (!store.writable) throw new GrpcError(CODE.permissionDenied, "the store is not to be written to");
      await using draft = new Draft(store);
      for await (const request of requests) yield await draft.take(request);
    },
  });
}

/** One blob on its way in: written beside, checked, renamed. What never comes to its commit leaves nothing. */
class Draft implements AsyncDisposable {
  readonly #store: LentStore;
  readonly #path: string;
  #hash = createHash("sha256");
  #file: FileHandle | undefined;
  #offset = 0n;

  constructor(store: LentStore) {
    this.#store = store;
    this.#path = join(store.directory, "ingest", randomBytes(8).toString("hex"));
  }

  async take({ action, total, expected, offset, data }: WriteContentRequest) {
    if (expected !== "" && (await stat(blobPath(this.#store, expected)).catch(() => undefined)) !== undefined) {
      throw new GrpcError(CODE.alreadyExists, `content ${expected} already exists`);
    }
    if (data.length > 0) {
      if (offset !== this.#offset) throw new GrpcError(CODE.invalidArgument, `${offset} is not where writing goes on`);
      await (await this.#opened()).writeFile(data);
      this.#hash.update(data);
      this.#offset += BigInt(data.length);
    }
    let digest = "";
    if (action === WriteAction.COMMIT) {
      digest = `sha256:${this.#hash.digest("hex")}`;
      this.#hash = createHash("sha256");
      if ((expected !== "" && digest !== expected) || (total > 0n && total !== this.#offset)) {
        throw new GrpcError(CODE.invalidArgument, `${expected} of ${total} bytes came as ${digest} of ${this.#offset}`);
      }
      await this.#commit(digest);
    }
    return { action, offset: this.#offset, total, digest };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file?.close();
    await rm(this.#path, { force: true });
  }

  async #commit(digest: string): Promise<void> {
    const file = await this.#opened();
    await file.sync();
    await file.close();
    this.#file = undefined;
    const path = blobPath(this.#store, digest);
    await mkdir(dirname(path), { recursive: true });
    await rename(this.#path, path);
  }

  async #opened(): Promise<FileHandle> {
    if (this.#file !== undefined) return this.#file;
    await mkdir(dirname(this.#path), { recursive: true });
    this.#file = await open(this.#path, "wx", 0o644);
    return this.#file;
  }
}

function blobPath({ directory }: LentStore, digest: string): string {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(digest)?.[1];
  if (hex === undefined) throw new GrpcError(CODE.invalidArgument, `invalid digest ${digest.slice(0, 100)}`);
  return join(directory, "blobs/sha256", hex);
}

function missing(digest: string, cause: unknown): never {
  throw new GrpcError(CODE.notFound, `content ${digest} not found`, [], { cause });
}
