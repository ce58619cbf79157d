// `image diff A B`: the files that B has more, less or otherwise than A, each with the layer it is in. Both images' trees
// are put together in memory from the layers' tars; a layer that both have is read once and is equal by itself.

import { createHash } from "node:crypto";
import type { ImageChange } from "../../api/backend.ts";
import { type Digest, isDigest } from "../../base/digest.ts";
import { type ReceivedLayer, receiveLayer } from "../../storage/drivers/receive.ts";
import { type MergedDirectory, type MergedNode, mergeLayers } from "../../storage/layer/merge.ts";
import type { Inode } from "../../storage/layer/tree.ts";
import { type RawText, rawToText } from "../../storage/tar/entry.ts";
import type { ImageContext } from "./context.ts";
import { layerBytes } from "./layer-bytes.ts";
import type { ImageShelf } from "./shelf.ts";

interface Side {
  readonly root: MergedDirectory;
  readonly layers: readonly Digest[];
}

/** @throws HoyError "not-found" for an image or a layer whose tar is not here. */
export async function diffImages(
  { shelf }: ImageContext,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<ImageChange[]> {
  const ids = [shelf.find(from).id, shelf.find(to).id];
  await using session = shelf.session();
  const contents = new Map<Inode, string>();
  const read = new Map<Digest, ReceivedLayer>();
  const sides: Side[] = [];
  for (const id of ids) {
    const layers = shelf.table
      .layersOf(id)
      .map(({ diff_id }) => diff_id)
      .filter(isDigest);
    for (const diffId of layers) {
      await session.useLayer(diffId);
      if (!read.has(diffId)) read.set(diffId, await readLayer(shelf, diffId, contents, signal));
    }
    const chain = layers.flatMap((diffId, source) => {
      const tree = read.get(diffId)?.tree;
      return tree === undefined ? [] : [{ tree, source }];
    });
    sides.push({ root: mergeLayers(chain), layers });
  }
  const [before, after] = sides;
  const changes: ImageChange[] = [];
  if (before !== undefined && after !== undefined)
    compare(before, after, before.root, after.root, "", contents, changes);
  return changes;
}

/** The layer's tree; what its files hold goes into `contents` by digest. */
async function readLayer(
  shelf: ImageShelf,
  diffId: Digest,
  contents: Map<Inode, string>,
  signal: AbortSignal,
): Promise<ReceivedLayer> {
  let hash = createHash("sha256");
  let inode: Inode | undefined;
  const close = () => {
    if (inode !== undefined) contents.set(inode, hash.digest("hex"));
    inode = undefined;
  };
  const sink = {
    entry: (_: unknown, placed: { readonly kind: string; readonly inode?: Inode }) => {
      close();
      if (placed.inode?.type !== "file") return;
      inode = placed.inode;
      hash = createHash("sha256");
    },
    data: (bytes: Uint8Array) => void hash.update(bytes),
  };
  const received = await receiveLayer(await layerBytes(shelf, diffId, signal), sink, { expected: diffId, signal });
  close();
  return received;
}

function compare(
  a: Side,
  b: Side,
  before: MergedDirectory,
  after: MergedDirectory,
  path: string,
  contents: ReadonlyMap<Inode, string>,
  changes: ImageChange[],
): void {
  for (const name of [...new Set([...before.children.keys(), ...after.children.keys()])].toSorted(byBytes)) {
    const [old, now] = [before.children.get(name), after.children.get(name)];
    const where = `${path}/${rawToText(name)}`;
    if (now === undefined) {
      if (old !== undefined) changes.push({ Path: where, Kind: 2, Layer: a.layers[old.layer] ?? "" });
    } else if (old === undefined) {
      added(b, now, where, changes);
    } else {
      if (!isSame(old, now, contents)) changes.push({ Path: where, Kind: 0, Layer: b.layers[now.layer] ?? "" });
      if (old.kind === "dir" && now.kind === "dir") compare(a, b, old, now, where, contents, changes);
      else if (now.kind === "dir")
        for (const [inner, node] of now.children) added(b, node, `${where}/${rawToText(inner)}`, changes);
    }
  }
}

function added(side: Side, node: MergedNode, path: string, changes: ImageChange[]): void {
  changes.push({ Path: path, Kind: 1, Layer: side.layers[node.layer] ?? "" });
  if (node.kind !== "dir") return;
  for (const name of [...node.children.keys()].toSorted(byBytes)) {
    const child = node.children.get(name);
    if (child !== undefined) added(side, child, `${path}/${rawToText(name)}`, changes);
  }
}

function byBytes(a: RawText, b: RawText): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function isSame(a: MergedNode, b: MergedNode, contents: ReadonlyMap<Inode, string>): boolean {
  if (a.inode === b.inode) return true;
  const [left, right] = [a.inode, b.inode].map((inode) => [
    inode.type,
    inode.mode,
    inode.uid,
    inode.gid,
    // A directory's time says only that something in it changed, which is told of itself.
    inode.type === "dir" ? 0n : inode.mtime,
    inode.target,
    inode.device.major,
    inode.device.minor,
    inode.type === "dir" ? 0 : inode.size,
    contents.get(inode) ?? "",
    [...inode.xattrs]
      .map(([name, value]) => `${name}=${Buffer.from(value).toString("hex")}`)
      .toSorted()
      .join(),
  ]);
  return String(left) === String(right);
}
