// A build's context that came as a tar: kept as a layer of the snapshot driver, so that nothing is unpacked. What its
// .dockerignore leaves out, and the client sent all the same, is hidden by a second layer above it.

import { HoyError } from "../../base/error.ts";
import type { Source } from "../../build/graph.ts";
import type { BuildNeeds, LayerSession } from "../../build/needs.ts";
import { emitDraft } from "../../build/ops/tree/emit.ts";
import { openLayers } from "../../build/ops/tree/read-file.ts";
import { WorkingTree } from "../../build/ops/tree/working-tree.ts";
import { treeOf } from "../../build/solver/digests.ts";
import type { Tree } from "../../build/solver-contract.ts";
import { Matcher } from "../../image/ignore/matcher.ts";
import { S } from "../../linux/stat.ts";
import { decompress } from "../../storage/decompress.ts";
import { type RawText, rawToText } from "../../storage/tar/entry.ts";
import { readTar } from "../../storage/tar/reader.ts";
import { END_OF_ARCHIVE, formatHeader, paddingAfter } from "../../storage/tar/writer.ts";
import { gathered } from "../../storage/tree/tar-stream.ts";
import { walkTree } from "../../storage/tree/walk.ts";

type LocalSource = Extract<Source, { type: "local" }>;

/** Reads the whole tar. @throws HoyError "invalid" for what is none. */
export async function receiveContext(
  body: AsyncIterable<Uint8Array>,
  layers: LayerSession,
  signal: AbortSignal,
): Promise<Tree> {
  try {
    const { diffId } = await layers.add(gathered(ownedByRoot(decompress(body, { signal }))), signal);
    return treeOf([diffId]);
  } catch (error) {
    if (!(error instanceof HoyError) || error.code !== "invalid") throw error;
    throw new HoyError("invalid", `Error processing tar file: ${error.message}`, { cause: error });
  }
}

/** Files of a context belong to root, whoever they belonged to at the client; no name in it hides another. */
async function* ownedByRoot(tar: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  for await (const { entry, data } of readTar(tar, { unpadded: true })) {
    if (isMark(entry.name)) continue;
    yield formatHeader({ ...entry, uid: 0, gid: 0 });
    if (entry.type !== "file" || entry.size === 0) continue;
    yield* data;
    yield paddingAfter(entry.size);
  }
  yield END_OF_ARCHIVE;
}

/** A whiteout to a layer; in a context only a file with an odd name, which no image could hold. */
function isMark(name: RawText): boolean {
  return name.includes(".wh.") && name.split("/").some((part) => part.startsWith(".wh."));
}

/** The context without what the patterns leave out; itself when it has nothing of that. */
export async function filterContext(
  context: Tree,
  { exclude }: LocalSource,
  needs: Pick<BuildNeeds, "layers">,
  layers: LayerSession,
  signal: AbortSignal,
): Promise<Tree> {
  const matcher = new Matcher(exclude);
  if (matcher.patterns.length === 0) return context;
  using root = await openLayers(needs.layers, context.diffIds);
  const tree = new WorkingTree(root);
  let removed: RawText | undefined;
  for (const { path, status } of walkTree(root.fd)) {
    signal.throwIfAborted();
    if (removed !== undefined && path.startsWith(removed)) continue;
    const text = rawToText(path);
    if (!matcher.ignores(text)) continue;
    const isDirectory = (status.mode & S.IFMT) === S.IFDIR;
    if (isDirectory && matcher.mayHoldExceptions(text)) continue;
    if (isDirectory) removed = `${path}/`;
    tree.remove(path.split("/"));
  }
  if (tree.root.children.size === 0) return context;
  const { diffId } = await layers.add(emitDraft(tree.root, { clamp: undefined, signal }), signal);
  return treeOf([...context.diffIds, diffId]);
}
