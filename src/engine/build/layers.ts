// The build's layers in the engine's image store: added in a session of its collector, so that none goes before a
// record of the build cache names it.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chainId, type Digest, isDigest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import type { LayerSession, Layers } from "../../build/needs.ts";
import { BUILD_USER } from "../../build/solver/build.ts";
import type { BuildTable } from "../../state/build.ts";
import type { LayerRow } from "../../state/images.ts";
import { relieveAfter, relieved } from "../../storage/relief.ts";
import { ToldTar } from "../../storage/tar/told.ts";
import { addTar } from "../images/add-tar.ts";
import type { ImageShelf } from "../images/shelf.ts";
import { packLayer } from "./pack-layer.ts";

/** @param directory where the empty tree is */
export async function buildLayers(shelf: ImageShelf, table: BuildTable, directory: string): Promise<Layers> {
  const empty = join(directory, "empty");
  await mkdir(empty, { recursive: true, mode: 0o755 });
  /** Who holds the chains that no image and no record has. Rows, so that a crash leaves no mount for good. */
  const mounted = new Set<string>();
  const holdChain = async (diffIds: readonly Digest[]): Promise<void> => {
    const chain = chainId(diffIds);
    const user = `${BUILD_USER}mount:${chain}`;
    if (mounted.has(user) || table.isChainUsed(chain)) return;
    const layers = await Promise.all(diffIds.map((diffId) => rowOf(shelf, diffId)));
    table.hold(user, { chain, layers, blobs: [] });
    mounted.add(user);
  };
  return {
    session: () => sessionOf(shelf, table),
    info: (diffId) => shelf.driver.hasLayer(diffId),
    async blobsOf(diffId) {
      // The tar of a layer that the driver has unpacked, kept to be saved and pushed.
      return (await shelf.content.size(diffId)) === undefined ? [] : [diffId];
    },
    async tar(diffId) {
      const path = await shelf.driver.layerTar(diffId);
      if (path !== undefined) return path;
      return (await shelf.content.size(diffId)) === undefined ? undefined : shelf.content.path(diffId);
    },
    async mount(diffIds) {
      if (diffIds.length === 0) return [empty];
      await holdChain(diffIds);
      return shelf.driver.mountChain(diffIds);
    },
    async idle() {
      const users = [...mounted];
      mounted.clear();
      await shelf.releaseAll(users, []);
    },
    release: (holders, blobs) => shelf.releaseAll(holders, blobs.filter(isDigest)),
  };
}

async function rowOf(shelf: ImageShelf, diffId: Digest): Promise<LayerRow> {
  const info = await shelf.driver.hasLayer(diffId);
  if (info === undefined) throw new HoyError("internal", `a build's layer ${diffId} is gone`);
  return { diff_id: diffId, tar_size: info.tarSize, size: info.size, entries: info.entries };
}

function sessionOf(shelf: ImageShelf, table: BuildTable): LayerSession {
  const session = shelf.session();
  /** Bytes of archives that were written here. */
  let written = 0;
  return {
    async add(tar, signal) {
      if (!(tar instanceof ToldTar)) return (await addTar(shelf, session, relieved(tar), { signal })).layer;
      const { layer } = await addTar(shelf, session, tar, { signal });
      written += layer.tarSize;
      return layer;
    },
    async use(diffId) {
      await session.useBlob(diffId);
      return session.useLayer(diffId);
    },
    async put(bytes, mediaType) {
      const { digest, size } = await session.putBlob(bytes);
      return { descriptor: { mediaType, digest, size }, path: await shelf.content.path(digest) };
    },
    pack: (diffId, packing, signal) => packLayer({ shelf, table, session, signal }, diffId, packing),
    async [Symbol.asyncDispose]() {
      relieveAfter(written);
      await session[Symbol.asyncDispose]();
    },
  };
}
