// Contents of files that were sent before, from the layer of that time: out of its tar where it is known what lies where,
// else out of the mounted tree.

import { openSync, readSync } from "node:fs";
import type { Digest } from "../../../base/digest.ts";
import { HoyError } from "../../../base/error.ts";
import { O, OwnedFd, openInRoot } from "../../../linux/open.ts";
import { rawBytes, rawToText } from "../../../storage/tar/entry.ts";
import { readFrom, SMALL } from "../../ops/tree/data.ts";
import { openLayers } from "../../ops/tree/read-file.ts";
import { treeOf } from "../../solver/digests.ts";
import type { GraphSolver } from "../../solver/solver.ts";
import type { ListedFile } from "./listing.ts";

export interface LayerContents extends Disposable {
  /** @throws HoyError "internal" when the layer does not have the file as it was listed. */
  of(file: ListedFile): Uint8Array | AsyncIterable<Uint8Array>;
}

/** Of a layer that somebody holds until this is disposed of. */
export async function openContents(
  { knownTrees, needs }: Pick<GraphSolver, "knownTrees" | "needs">,
  diffIds: readonly Digest[],
  signal: AbortSignal,
): Promise<LayerContents> {
  const [layer] = diffIds;
  const known = knownTrees.find(treeOf(diffIds).key);
  const tar = known === undefined || layer === undefined ? undefined : await needs.layers.tar(layer);
  if (known !== undefined && tar !== undefined) {
    const data = new OwnedFd(openSync(tar, O.RDONLY));
    return {
      of(file) {
        const found = known.at(file.path);
        if (found === undefined || found.size !== file.size) throw damaged(file);
        return file.size > SMALL ? pieces(data, found.offset, file, signal) : whole(data, found.offset, file);
      },
      [Symbol.dispose]: () => data[Symbol.dispose](),
    };
  }
  const root = await openLayers(needs.layers, diffIds);
  return {
    of(file) {
      const data = new OwnedFd(openInRoot(root.fd, rawBytes(file.path), O.RDONLY | O.NOFOLLOW | O.NONBLOCK));
      if (file.size > SMALL) return owning(data, pieces(data, 0, file, signal));
      using owned = data;
      return whole(owned, 0, file);
    },
    [Symbol.dispose]: () => root[Symbol.dispose](),
  };
}

function whole(data: OwnedFd, offset: number, file: ListedFile): Uint8Array {
  const content = Buffer.allocUnsafe(file.size);
  if (readSync(data.fd, content, 0, file.size, offset) !== file.size) throw damaged(file);
  return content;
}

async function* owning(data: OwnedFd, all: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  using _owned = data;
  yield* all;
}

async function* pieces(
  data: OwnedFd,
  offset: number,
  file: ListedFile,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  let left = file.size;
  for await (const piece of readFrom(data.fd, offset, file.size, signal)) {
    left -= piece.length;
    yield piece;
  }
  if (left > 0) throw damaged(file);
}

function damaged({ path }: ListedFile): HoyError {
  return new HoyError("internal", `${rawToText(path)} is not in its layer as it was sent: prune the build cache`);
}
