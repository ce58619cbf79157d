// One layer of a pull: network → partial file and digest → decompress → the snapshot driver, all at once, in one stream.
// The compressed blob is then the file that came, linked into the content store: nothing is written twice.

import { createReadStream } from "node:fs";
import { open, rm } from "node:fs/promises";
import type { Digest } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import type { Descriptor } from "../../../image/descriptor.ts";
import { download } from "../../../registry/client/download.ts";
import type { Repository } from "../../../registry/client/repository.ts";
import { decompress } from "../../../storage/decompress.ts";
import { relieved } from "../../../storage/relief.ts";
import type { LayerInfo } from "../../../storage/snapshot.ts";
import { addTar } from "../add-tar.ts";
import type { IngestSession } from "../collector.ts";
import type { ImageShelf } from "../shelf.ts";
import { partialPath } from "./partial.ts";

export interface LayerPull {
  readonly shelf: ImageShelf;
  readonly repository: Repository;
  readonly blob: Descriptor;
  readonly diffId: Digest;
  readonly attempts: number;
  readonly onProgress: (received: number) => void;
  readonly onReceived: () => void;
  /** Nothing more comes over the network, and what came is the blob; the layer may still be on its way to the disk. */
  readonly onDownloaded: () => void;
}

export interface PulledLayer {
  readonly layer: LayerInfo;
  readonly blobs: readonly Digest[];
}

/** The layer if this engine has it already. */
export async function presentLayer(
  session: IngestSession,
  blob: Descriptor,
  diffId: Digest,
): Promise<PulledLayer | undefined> {
  const layer = await session.useLayer(diffId);
  if (layer === undefined) return undefined;
  // The tar as a blob is how a driver that unpacks keeps it.
  const here = await Promise.all(
    [blob.digest, diffId].map(async (digest) => ((await session.useBlob(digest)) === undefined ? [] : [digest])),
  );
  return { layer, blobs: here.flat() };
}

/** Downloads, checks and adds a layer. What came of it stays for the next try when it fails half-way. */
export async function pullLayer(pull: LayerPull, session: IngestSession, signal: AbortSignal): Promise<PulledLayer> {
  const { shelf, blob, diffId } = pull;
  const here = await session.useBlob(blob.digest);
  if (here !== undefined) {
    pull.onReceived();
    const stream = createReadStream(await shelf.content.path(blob.digest), { highWaterMark: 1024 * 1024 });
    const added = await addTar(shelf, session, relieved(decompress(stream, { signal, passing: true })), {
      expected: diffId,
      signal,
      packed: true,
    });
    return { layer: added.layer, blobs: [blob.digest, ...added.blobs] };
  }
  try {
    return await fetchLayer(pull, session, signal);
  } catch (error) {
    // A peer's lie is not the registry's.
    const isLie = error instanceof HoyError && error.code === "invalid" && pull.repository.distrust(blob.digest);
    if (!isLie) throw error;
    await rm(await partialPath(shelf.temporary, blob.digest), { force: true });
    return fetchLayer(pull, session, signal);
  }
}

async function fetchLayer(pull: LayerPull, session: IngestSession, signal: AbortSignal): Promise<PulledLayer> {
  const { shelf, blob, diffId } = pull;
  const path = await partialPath(shelf.temporary, blob.digest);
  const { attempts, onProgress } = pull;
  let synced: Promise<void> | undefined;
  const onEnd = () => {
    // While the layer is synced too; awaited below.
    synced = syncFile(path);
    synced.catch(() => undefined);
    pull.onReceived();
    pull.onDownloaded();
  };
  const claim = shelf.underWay.begin(pull.repository.name, blob.digest);
  const onBytes = (received: number) => {
    claim.progress(received);
    onProgress(received);
  };
  try {
    const stream = drained(
      download(pull.repository, blob, path, { signal, attempts, claim, onProgress: onBytes }),
      onEnd,
    );
    const added = await addTar(shelf, session, relieved(decompress(stream, { signal, passing: true })), {
      expected: diffId,
      signal,
      packed: true,
    }).catch(async (error: unknown) => {
      // A full disk is not left full by a beginning that may never be taken up.
      if (isFull(error)) await rm(path, { force: true });
      throw error;
    });
    // The tar may end before the blob does (padding after it): the rest is read for its digest.
    for await (const _ of stream.rest()) signal.throwIfAborted();
    await synced;
    await shelf.content.adopt(path, blob.digest);
    await session.useBlob(blob.digest);
    await rm(path, { force: true });
    claim.here();
    return { layer: added.layer, blobs: [blob.digest, ...added.blobs] };
  } catch (error) {
    claim.failed();
    throw error;
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT");
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path, "r");
  await file.sync();
}

/** A stream that a consumer may leave early without ending it; `rest` reads on to its end. */
function drained(
  source: AsyncGenerator<Uint8Array, void, void>,
  onEnd: () => void,
): AsyncIterable<Uint8Array> & { rest(): AsyncIterable<Uint8Array> } {
  let ended = false;
  const read = async function* () {
    while (!ended) {
      const next = await source.next();
      if (next.done !== true) yield next.value;
      else {
        ended = true;
        onEnd();
      }
    }
  };
  return { [Symbol.asyncIterator]: read, rest: read };
}
