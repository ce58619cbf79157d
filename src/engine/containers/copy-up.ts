// A new volume over a path where the image has something gets a copy of it, owners, modes, times and attributes too
// (as Docker does while the volume is empty). The copy is made beside and renamed, so a volume is whole or empty.

import { mkdirSync, openSync, readdirSync, readSync, writeSync } from "node:fs";
import { rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HoyError } from "../../base/error.ts";
import { newId } from "../../base/id.ts";
import {
  fchmodat,
  lchownat,
  linkat,
  makedev,
  mkdirat,
  mknodat,
  readlinkat,
  symlinkat,
  utimensat,
} from "../../linux/at.ts";
import { copyFileRange } from "../../linux/copy.ts";
import { isErrno } from "../../linux/libc.ts";
import { MS } from "../../linux/mount.ts";
import { O, OwnedFd, openat2 } from "../../linux/open.ts";
import { type FileStatus, S } from "../../linux/stat.ts";
import { getXattr, listXattrs, setXattr } from "../../linux/xattr.ts";
import type { MountRecord } from "../../state/containers.ts";
import { parseLocalOptions } from "../volumes/local-options.ts";
import { giveOwner, HALF_COPIED, type VolumeStore } from "../volumes/store.ts";
import type { Container } from "./container.ts";
import { LayeredRoot, latin1, type Node } from "./layered-root.ts";

/** Files of one volume's copy between two turns of the event loop. */
const BATCH = 200;

/** Fills the container's volumes that ask for it and are empty. `lowers`: of its image, top first. */
export async function copyUpVolumes(
  store: VolumeStore,
  container: Container,
  lowers: readonly string[],
): Promise<void> {
  const volumes = container.spec.mounts.filter(
    (mount) => mount.type === "volume" && mount.copyUp && mount.subpath === "",
  );
  if (volumes.length === 0 || lowers.length === 0) return;
  for (const volume of volumes) await copyUp(store, volume, lowers);
}

/**
 * The same for volumes that have a device, which is mounted now (at a start, not at create). There is no renaming into a
 * mount: a copy that is cut off stays as it is.
 */
export async function fillDevices(
  store: VolumeStore,
  mounts: readonly MountRecord[],
  lowers: readonly string[],
): Promise<void> {
  for (const volume of mounts) {
    if (!volume.copyUp || volume.subpath !== "" || lowers.length === 0) continue;
    const { mount: device } = parseLocalOptions(store.get(volume.name)?.options ?? {});
    if (device === undefined || (device.flags & MS.RDONLY) !== 0) continue;
    if (readdirSync(volume.source).length > 0) continue;
    using root = new LayeredRoot(lowers);
    const source = directoryFor(volume, root);
    if (source === undefined) continue;
    using target = new OwnedFd(openSync(volume.source, O.RDONLY | O.DIRECTORY));
    await new TreeCopy(root).fill(source, target.fd);
  }
}

function directoryFor(volume: MountRecord, root: LayeredRoot): Extract<Node, { kind: "directory" }> | undefined {
  const source = root.find(volume.destination);
  if (source === undefined || source.kind === "directory") return source;
  throw new HoyError("invalid", `cannot mount volume over existing file, file exists ${volume.destination}`);
}

async function copyUp(store: VolumeStore, volume: MountRecord, lowers: readonly string[]): Promise<void> {
  using root = new LayeredRoot(lowers);
  if (readdirSync(volume.source).length > 0) return;
  const source = directoryFor(volume, root);
  const local = parseLocalOptions(store.get(volume.name)?.options ?? {});
  if (source === undefined || local.mount !== undefined) return;
  const fresh = join(dirname(volume.source), `${HALF_COPIED}${newId()}`);
  await rm(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { mode: 0o700 });
  using target = new OwnedFd(openSync(fresh, O.RDONLY | O.DIRECTORY));
  await new TreeCopy(root).fill(source, target.fd);
  giveOwner(fresh, local);
  // Renaming over a directory works while that is empty: if another container filled it meanwhile, its copy stays.
  await rename(fresh, volume.source).catch(async (error) => {
    await rm(fresh, { recursive: true, force: true });
    if (!isErrno(error, "ENOTEMPTY", "EEXIST")) throw error;
  });
}

class TreeCopy {
  readonly #root: LayeredRoot;
  /** Inodes with several names: where the first copy is. */
  readonly #links = new Map<string, { readonly directory: OwnedFd; readonly name: Buffer }>();
  #count = 0;

  constructor(root: LayeredRoot) {
    this.#root = root;
  }

  async fill(source: Extract<Node, { kind: "directory" }>, target: number): Promise<void> {
    try {
      await this.#directory(source, target);
    } finally {
      for (const { directory } of this.#links.values()) directory[Symbol.dispose]();
    }
  }

  async #directory(source: Extract<Node, { kind: "directory" }>, target: number): Promise<void> {
    for (const name of this.#root.names(source)) {
      const node = this.#root.child(source, name);
      if (node === undefined) continue;
      if (++this.#count % BATCH === 0) await new Promise((resolve) => setImmediate(resolve));
      if (node.kind === "directory") {
        mkdirat(target, latin1(name), 0o700);
        using below = new OwnedFd(openat2(target, latin1(name), { flags: O.RDONLY | O.DIRECTORY | O.NOFOLLOW }));
        await this.#directory(node, below.fd);
      } else {
        this.#leaf(node, target);
      }
    }
    const [top = -1] = source.fds;
    settle(target, "", this.#root.status(source), top);
  }

  #leaf(node: Extract<Node, { kind: "leaf" }>, target: number): void {
    const { status } = node;
    const name = latin1(node.name);
    const key = `${status.dev.major}:${status.dev.minor}:${status.inode}`;
    const first = status.nlink > 1 ? this.#links.get(key) : undefined;
    if (first !== undefined) {
      linkat(first.directory.fd, first.name, target, name);
      return;
    }
    const type = status.mode & S.IFMT;
    if (type === S.IFREG) this.#file(node, target);
    else if (type === S.IFLNK) {
      symlinkat(readlinkat(node.parent, name), target, name);
      settle(target, node.name, status, undefined);
    } else {
      mknodat(target, name, status.mode, makedev(status.rdev.major, status.rdev.minor));
      settle(target, node.name, status, undefined);
    }
    if (status.nlink > 1) {
      this.#links.set(key, { directory: new OwnedFd(openat2(target, ".", { flags: O.RDONLY | O.DIRECTORY })), name });
    }
  }

  #file(node: Extract<Node, { kind: "leaf" }>, target: number): void {
    using from = new OwnedFd(this.#root.open(node));
    const flags = O.WRONLY | O.CREAT | O.EXCL | O.NOFOLLOW;
    using to = new OwnedFd(openat2(target, latin1(node.name), { flags, mode: 0o600 }));
    copyContents(from.fd, to.fd, node.status.size);
    settle(target, node.name, node.status, from.fd, to.fd);
  }
}

/** In the kernel where the two file systems can; through memory else. */
function copyContents(from: number, to: number, size: number): void {
  let at = 0;
  try {
    while (at < size) {
      const copied = copyFileRange(from, at, to, at, size - at);
      if (copied === 0) break;
      at += copied;
    }
  } catch (error) {
    if (!isErrno(error, "EXDEV", "EOPNOTSUPP", "EINVAL", "ENOSYS")) throw error;
  }
  if (at >= size) return;
  const buffer = Buffer.alloc(Math.min(size - at, 1024 * 1024));
  for (let read = -1; at < size && read !== 0; at += read) {
    read = readSync(from, buffer, 0, buffer.length, at);
    for (let written = 0; written < read; ) written += writeSync(to, buffer, written, read - written, at + written);
  }
}

/** Owner, mode, attributes, times, in the order in which none undoes another. */
function settle(
  directory: number,
  name: string,
  status: FileStatus,
  source: number | undefined,
  copy = directory,
): void {
  const path = latin1(name);
  lchownat(directory, path, status.uid, status.gid);
  const isLink = (status.mode & S.IFMT) === S.IFLNK;
  if (!isLink) fchmodat(directory, name === "" ? "." : path, status.mode & 0o7777);
  if (source !== undefined) {
    for (const key of listXattrs(source)) {
      if (key.startsWith("trusted.overlay.")) continue;
      const value = getXattr(source, latin1(key));
      if (value !== undefined) setXattr(copy, latin1(key), value);
    }
  }
  utimensat(directory, name === "" ? "." : path, status.atime, status.mtime);
}
