// The `erofs` driver: a layer's tar is kept as it came, and an image of metadata over the tars of a chain is mounted
// read-only, without unpacking anything (Linux 6.12 or later, CONFIG_EROFS_FS_BACKED_BY_FILE).
//
//   layers/sha256/HEX.tar   the layer; exists when this name does
//   layers/sha256/HEX.idx   its tree, a cache
//   images/CHAIN.v1.erofs   metadata of a chain, a cache: it can be made again from the layers
//   run/images/CHAIN        its mount

import { closeSync, createReadStream, openSync, readSync } from "node:fs";
import { mkdir, open, readdir, readFile, rename, rm, rmdir } from "node:fs/promises";
import { join } from "node:path";
import { chainId, type Digest, digestHex, parseDigest } from "../../base/digest.ts";
import { HoyError } from "../../base/error.ts";
import { Keyed } from "../../base/keyed.ts";
import { type Paths, paths } from "../../base/paths.ts";
import { isErrno } from "../../linux/libc.ts";
import { buildImage } from "../erofs/image.ts";
import { decodeIndex, decodeInfo, encodeIndex, HEAD_SIZE } from "../layer/index-file.ts";
import { mergeLayers } from "../layer/merge.ts";
import type { AddLayerOptions, LayerInfo, SnapshotDriver } from "../snapshot.ts";
import { unlinkIfThere, unlinkQuickly } from "../unlink.ts";
import { attachImage, detachImage, isImageMounted } from "./erofs-mount.ts";
import {
  BackgroundWriter,
  makeDirectory,
  readHead,
  sizeOf,
  syncDirectory,
  temporaryName,
  writeWhole,
} from "./files.ts";
import { abandon, type ReceivedLayer, receiveLayer } from "./receive.ts";

const TAR = /^([0-9a-f]{64})\.tar$/;
/** Ends the names of images; another number when images of before are to be made again. */
const IMAGE = ".v1.erofs";

export class ErofsDriver implements SnapshotDriver {
  readonly name = "erofs";
  readonly #paths: Paths;
  readonly #turns = new Keyed<string>();

  private constructor(where: Paths) {
    this.#paths = where;
  }

  /** Makes the directories, and removes what a crash left half-made. Mounts of an earlier engine are taken over as met. */
  static async open(where: Paths): Promise<ErofsDriver> {
    const driver = new ErofsDriver(where);
    await makeDirectory(paths.layers(where), 0o700);
    await makeDirectory(paths.images(where), 0o700);
    await makeDirectory(paths.temporary(where), 0o700);
    // Setuid programs of images lie open below: only root may pass.
    await makeDirectory(join(where.run, "images"), 0o700);
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
    try {
      return await this.#receive(tar, temporary, options);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  async hasLayer(diffId: Digest): Promise<LayerInfo | undefined> {
    if ((await sizeOf(this.#tar(diffId))) === undefined) return undefined;
    try {
      return decodeInfo(await readHead(this.#indexPath(diffId), HEAD_SIZE));
    } catch (error) {
      if (!isErrno(error, "ENOENT") && !(error instanceof HoyError)) throw error;
      return (await this.#index(diffId)).info;
    }
  }

  async layerTar(diffId: Digest): Promise<string | undefined> {
    const path = this.#tar(diffId);
    return (await sizeOf(path)) === undefined ? undefined : path;
  }

  async removeLayer(diffId: Digest): Promise<void> {
    // The name that makes the layer goes first: a crash in between leaves an index that the next start removes.
    await unlinkQuickly(this.#tar(diffId));
    await unlinkIfThere(this.#indexPath(diffId));
  }

  async mountChain(diffIds: readonly Digest[]): Promise<readonly string[]> {
    if (diffIds.length === 0) return [];
    const hex = digestHex(chainId(diffIds));
    return this.#turns.run(hex, async () => {
      const target = paths.mount(this.#paths, hex);
      if (isImageMounted(target)) return [target];
      const image = this.#image(hex);
      if ((await sizeOf(image)) === undefined) await this.#makeImage(diffIds, hex);
      await mkdir(target, { recursive: true, mode: 0o700 });
      await attachImage(image, (tag) => this.#tar(parseDigest(`sha256:${tag}`)), target);
      return [target];
    });
  }

  async removeChain(diffIds: readonly Digest[]): Promise<void> {
    if (diffIds.length === 0) return;
    const hex = digestHex(chainId(diffIds));
    await this.#turns.run(hex, async () => {
      const target = paths.mount(this.#paths, hex);
      detachImage(target);
      await removeDirectory(target);
      await unlinkIfThere(this.#image(hex));
    });
  }

  async listLayers(): Promise<Digest[]> {
    const names = await readdir(paths.layers(this.#paths));
    return names.flatMap((name) => {
      const hex = TAR.exec(name)?.[1];
      return hex === undefined ? [] : [parseDigest(`sha256:${hex}`)];
    });
  }

  async #receive(tar: AsyncIterable<Uint8Array>, temporary: string, options: AddLayerOptions): Promise<LayerInfo> {
    const file = await open(temporary, "wx", 0o600);
    let received: ReceivedLayer;
    let index: string;
    try {
      const writer = new BackgroundWriter(file);
      try {
        received = await receiveLayer(tar, { chunk: (bytes) => writer.write(bytes) }, options);
      } finally {
        await writer.finish();
      }
      const synced = file.sync();
      // Thrown where it is awaited.
      synced.catch(() => undefined);
      index = encodeIndex(received.info, received.tree);
      await synced;
    } finally {
      await file.close();
    }
    const { info } = received;
    await this.#turns.run(info.diffId, () => this.#keep(temporary, info.diffId, index));
    return info;
  }

  async #keep(temporary: string, diffId: Digest, index: string): Promise<void> {
    // A tar that is there stays: mounts may have it open, and then two of the same would take the disk.
    if ((await sizeOf(this.#tar(diffId))) !== undefined) return;
    // The index first: once the tar has its name, the layer is there.
    await this.#writeIndex(diffId, index);
    await rename(temporary, this.#tar(diffId));
    await syncDirectory(paths.layers(this.#paths));
  }

  async #makeImage(diffIds: readonly Digest[], hex: string): Promise<void> {
    // A chain may hold a layer twice (empty ones, mostly): it is read once.
    const indexes = new Map<Digest, ReceivedLayer>();
    for (const diffId of diffIds) {
      if (!indexes.has(diffId)) indexes.set(diffId, await this.#index(diffId));
    }
    const order = [...indexes.keys()];
    const merged = mergeLayers(
      diffIds.flatMap((diffId) => {
        const index = indexes.get(diffId);
        return index === undefined ? [] : [{ tree: index.tree, source: order.indexOf(diffId) }];
      }),
    );
    const layers = order.map((diffId) => ({
      tag: digestHex(diffId),
      tarSize: indexes.get(diffId)?.info.tarSize ?? 0,
      read: (into: Uint8Array, offset: number) => readExactly(this.#tar(diffId), into, offset),
    }));
    const image = await buildImage(merged, layers, { uuid: Buffer.from(hex, "hex") });
    await writeWhole(temporaryName(paths.temporary(this.#paths)), this.#image(hex), image);
    await syncDirectory(paths.images(this.#paths));
  }

  /** The layer's index, made again from its tar when it is missing or damaged. @throws "not-found" without the layer. */
  async #index(diffId: Digest): Promise<ReceivedLayer> {
    try {
      return decodeIndex(await readFile(this.#indexPath(diffId), "utf8"));
    } catch (error) {
      if (!isErrno(error, "ENOENT") && !(error instanceof HoyError)) throw error;
    }
    if ((await sizeOf(this.#tar(diffId))) === undefined) throw new HoyError("not-found", `no such layer: ${diffId}`);
    const stream = createReadStream(this.#tar(diffId), { highWaterMark: 1024 * 1024 });
    const received = await receiveLayer(stream, {}, { expected: diffId });
    await this.#writeIndex(diffId, encodeIndex(received.info, received.tree));
    return received;
  }

  async #writeIndex(diffId: Digest, text: string): Promise<void> {
    await writeWhole(temporaryName(paths.temporary(this.#paths)), this.#indexPath(diffId), text);
  }

  async #repair(): Promise<void> {
    const names = new Set(await readdir(paths.layers(this.#paths)));
    for (const name of names) {
      const orphan = name.endsWith(".idx") && !names.has(`${name.slice(0, -".idx".length)}.tar`);
      if (orphan) await rm(join(paths.layers(this.#paths), name), { force: true });
    }
    for (const name of await readdir(paths.images(this.#paths))) {
      if (!name.endsWith(IMAGE)) await rm(join(paths.images(this.#paths), name), { force: true, recursive: true });
    }
    const temporary = paths.temporary(this.#paths);
    for (const name of await readdir(temporary)) {
      if (name.startsWith("snapshot-")) await rm(join(temporary, name), { recursive: true, force: true });
    }
  }

  #tar(diffId: Digest): string {
    return join(paths.layers(this.#paths), `${digestHex(diffId)}.tar`);
  }

  #indexPath(diffId: Digest): string {
    return join(paths.layers(this.#paths), `${digestHex(diffId)}.idx`);
  }

  #image(hex: string): string {
    return join(paths.images(this.#paths), `${hex}${IMAGE}`);
  }
}

function readExactly(path: string, into: Uint8Array, offset: number): void {
  const file = openSync(path, "r");
  try {
    for (let at = 0; at < into.length; ) {
      const read = readSync(file, into, at, into.length - at, offset + at);
      if (read === 0) throw new HoyError("internal", `${path} is shorter than its index says`);
      at += read;
    }
  } finally {
    closeSync(file);
  }
}

async function removeDirectory(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}
