// One pass over a layer's archive as it arrives: hash, tree and size. What is done with the bytes is the driver's.

import { createHash } from "node:crypto";
import type { Digest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { letGo } from "../../base/passing.ts";
import { LayerBuilder, type Placed } from "../layer/build.ts";
import type { LayerTree } from "../layer/tree.ts";
import type { AddLayerOptions, LayerInfo } from "../snapshot.ts";
import type { TarEntry } from "../tar/entry.ts";
import { TarParser } from "../tar/parser.ts";
import { ToldTar } from "../tar/told.ts";

export interface LayerSink {
  /** A chunk of the archive; the next is asked for when this is done. Whoever takes it calls `letGo` when it is done with. */
  chunk?(bytes: Uint8Array): Promise<void> | undefined;
  entry?(entry: TarEntry, placed: Placed): void;
  /** The next bytes of the last entry's stored data. */
  data?(bytes: Uint8Array): void;
}

export interface ReceivedLayer {
  readonly info: LayerInfo;
  readonly tree: LayerTree;
}

/** @throws HoyError "invalid" (archive, digest), "too-large", "cancelled"; what the stream throws as it is. */
export async function receiveLayer(
  tar: AsyncIterable<Uint8Array>,
  sink: LayerSink,
  options: AddLayerOptions,
): Promise<ReceivedLayer> {
  const hash = createHash("sha256");
  const builder = new LayerBuilder();
  let tarSize = 0;
  for await (const chunk of described(tar, builder, sink)) {
    if (options.signal?.aborted) throw new HoyError("cancelled", "adding a layer was cancelled");
    hash.update(chunk);
    tarSize += chunk.length;
    if (sink.chunk === undefined) letGo(chunk);
    else await sink.chunk(chunk);
  }
  const diffId: Digest = `sha256:${hash.digest("hex")}`;
  if (options.expected !== undefined && diffId !== options.expected) {
    throw new HoyError("invalid", `wrong digest of a layer: expected ${options.expected}, got ${diffId}`);
  }
  const tree = builder.finish();
  const { size, entries } = tree;
  return { info: { diffId, tarSize, size, entries }, tree };
}

/** The archive's bytes; what is in it goes to the builder and the sink, told by its writer where that is enough. */
async function* described(
  tar: AsyncIterable<Uint8Array>,
  builder: LayerBuilder,
  sink: LayerSink,
): AsyncGenerator<Uint8Array, void, void> {
  if (tar instanceof ToldTar && sink.entry === undefined && sink.data === undefined) {
    yield* tar.told((entry) => void builder.add(entry));
    return;
  }
  const parser = new TarParser({
    entry: (entry) => {
      const placed = builder.add(entry);
      sink.entry?.(entry, placed);
    },
    data: (bytes) => sink.data?.(bytes),
  });
  for await (const chunk of tar) {
    parser.push(chunk);
    yield chunk;
  }
  parser.end();
}

/** Lets go of a stream that need not be read: its file or socket is closed. */
export async function abandon(stream: AsyncIterable<Uint8Array>): Promise<void> {
  await stream[Symbol.asyncIterator]().return?.();
}
