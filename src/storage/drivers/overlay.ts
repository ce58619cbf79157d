// The `overlay` driver: layers are unpacked into directories, which are the lower directories of a container's overlay.
// For kernels that can't mount images of metadata over tars; takes more disk and time than `erofs`, and works anywhere.
//
//   layers/sha256/HEX/      the layer, unpacked; exists when this name does
//   layers/sha256/HEX.idx   its tree
//   images/CHAIN.dirs/      a directory above the layers, seldom there: see inherited.ts and besideWhiteouts

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { chainId, type Digest, digestHex, parseDigest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { Keyed } from "../../base/keyed.ts";
import { type Paths, paths } from "../../base/paths.ts";
import { isErrno } from "../../linux/libc.ts";
import { decodeIndex, decodeInfo, encodeIndex, HEAD_SIZE } from "../layer/index-file.ts";
import type { Directory } from "../layer/tree.ts";
import type { AddLayerOptions, LayerInfo, SnapshotDriver } from "../snapshot.ts";
import { removeTree } from "../tree/remove.ts";
import { makeDirectory, readHead, sizeOf, syncDirectory, temporaryName, writeWhole } from "./files.ts";
import { type InheritedDirectory, inheritedDirectories, makeInherited } from "./inherited.ts";
import { abandon, type ReceivedLayer, receiveLayer } from "./receive.ts";
import { LayerUnpacker } from "./unpack.ts";

const HEX = /^[0-9a-f]{64}$/;

export class OverlayDriver implements SnapshotDriver {
  readonly name = "overlay";
  readonly #paths: Paths;
  readonly #turns = new Keyed<string>();
  /** Lowers of chains that were asked for: each start of a container asks again. */
  readonly #chains = new Map<string, readonly string[]>();

  private constructor(where: Paths) {
    this.#paths = where;
  }

  /** Makes the directories, and removes what a crash left half-made. */
  static async open(where: Paths): Promise<OverlayDriver> {
    const driver = new OverlayDriver(where);
    // Setuid programs of images lie open below, under names that anybody can know: only root may pass. Containers reach
    // their layers through mounts.
    await makeDirectory(paths.layers(where), 0o700);
    await makeDirectory(paths.images(where), 0o700);
    await makeDirectory(paths.temporary(where), 0o700);
    await driver.#repair();
    return driver;
  }

  async addLayer(tar: AsyncIterable<Uint8Array>, options: AddLayerOptions = {}): Promise<LayerInfo> {
    const known = options.expected && (await this.hasLayer(options.expected));
    if (known !== undefined) {
      await abandon(tar);
      return known;
    }
    const temporary = temporaryName(paths.temporary(this.#paths));
    await mkdir(temporary, { mode: 0o700 });
    try {
      const received = await this.#unpack(tar, temporary, options);
      await this.#keep(temporary, received);
      return received.info;
    } finally {
      await removeTree(temporary);
    }
  }

  async hasLayer(diffId: Digest): Promise<LayerInfo | undefined> {
    if (!(await exists(this.#directory(diffId)))) return undefined;
    try {
      return decodeInfo(await readHead(this.#indexPath(diffId), HEAD_SIZE));
    } catch (error) {
      // Without its index a layer is of no use here: it has to come again, and then gets a new one.
      if (isErrno(error, "ENOENT") || error instanceof HoyError) return undefined;
      throw error;
    }
  }

  async layerTar(): Promise<undefined> {
    return undefined;
  }

  async removeLayer(diffId: Digest): Promise<void> {
    this.#chains.clear();
    const doomed = temporaryName(paths.temporary(this.#paths));
    try {
      // Away at once under its name; a crash while it is being emptied leaves it to the next start.
      await rename(this.#directory(diffId), doomed);
    } catch (error) {
      if (!isErrno(error, "ENOENT")) throw error;
    }
    await rm(this.#indexPath(diffId), { force: true });
    await removeTree(doomed);
  }

  async mountChain(diffIds: readonly Digest[]): Promise<readonly string[]> {
    if (diffIds.length === 0) return [];
    const hex = digestHex(chainId(diffIds));
    return this.#turns.run(hex, async () => {
      const known = this.#chains.get(hex);
      if (known !== undefined) return known;
      const lowers = await this.#lowers(diffIds, hex);
      this.#chains.set(hex, lowers);
      return lowers;
    });
  }

  async removeChain(diffIds: readonly Digest[]): Promise<void> {
    if (diffIds.length === 0) return;
    const hex = digestHex(chainId(diffIds));
    await this.#turns.run(hex, async () => {
      this.#chains.delete(hex);
      await removeTree(this.#inherited(hex));
    });
  }

  async listLayers(): Promise<Digest[]> {
    const names = await readdir(paths.layers(this.#paths));
    return names.filter((name) => HEX.test(name)).map((name) => parseDigest(`sha256:${name}`));
  }

  async #lowers(diffIds: readonly Digest[], hex: string): Promise<readonly string[]> {
    const indexes = new Map<Digest, ReceivedLayer>();
    for (const diffId of diffIds) if (!indexes.has(diffId)) indexes.set(diffId, await this.#index(diffId));
    const chain = diffIds.flatMap((diffId) => indexes.get(diffId) ?? []);
    const visible = visibleLayers(chain);
    const lowers = visible.map(({ info }) => this.#directory(info.diffId));
    const inherited = inheritedDirectories(chain.map(({ tree }) => tree)) ?? besideWhiteouts(visible);
    if (inherited === undefined) return lowers;
    const top = this.#inherited(hex);
    if (!(await exists(top))) {
      const temporary = temporaryName(paths.temporary(this.#paths));
      await mkdir(temporary, { mode: 0o700 });
      makeInherited(temporary, inherited);
      await flush(temporary);
      await rename(temporary, top);
      await syncDirectory(paths.images(this.#paths));
    }
    return [top, ...lowers];
  }

  async #unpack(tar: AsyncIterable<Uint8Array>, directory: string, options: AddLayerOptions): Promise<ReceivedLayer> {
    using unpacker = new LayerUnpacker(directory);
    const received = await receiveLayer(
      paced(tar),
      { entry: (_, placed) => unpacker.entry(placed), data: (bytes) => unpacker.data(bytes) },
      options,
    );
    unpacker.finish(received.tree.root);
    return received;
  }

  /** Two that added the same layer at once come here one after the other; the second finds it done. */
  async #keep(temporary: string, { info, tree }: ReceivedLayer): Promise<void> {
    await flush(temporary);
    await this.#turns.run(info.diffId, async () => {
      if ((await this.hasLayer(info.diffId)) !== undefined) return;
      // The index first: once the directory has its name, the layer is there.
      const index = encodeIndex(info, tree);
      await writeWhole(temporaryName(paths.temporary(this.#paths)), this.#indexPath(info.diffId), index);
      if (!(await exists(this.#directory(info.diffId)))) await rename(temporary, this.#directory(info.diffId));
      await syncDirectory(paths.layers(this.#paths));
    });
  }

  async #index(diffId: Digest): Promise<ReceivedLayer> {
    try {
      return decodeIndex(await readFile(this.#indexPath(diffId), "utf8"));
    } catch (error) {
      if (!isErrno(error, "ENOENT")) throw error;
      throw new HoyError("not-found", `no such layer: ${diffId}`, { cause: error });
    }
  }

  async #repair(): Promise<void> {
    const names = new Set(await readdir(paths.layers(this.#paths)));
    for (const name of names) {
      const hex = name.endsWith(".idx") ? name.slice(0, -".idx".length) : undefined;
      if (hex !== undefined && !names.has(hex)) await rm(join(paths.layers(this.#paths), name), { force: true });
    }
    const temporary = paths.temporary(this.#paths);
    for (const name of await readdir(temporary)) {
      if (!name.startsWith("snapshot-")) continue;
      const path = join(temporary, name);
      if ((await stat(path)).isDirectory()) await removeTree(path);
      else await rm(path, { force: true });
    }
  }

  #directory(diffId: Digest): string {
    return join(paths.layers(this.#paths), digestHex(diffId));
  }

  #indexPath(diffId: Digest): string {
    return join(paths.layers(this.#paths), `${digestHex(diffId)}.idx`);
  }

  #inherited(hex: string): string {
    return join(paths.images(this.#paths), `${hex}.dirs`);
  }
}

/**
 * The layers that overlay needs, top first: none below one whose root is opaque, which overlay itself would not heed;
 * and a layer that comes twice only where it is highest, since overlay refuses a directory given twice, and the higher
 * one says everything that the lower one does.
 */
function visibleLayers(chain: readonly ReceivedLayer[]): ReceivedLayer[] {
  const layers: ReceivedLayer[] = [];
  const seen = new Set<Digest>();
  for (const layer of chain.toReversed()) {
    if (!seen.has(layer.info.diffId)) layers.push(layer);
    seen.add(layer.info.diffId);
    if (layer.tree.root.opaque) break;
  }
  return layers;
}

/**
 * Whoever looks at an image of one layer looks at its directory, without an overlay, and would see its whiteouts. There
 * is nothing below for them to hide, but such layers exist. With a second directory it is an overlay.
 */
function besideWhiteouts([layer, ...others]: readonly ReceivedLayer[]): InheritedDirectory | undefined {
  if (layer === undefined || others.length > 0 || !hasWhiteouts(layer.tree.root)) return undefined;
  return { inode: layer.tree.root.inode, children: new Map() };
}

function hasWhiteouts(directory: Directory): boolean {
  const nodes = [...directory.children.values()];
  return nodes.some((node) => node.kind === "whiteout" || (node.kind === "dir" && hasWhiteouts(node)));
}

async function exists(path: string): Promise<boolean> {
  return (await sizeOf(path)) !== undefined;
}

/** Small pieces, with room for other work in between: a large one may hold thousands of files to make. */
async function* paced(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
  const size = 64 * 1024;
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length; at += size) {
      yield chunk.subarray(at, at + size);
      await setImmediate();
    }
  }
}

/** syncfs(2) for all the new files at once, in a process of its own, since it may take long. */
async function flush(path: string): Promise<void> {
  const [code] = await once(spawn("sync", ["-f", path], { stdio: "ignore" }), "exit");
  if (code !== 0) throw new HoyError("internal", `can't write the layer to its disk: sync -f ${path} failed`);
}
