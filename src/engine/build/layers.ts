// The build's layers in the engine's image store: added in a session of its collector, so that none goes before a
// record of the build cache names it.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { isDigest } from "../../base/digest.ts";
import type { LayerSession, Layers } from "../../build/needs.ts";
import { addTar } from "../images/add-tar.ts";
import type { ImageShelf } from "../images/shelf.ts";

/** @param directory where the empty tree is */
export async function buildLayers(shelf: ImageShelf, directory: string): Promise<Layers> {
  const empty = join(directory, "empty");
  await mkdir(empty, { recursive: true, mode: 0o755 });
  return {
    session: () => sessionOf(shelf),
    info: (diffId) => shelf.driver.hasLayer(diffId),
    async blobsOf(diffId) {
      // The tar of a layer that the driver has unpacked, kept to be saved and pushed.
      return (await shelf.content.size(diffId)) === undefined ? [] : [diffId];
    },
    async mount(diffIds) {
      return diffIds.length === 0 ? [empty] : shelf.driver.mountChain(diffIds);
    },
    release: (holders, blobs) => shelf.releaseAll(holders, blobs.filter(isDigest)),
  };
}

function sessionOf(shelf: ImageShelf): LayerSession {
  const session = shelf.session();
  return {
    async add(tar, signal) {
      return (await addTar(shelf, session, tar, { signal })).layer;
    },
    async use(diffId) {
      await session.useBlob(diffId);
      return session.useLayer(diffId);
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}
