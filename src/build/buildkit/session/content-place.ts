// A directory of blobs at the client (an OCI layout) as a place: containerd's content service over the session. The client
// itself writes the layout's index, from the descriptor that the build's answer names.

import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { Readable } from "node:stream";
import { type Digest, parseDigest } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import type { Descriptor } from "../../../image/descriptor.ts";
import type { ContentSource, ContentTarget, StoredBlob } from "../../content/place.ts";
import { readVerified, verified } from "../../content/verified.ts";
import { methodPath } from "../grpc/service.ts";
import { CODE, fromGrpcError, GrpcError } from "../grpc/status.ts";
import { Content, WriteAction } from "../proto/gen/content_pb.ts";
import type { ClientSession } from "./sessions.ts";

/** Which of its stores the client is to use. */
const STORE = "buildkit-attachable-store-id";
const PIECE = 1024 * 1024;
const ROOT_LIMIT = 8 * 1024 * 1024;

export class ContentPlace implements ContentSource, ContentTarget {
  readonly name: string;
  readonly #session: ClientSession;
  readonly #metadata: ReadonlyMap<string, readonly string[]>;
  readonly #root: Digest | undefined;

  /** @param store "local:DIRECTORY" for caches, as the client names it. @param root Where reading begins. */
  constructor(session: ClientSession, store: string, root: string | undefined) {
    if (!session.supports(methodPath(Content.method.info))) {
      throw new HoyError("invalid", "the client of the build has no directories of blobs to lend");
    }
    this.name = store;
    this.#session = session;
    this.#metadata = new Map([[STORE, [store]]]);
    this.#root = root === undefined ? undefined : parseDigest(root);
  }

  putBlob({ descriptor, path }: StoredBlob, signal: AbortSignal): Promise<void> {
    return this.#write(descriptor, createReadStream(path, { highWaterMark: PIECE, signal }), signal);
  }

  putManifest(descriptor: Descriptor, bytes: Uint8Array, _isRoot: boolean, signal: AbortSignal): Promise<void> {
    return this.#write(descriptor, Readable.from([bytes]), signal);
  }

  async root(signal: AbortSignal): Promise<Uint8Array> {
    const digest = this.#root;
    if (digest === undefined) throw new HoyError("invalid", `${this.name}: no digest is given`);
    const method = Content.method.info;
    const { info } = await told(this.#session.client.unary(method, { digest }, { signal, metadata: this.#metadata }));
    return this.read({ mediaType: "", digest, size: Number(info?.size ?? 0n) }, ROOT_LIMIT, signal);
  }

  read(descriptor: Descriptor, limit: number, signal: AbortSignal): Promise<Uint8Array> {
    return readVerified(descriptor, limit, this.#read(descriptor, signal));
  }

  stream(descriptor: Descriptor, signal: AbortSignal): AsyncIterable<Uint8Array> {
    return verified(descriptor, this.#read(descriptor, signal));
  }

  async *#read({ digest }: Descriptor, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    const call = this.#session.client.open(Content.method.read, { signal, metadata: this.#metadata });
    try {
      await call.send({ digest });
      call.end();
      for await (const { data } of call.answers) yield data;
    } catch (thrown) {
      throw thrown instanceof GrpcError ? fromGrpcError(thrown) : thrown;
    } finally {
      call.cancel();
    }
  }

  async #write({ digest, size }: Descriptor, bytes: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const call = this.#session.client.open(Content.method.write, { signal, metadata: this.#metadata });
    const ref = `hoy-${randomBytes(8).toString("hex")}`;
    const total = BigInt(size);
    const send = async () => {
      await call.send({ action: WriteAction.STAT, ref, total, expected: digest });
      let offset = 0;
      for await (const data of bytes) {
        await call.send({ action: WriteAction.WRITE, ref, total, expected: digest, offset: BigInt(offset), data });
        offset += data.length;
      }
      await call.send({ action: WriteAction.COMMIT, ref, total, expected: digest, offset: BigInt(offset) });
      call.end();
    };
    try {
      const sending = send();
      sending.catch(() => call.cancel());
      for await (const { action, digest: got } of call.answers) {
        if (action === WriteAction.COMMIT && got !== digest) {
          throw new HoyError("invalid", `the client keeps ${digest} as ${got.slice(0, 100)}`);
        }
      }
      await sending;
    } catch (thrown) {
      if (thrown instanceof GrpcError && thrown.code === CODE.alreadyExists) return;
      throw thrown instanceof GrpcError ? fromGrpcError(thrown) : thrown;
    } finally {
      call.cancel();
    }
  }
}

async function told<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    throw thrown instanceof GrpcError ? fromGrpcError(thrown) : thrown;
  }
}
